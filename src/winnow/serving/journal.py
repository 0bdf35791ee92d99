"""The journal: writes the history, many answers in one commit."""

from __future__ import annotations

import time
from collections.abc import Sequence

from loguru import logger

from winnow.domain import History, Prediction
from winnow.errors import StoreFailed, WinnowError
from winnow.monitoring.metrics import JournalMetrics
from winnow.store import Database, predictions
from winnow.store.group_writer import GroupWriter

MAX_GROUP = 2000
"""Predictions in one commit."""
GATHER_SECONDS = 0.05
"""How long the writer lets relaxed answers gather: nobody waits for them, and a commit costs as much for one as for
many."""
MAX_BEHIND = 10_000_000
"""Characters (or bytes) of input that may wait for the writer before relaxed answers wait with them."""


class Journal(GroupWriter[Sequence[Prediction], None]):
    """Keeps predictions. `keep` is called from one event loop; the writing happens in a thread of its own."""

    def __init__(self, database: Database, history: History, metrics: JournalMetrics) -> None:
        self.history = history
        self._database = database
        self._metrics = metrics
        self._behind = 0
        super().__init__("winnow-journal", MAX_GROUP, GATHER_SECONDS if history is History.RELAXED else 0.0)

    async def keep(self, rows: Sequence[Prediction]) -> None:
        """Return once these predictions are as safe as the history mode promises.

        Durable: they are committed. Relaxed: they wait for the writer. Off: nothing is kept.
        `StoreFailed` where they could not be written.
        """
        if self.history is History.OFF or not rows:
            return
        self._behind += _size(rows)
        if self.history is History.RELAXED and self._behind <= MAX_BEHIND:
            self._put_unawaited(rows)
        else:
            await self._put(rows)

    def _rows(self, entry: Sequence[Prediction]) -> int:
        return len(entry)

    def _commit(self, entries: Sequence[Sequence[Prediction]]) -> Sequence[None]:
        rows = [row for entry in entries for row in entry]
        started = time.perf_counter()
        with self._database.write() as connection:
            predictions.append(connection, rows)
        self._metrics.committed(len(rows), time.perf_counter() - started)
        return [None] * len(entries)

    def _lost(self, entries: Sequence[Sequence[Prediction]], error: Exception) -> Sequence[WinnowError]:
        rows = sum(map(len, entries))
        logger.opt(exception=error).error("{} predictions could not be kept in the history", rows)
        self._metrics.failed(rows)
        return [
            StoreFailed("the answer was ready but could not be kept in the history: see the log") for _ in entries
        ]

    def _let_go(self, entry: Sequence[Prediction]) -> None:
        self._behind -= _size(entry)


def _size(rows: Sequence[Prediction]) -> int:
    return sum(len(row.input) + len(row.blob or b"") for row in rows)
