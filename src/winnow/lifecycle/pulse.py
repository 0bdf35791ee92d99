"""The pulse of a run: tells the store that its process lives and how far it is, and hears when it is to stop.

It beats in a thread of its own, because a candidate may be deep in compiled code for minutes. A run that is to stop
is stopped gently first: `tell`, which candidates call as they go, raises `Cancelled`. One that does not call it
within the grace period is ended with its process, as compiled code does not listen.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from loguru import logger

from winnow.domain import Status
from winnow.errors import Cancelled, StoreFailed
from winnow.lifecycle.progress import RunProgress
from winnow.store import Database, runs

HEARTBEAT_SECONDS = 2.0
PROGRESS_SECONDS = 0.15
GRACE_SECONDS = 3.0


class Pulse:
    """Beats while its block is open. It takes SIGTERM over for that time, so it belongs in the main thread.

    `scratch` is removed where the process has to be ended.
    """

    def __init__(self, database: Database, run_id: str, scratch: Path) -> None:
        self._database = database
        self._run_id = run_id
        self._scratch = scratch
        self._told: RunProgress | None = None
        self._stop = threading.Event()
        self._stopped = threading.Event()
        self._hears, self._wakes = socket.socketpair()
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)

    def tell(self, progress: RunProgress) -> None:
        """Say how far the run is. Raises `Cancelled` where it is to stop."""
        if self._stop.is_set():
            raise Cancelled("the run was cancelled")
        self._told = progress

    def __enter__(self) -> Self:
        # A Python signal handler waits for compiled code to return; the byte on this socket does not.
        self._wakes.settimeout(0)
        signal.set_wakeup_fd(self._wakes.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, lambda _number, _frame: self._stop.set())
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._wakes.send(b"\0")
        self._thread.join()
        self._hears.close()
        self._wakes.close()

    def _beat(self) -> None:
        last_beat, last_told = 0.0, None
        while not self._stopped.is_set():
            told = self._told
            if told is not last_told or time.monotonic() - last_beat >= HEARTBEAT_SECONDS:
                if not self._report(None if told is last_told else told):
                    return self._end_gently()
                last_beat, last_told = time.monotonic(), told
            if select.select([self._hears], [], [], PROGRESS_SECONDS)[0] and not self._stopped.is_set():
                self._mark_cancelled()
                return self._end_gently()
        return None

    def _report(self, progress: RunProgress | None) -> bool:
        """Whether the run is to go on. A store that does not answer for a moment is no reason to give up."""
        try:
            with self._database.write() as connection:
                return runs.report_progress(connection, self._run_id, progress)
        except StoreFailed as error:
            logger.warning("the run's progress could not be stored: {}", error)
            return True

    def _mark_cancelled(self) -> None:
        """The process was asked to end (SIGTERM), by a person or by the machine's shutdown."""
        try:
            with self._database.write() as connection:
                runs.end(connection, self._run_id, Status.CANCELLED, "its process was asked to end")
        except StoreFailed as error:
            logger.warning("the end of the run could not be stored: {}", error)

    def _end_gently(self) -> None:
        self._stop.set()
        if not self._stopped.wait(GRACE_SECONDS):
            shutil.rmtree(self._scratch, ignore_errors=True)
            os._exit(0)  # the store knows how the run ended; nobody waits for more of this process
