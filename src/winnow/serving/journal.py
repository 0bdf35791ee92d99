"""The journal: writes the history, many answers in one commit.

One writer thread takes all that waits, commits it in one transaction, then lets those answers go. While it
commits, the next group gathers.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from queue import Empty, SimpleQueue

from loguru import logger

from winnow.domain import History, Prediction
from winnow.errors import StoreFailed, WinnowError
from winnow.monitoring.metrics import JournalMetrics
from winnow.store import Database, predictions

MAX_GROUP = 2000
"""Predictions in one commit."""
GATHER_SECONDS = 0.05
"""How long the writer lets relaxed answers gather: nobody waits for them, and a commit costs as much for one as for
many."""
MAX_BEHIND = 10_000_000
"""Characters (or bytes) of input that may wait for the writer before relaxed answers wait with them."""

_Entry = tuple[Sequence[Prediction], "asyncio.Future[None] | None"]


class Journal:
    """Keeps predictions. `keep` is called from one event loop; the writing happens in a thread of its own."""

    def __init__(self, database: Database, history: History, metrics: JournalMetrics) -> None:
        self.history = history
        self._database = database
        self._metrics = metrics
        self._entries: SimpleQueue[_Entry | None] = SimpleQueue()
        self._behind = 0
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._write_all, name="winnow-journal", daemon=True)
        self._thread.start()

    async def keep(self, rows: Sequence[Prediction]) -> None:
        """Return once these predictions are as safe as the history mode promises.

        Durable: they are committed. Relaxed: they wait for the writer. Off: nothing is kept.
        `StoreFailed` where they could not be written.
        """
        if self.history is History.OFF or not rows:
            return
        self._behind += _size(rows)
        if self.history is History.RELAXED and self._behind <= MAX_BEHIND:
            self._entries.put((rows, None))
            return
        committed: asyncio.Future[None] = self._loop.create_future()
        self._entries.put((rows, committed))
        await committed

    async def close(self) -> None:
        """Write what waits, then stop."""
        self._entries.put(None)
        await asyncio.to_thread(self._thread.join)

    def _write_all(self) -> None:
        while (first := self._entries.get()) is not None:
            if self.history is History.RELAXED:
                time.sleep(GATHER_SECONDS)
            group, last = self._gather(first)
            errors = self._write_group(group)
            try:
                self._loop.call_soon_threadsafe(self._let_go, group, errors)
            except RuntimeError:  # the loop is closed: nobody waits any more
                return
            if last:
                return

    def _gather(self, first: _Entry) -> tuple[list[_Entry], bool]:
        """All that waits now, up to a group; and whether the end was among it."""
        group, size = [first], len(first[0])
        while size < MAX_GROUP:
            try:
                entry = self._entries.get_nowait()
            except Empty:
                break
            if entry is None:
                return group, True
            group.append(entry)
            size += len(entry[0])
        return group, False

    def _write_group(self, group: Sequence[_Entry]) -> list[WinnowError | None]:
        """Commit a group; returns what went wrong for each entry.

        Where it is not the store that failed, an answer is such that none could hold it: then each is tried alone.
        """
        try:
            self._commit([row for rows, _ in group for row in rows])
        except StoreFailed as error:
            return self._lost(group, error)
        except Exception as error:  # noqa: BLE001  (whatever it was, the writer lives on and the callers are told)
            if len(group) == 1:
                return self._lost(group, error)
            return [self._write_group([entry])[0] for entry in group]
        return [None] * len(group)

    def _commit(self, rows: Sequence[Prediction]) -> None:
        started = time.perf_counter()
        with self._database.write() as connection:
            predictions.append(connection, rows)
        self._metrics.committed(len(rows), time.perf_counter() - started)

    def _lost(self, group: Sequence[_Entry], error: Exception) -> list[WinnowError | None]:
        rows = sum(len(rows) for rows, _ in group)
        logger.opt(exception=error).error("{} predictions could not be kept in the history", rows)
        self._metrics.failed(rows)
        return [
            StoreFailed("the answer was ready but could not be kept in the history: see the log") for _ in group
        ]

    def _let_go(self, group: Sequence[_Entry], errors: Sequence[WinnowError | None]) -> None:
        for (rows, committed), error in zip(group, errors, strict=True):
            self._behind -= _size(rows)
            if committed is None or committed.done():
                continue
            if error is None:
                committed.set_result(None)
            else:
                committed.set_exception(error)


def _size(rows: Sequence[Prediction]) -> int:
    return sum(len(row.input) + len(row.blob or b"") for row in rows)
