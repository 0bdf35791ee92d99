"""Worker processes for proofs, started again when they die.

with Crew(settings, [["done:2", "working:3"], []]) as crew:
    wait_until(...)
assert crew.deaths
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from winnow.settings import Settings, to_environment

_ROOT = Path(__file__).parent.parent.parent
_STOP_SECONDS = 40.0


class Crew:
    """One thread for each worker, which starts one process after the other: one for each of its fates, then one
    that lives until the block ends. How fates are worded is in `mortal_worker`.

    A process that ends otherwise than by its fate, or not cleanly at the end, fails the block. `log` holds what all
    of them wrote.
    """

    def __init__(self, settings: Settings, fates: Sequence[Sequence[str]], log: str = "workers.log") -> None:
        self.deaths: list[str] = []
        """The fates that came true, in no particular order."""
        self.log = settings.project / log
        self._environment = _environment(settings)
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._failures: list[str] = []
        self._lock = threading.Lock()
        self._ending = False
        self._threads = [
            threading.Thread(target=self._live, args=(number, lives)) for number, lives in enumerate(fates)
        ]

    def pid(self, worker: int) -> int:
        """The process that is this worker at present."""
        with self._lock:
            return self._processes[worker].pid

    def works(self) -> bool:
        """Whether as many processes as there are workers have begun to work."""
        return self.log.exists() and self.log.read_text(encoding="utf-8").count("it works\n") >= len(self._threads)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._ending = True
            for process in self._processes.values():
                process.send_signal(signal.SIGTERM)
                process.send_signal(signal.SIGCONT)  # a stopped one would not hear of it
        for thread in self._threads:
            thread.join(_STOP_SECONDS)
        late = [thread for thread in self._threads if thread.is_alive()]
        for process in self._processes.values():
            process.kill()  # those that have ended are not touched
        for thread in late:
            thread.join()
        if kind is None:
            assert not self._failures, f"{self._failures}\n{self.log.read_text(encoding='utf-8')}"

    def _live(self, number: int, fates: Sequence[str]) -> None:
        for fate in [*fates, ""]:
            process = self._start(number, fate)
            if process is None:
                return
            code = process.wait()
            if fate and code == -signal.SIGKILL:
                self.deaths.append(fate)
            elif code != 0 or not self._ending:
                self._failures.append(f"worker {number}, fate '{fate}': it ended with {code}")
                return

    def _start(self, number: int, fate: str) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._ending:
                return None
            command = [sys.executable, "-m", "tests.proofs.mortal_worker", *([fate] if fate else [])]
            with self.log.open("ab") as log:
                self._processes[number] = subprocess.Popen(
                    command, env=self._environment, cwd=_ROOT, stdout=log, stderr=log, start_new_session=True
                )
            return self._processes[number]


def _environment(settings: Settings) -> dict[str, str]:
    own = {key: value for key, value in os.environ.items() if not key.startswith(("WINNOW_", "PROMETHEUS_"))}
    return own | to_environment(settings)
