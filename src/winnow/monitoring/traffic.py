"""Traffic of this process: counted by minute in memory, written down every few seconds.

Used from one event loop, whose hot path counts here: what a request costs does not depend on how many there were.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from loguru import logger

from winnow.errors import StoreFailed
from winnow.store import Database, turns
from winnow.store import traffic as stored
from winnow.store.latency import bucket_of
from winnow.store.traffic import Minute

EVERY_SECONDS = 10.0
KEPT_FOR = timedelta(days=30)
_PRUNE_EVERY = timedelta(hours=1)
_MOST_WAITING = 180
"""Minutes of one service that wait for a store that cannot be reached; older ones are forgotten."""
_LONGEST_HOST = 40

Clock = Callable[[], float]


class Counted:
    """What is known of one minute of one service. `written` is whether the store knows it too."""

    __slots__ = ("answered", "failed", "late", "latency", "minute", "overloaded", "refused", "written")

    def __init__(self, minute: int) -> None:
        self.minute = minute
        self.answered = self.refused = self.failed = self.overloaded = self.late = 0
        self.latency: dict[int, int] = {}
        self.written = True


class Tally:
    """Counts the inputs of one service. `clock` gives seconds since 1970."""

    def __init__(self, clock: Clock = time.time) -> None:
        self._clock = clock
        self._current = Counted(0)
        self._until = 0.0
        self._waiting: list[Counted] = []

    def answered(self, inputs: int, milliseconds: float | None = None) -> None:
        """So many got an answer, together after so long; None where nobody waited for it."""
        counts = self._now()
        counts.answered += inputs
        if milliseconds is not None:
            bucket = bucket_of(milliseconds)
            counts.latency[bucket] = counts.latency.get(bucket, 0) + inputs

    def refused(self, inputs: int) -> None:
        """So many could not be answered, through an error of their own."""
        self._now().refused += inputs

    def failed(self, inputs: int) -> None:
        """So many got no answer because the model or the store failed."""
        self._now().failed += inputs

    def overloaded(self, inputs: int) -> None:
        """So many were refused for load."""
        self._now().overloaded += inputs

    def late(self, inputs: int) -> None:
        """So many had no answer when their time was up."""
        self._now().late += inputs

    def unwritten(self) -> list[Counted]:
        """Minutes that the store does not know, or not as they stand, oldest first. They count as written then."""
        found = [counts for counts in (*self._waiting, self._current) if not counts.written]
        self._waiting = []
        for counts in found:
            counts.written = True
        return found

    def give_back(self, counts: list[Counted]) -> None:
        """These could not be written: try again next time."""
        for entry in counts:
            entry.written = False
        known = (self._current, *self._waiting)
        self._waiting = [entry for entry in counts if entry not in known][-_MOST_WAITING:] + self._waiting

    def _now(self) -> Counted:
        moment = self._clock()
        if moment >= self._until:  # a clock that is put back makes no second row of one minute
            self._turn(moment)
        current = self._current
        current.written = False
        return current

    def _turn(self, moment: float) -> None:
        if not self._current.written:
            self._waiting.append(self._current)
        minute = int(moment // 60)
        self._current, self._until = Counted(minute), 60.0 * (minute + 1)


class Traffic:
    """The tallies of this process, one for each service. `write` is a chore of it."""

    def __init__(self, database: Database, clock: Clock = time.time) -> None:
        self._database = database
        self._clock = clock
        host = socket.gethostname()[:_LONGEST_HOST]
        self._process = f"{host}:{os.getpid()}:{secrets.token_hex(4)}"
        self._tallies: dict[str, Tally] = {}

    def of(self, service: str) -> Tally:
        """What counts for a service."""
        return self._tallies.setdefault(service, Tally(self._clock))

    async def write(self) -> None:
        """Write down what changed since the last time, this minute's figures among it; nothing where nothing did.

        `StoreFailed` where it cannot be written; then it is kept for the next time.
        """
        taken = [(service, tally, tally.unwritten()) for service, tally in self._tallies.items()]
        minutes = [self._minute(service, counts) for service, _, found in taken for counts in found]
        if not minutes:
            return
        try:
            await asyncio.to_thread(_write, self._database, minutes)
        except StoreFailed:
            for _, tally, found in taken:
                tally.give_back(found)
            raise

    async def close(self) -> None:
        """Write down what is left. Where that fails some seconds' figures are lost, and the log says so."""
        try:
            await self.write()
        except StoreFailed as error:
            logger.error("the last figures of traffic could not be written: {}", error)

    def _minute(self, service: str, counts: Counted) -> Minute:
        return Minute(
            minute=datetime.fromtimestamp(counts.minute * 60, UTC),
            service=service,
            process=self._process,
            answered=counts.answered,
            refused=counts.refused,
            failed=counts.failed,
            overloaded=counts.overloaded,
            late=counts.late,
            latency={str(bucket): count for bucket, count in sorted(counts.latency.items())},
        )


def _write(database: Database, minutes: list[Minute]) -> None:
    with database.write(lasting=False) as connection:
        stored.write(connection, minutes)
        if turns.take(connection, "prune-traffic", _PRUNE_EVERY):
            stored.prune(connection, KEPT_FOR)
