"""`winnow up` as people start it: in a process of its own, with the page, and with accounts.

with Served(project) as served:
    served.url, served.one_time_password
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_START_SECONDS = 90.0
_STOP_SECONDS = 40.0


class Served:
    """A project that is served on a free port of this machine. Keywords are settings."""

    greeting: dict[str, Any]
    """What `winnow up --json` printed when it was ready."""

    def __init__(self, project: Path, **settings: object) -> None:
        self.project = project
        self.log = project / "up.log"
        self._environment = environment(project, **{"port": 0, **settings})

    @property
    def url(self) -> str:
        """Where it is served."""
        address: str = self.greeting["address"]
        return address

    @property
    def one_time_password(self) -> str:
        """The password of the first account, `admin`, where this start made it."""
        password: str = self.greeting["first_admin"]["password"]
        return password

    def __enter__(self) -> Self:
        printed = self.project / "up.json"
        with printed.open("wb") as out, self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "winnow", "up", "--json"],
                env=self._environment,
                stdout=out,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self._ready(printed):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._stop()
                said = [path.read_text(encoding="utf-8") for path in (printed, self.log)]
                raise AssertionError(f"the server did not start:\n{''.join(said)}")
            time.sleep(0.05)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _ready(self, printed: Path) -> bool:
        try:
            self.greeting = json.loads(printed.read_text(encoding="utf-8"))
        except json.JSONDecodeError:  # nothing yet, or the first part of it
            return False
        return "address" in self.greeting

    def _stop(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"the server did not stop in {_STOP_SECONDS} s") from None


def environment(project: Path, **settings: object) -> dict[str, str]:
    """What a process about this project is started with: nothing of ours but these settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WINNOW_")}
    given = {"project": project, **settings}
    return kept | {f"WINNOW_{name.upper()}": str(value) for name, value in given.items()}


def winnow(project: Path, *words: str, given: str = "") -> str:
    """Run a command about this project, with `given` on its standard input; returns what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "winnow", *words],
        env=environment(project),
        input=given,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"winnow {' '.join(words)}: {done.stdout}{done.stderr}"
    return done.stdout
