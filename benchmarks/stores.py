"""PostgreSQL and Redis for measurements: on free ports, on the core of the load generator, ended by their ids."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
import redis

from servers import LOAD_CORE, free_port


@contextmanager
def postgresql() -> Iterator[str]:
    """The URL of an empty database of a server as Debian installs it: what is committed is on the disk."""
    folder = Path(tempfile.mkdtemp(prefix="winnow-bench-pg-"))
    programs, user, port = _programs(), _unprivileged(folder), free_port()
    options = ["--username=winnow", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]
    initdb = [*user, str(programs / "initdb"), "-D", str(folder / "data"), *options]
    subprocess.run(initdb, check=True, capture_output=True)
    settings = [f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={folder}"]
    words = [word for setting in settings for word in ("-c", setting)]
    url = f"postgresql://winnow@127.0.0.1:{port}/postgres"
    try:
        with _running([*user, str(programs / "postgres"), "-D", str(folder / "data"), *words], lambda: _heard(url)):
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def redis_server() -> Iterator[str]:
    """The URL of an empty Redis that keeps nothing: it only hands out jobs."""
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    with _running(["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""], lambda: _pinged(url)):
        yield url


@contextmanager
def _running(command: Sequence[str], ready: Callable[[], bool]) -> Iterator[None]:
    process = subprocess.Popen(
        ["taskset", "-c", str(LOAD_CORE), *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 30
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} did not start")
            time.sleep(0.05)
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def _heard(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def _pinged(url: str) -> bool:
    try:
        with redis.Redis.from_url(url) as client:
            return bool(client.ping())
    except redis.ConnectionError:
        return False


def _programs() -> Path:
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    if not installed and on_path is None:
        raise RuntimeError("PostgreSQL is needed: on Debian, apt-get install postgresql")
    return installed[-1].parent if installed else Path(str(on_path)).parent


def _unprivileged(folder: Path) -> list[str]:
    """PostgreSQL refuses to run as root: give the folder to another user, and say how to become that one."""
    if os.geteuid() != 0:
        return []
    users = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = users.get("postgres") or users["nobody"]
    os.chown(folder, user.pw_uid, user.pw_gid)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
