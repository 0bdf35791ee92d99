"""`winnow up`: it says when it is ready, answers, and stops when it is asked to."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import WINNOW, environment, winnow


@contextmanager
def _up(*arguments: str, project: Path) -> Iterator[subprocess.Popen[str]]:
    command = [WINNOW, "up", "--port", "0", *arguments]
    with (
        (project / "err.txt").open("w") as told,
        subprocess.Popen(
            command, cwd=project, stdout=subprocess.PIPE, stderr=told, text=True, env=environment()
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def _ask(address: str, body: str | None = None) -> Any:
    request = urllib.request.Request(address, data=None if body is None else body.encode())
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_answers_and_stops(number: signal.Signals, shop: Path) -> None:
    with _up("--json", "--history", "off", "--log-format", "json", project=shop) as process:
        assert process.stdout is not None
        ready = json.loads("".join(iter(process.stdout.readline, "}\n")) + "}")
        assert ready["services"] == {"sentiment": True}
        assert ready["concurrency"] == 2
        assert _ask(f"{ready['address']}/services")["services"][0]["name"] == "sentiment"
        process.send_signal(number)
        assert process.wait(30) == 0
    assert "Traceback" not in (shop / "err.txt").read_text()


def test_it_trains_first_and_gives_a_line_to_try(new_shop: Path) -> None:
    with _up("--train", "--concurrency", "0", project=new_shop) as process:
        assert process.stdout is not None
        greeting = "".join(iter(process.stdout.readline, "  stop it        Ctrl-C\n"))
        assert greeting.startswith("shop is served at http://127.0.0.1:"), (new_shop / "err.txt").read_text()
        assert "  jobs           left to `winnow worker`" in greeting.splitlines()
        line = next(line for line in greeting.splitlines() if "try it" in line)
        _curl, _s, address, _d, body = shlex.split(line.split("try it")[1])
        assert _ask(address, body)["label"] in ("negative", "positive")
        process.terminate()
        assert process.wait(30) == 0
    told = (new_shop / "err.txt").read_text()
    assert "417 examples added" in told
    assert "is the champion now." in told


def test_what_keeps_it_from_starting(shop: Path) -> None:
    exposed = winnow("up", "--host", "0.0.0.0", "--json", project=shop)
    assert exposed.code == 2
    assert "winnow users add NAME --role admin" in exposed.json["detail"]
    assert winnow("up", "--port", "99999", project=shop).code == 2
    assert winnow("up", "--max-body-mb", "-1", project=shop).code == 2
