"""Servers under measurement: each in a process of its own, pinned to one core, ended by its id."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

HERE = Path(__file__).parent
SERVER_CORE = 0
LOAD_CORE = 1


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers at `port` for `path`, and how long it took to get there."""

    port: int
    path: str
    pid: int
    seconds_to_ready: float

    def ask(self, text: str) -> dict[str, Any]:
        """One prediction."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("POST", self.path, json.dumps({"input": text}), {"Content-Type": "application/json"})
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
        connection.close()
        return answer

    def memory_mb(self) -> float:
        """Resident memory now, with that of child processes."""
        pids = [self.pid, *_children(self.pid)]
        return sum(_figure_mb(pid, "VmRSS") for pid in pids)


@contextmanager
def handler(project: Path, candidate: Mapping[str, Any], *, log: bool) -> Iterator[Running]:
    """The plain FastAPI handler, under uvicorn."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "handler:create_app", "--factory", "--port", str(port)]
    if not log:
        command += ["--no-access-log", "--log-level", "warning"]
    environment = {"BENCH_PROJECT": str(project), "BENCH_CANDIDATE": json.dumps(candidate), "PYTHONPATH": str(HERE)}
    with process(command, environment) as (pid, started):
        yield _ready(port, "/predict", pid, started)


@contextmanager
def winnow(
    project: Path, history: str = "durable", *, log: bool, settings: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Running]:
    """Winnow, as `winnow up` starts it, with more settings as environment variables."""
    port = free_port()
    command = [sys.executable, "-m", "winnow", "--project", str(project), "up", "--port", str(port)]
    environment = {
        **settings,
        "WINNOW_HISTORY": history,
        "WINNOW_LOG_LEVEL": "info" if log else "warning",
        "WINNOW_ANONYMOUS": "admin",  # the handler beside it asks nobody either
    }
    with process(command, environment) as (pid, started):
        yield _ready(port, "/services/sentiment/predict", pid, started)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(
    command: Sequence[str], environment: Mapping[str, str], cores: Sequence[int] = (SERVER_CORE,)
) -> Iterator[tuple[int, float]]:
    """A process on the servers' core, or on these: its id, and when it was started."""
    started = time.perf_counter()
    log = Path("/dev/null").open("wb")  # noqa: SIM115  (closed below, after the process)
    running = subprocess.Popen(
        ["taskset", "-c", ",".join(map(str, cores)), *command],
        env={**os.environ, **environment},
        stdout=log,
        stderr=log,
    )
    try:
        yield running.pid, started
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(30)
        log.close()


def _ready(port: int, path: str, pid: int, started: float) -> Running:
    while time.perf_counter() - started < 60:
        try:
            running = Running(port, path, pid, time.perf_counter() - started)
            running.ask("Is anybody there?")
        except (OSError, http.client.HTTPException, ValueError):
            time.sleep(0.02)
        else:
            return Running(port, path, pid, time.perf_counter() - started)
    raise RuntimeError(f"no answer on port {port} after a minute")


def peak_memory_mb(pid: int) -> float:
    """The most memory that a process ever had, itself."""
    return _figure_mb(pid, "VmHWM")


def _children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    direct = [int(child) for child in path.read_text(encoding="ascii").split()]
    return [grandchild for child in direct for grandchild in (child, *_children(child))]


def _figure_mb(pid: int, name: str) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1024
