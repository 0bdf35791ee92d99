"""The watch: waits for news of jobs, with one look at the store for all who wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Collection, Iterator
from contextlib import contextmanager

from loguru import logger

from winnow.domain import Job
from winnow.jobs.bells import NEWS, Bells, Doorbell
from winnow.store import Database, jobs

LOOK_SECONDS = 1.0
"""How long the watch waits for the bell before it looks by itself: what was started has rung none."""


class Watch:
    """Used from one event loop. Nothing is looked at while nobody waits."""

    def __init__(self, database: Database, bells: Bells) -> None:
        self._database = database
        self._bell = Doorbell(bells, NEWS)
        self._waiting: dict[str, set[_Waiter]] = {}
        self._looking: asyncio.Task[None] | None = None
        self._stopped = False

    async def ended(self, ticket: str, seconds: float) -> Job:
        """A job as soon as it has ended, or as it stands after so many seconds, or when the watch is stopped.

        `NotFound` for an unknown ticket.
        """
        deadline = time.monotonic() + seconds
        with self._waiter(ticket) as waiter:
            job = await asyncio.to_thread(self._job, ticket)
            while not (job.status.final or self._stopped) and (left := deadline - time.monotonic()) > 0:
                job = await waiter.news(left) or job
        return job

    async def changes(self, ticket: str, beat: float) -> AsyncGenerator[Job | None]:
        """A job as it stands, then at each change, until it has ended or the watch is stopped.

        None after every `beat` seconds without a change. `NotFound` for an unknown ticket.
        """
        with self._waiter(ticket) as waiter:
            job = await asyncio.to_thread(self._job, ticket)
            yield job
            told = time.monotonic()
            while not (job.status.final or self._stopped):
                news = await waiter.news(max(0.0, told + beat - time.monotonic()))
                if news is not None and news != job:
                    job = news
                    yield job
                    told = time.monotonic()
                elif time.monotonic() - told >= beat:
                    yield None
                    told = time.monotonic()

    def stop(self) -> None:
        """Let all go who wait, now and from now on, with what is known."""
        self._stopped = True
        for waiters in self._waiting.values():
            for waiter in waiters:
                waiter.wake()

    async def close(self) -> None:
        """Stop, and look no more."""
        self.stop()
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    def _job(self, ticket: str) -> Job:
        with self._database.read() as connection:
            return jobs.get(connection, ticket)

    @contextmanager
    def _waiter(self, ticket: str) -> Iterator[_Waiter]:
        waiter = _Waiter()
        self._waiting.setdefault(ticket, set()).add(waiter)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_on())
        try:
            yield waiter
        finally:
            self._waiting[ticket].discard(waiter)
            if not self._waiting[ticket]:
                del self._waiting[ticket]

    async def _look_on(self) -> None:
        while self._waiting and not self._stopped:
            await self._bell.wait(LOOK_SECONDS)
            started = time.perf_counter()
            try:
                found = await asyncio.to_thread(self._some, tuple(self._waiting))
            except Exception as error:  # noqa: BLE001  (whatever it was, the next look may succeed)
                logger.error("jobs cannot be looked at: {!r}", error)
                continue
            for job in found:
                for waiter in self._waiting.get(job.id, ()):
                    waiter.tell(job)
            await asyncio.sleep(time.perf_counter() - started)  # where very many wait, looking is half of the work

    def _some(self, tickets: Collection[str]) -> list[Job]:
        with self._database.read() as connection:
            return jobs.some(connection, tickets)


class _Waiter:
    """One who waits for news of one job."""

    def __init__(self) -> None:
        self._told = asyncio.Event()
        self._job: Job | None = None

    def tell(self, job: Job) -> None:
        self._job = job
        self._told.set()

    def wake(self) -> None:
        self._told.set()

    async def news(self, seconds: float) -> Job | None:
        """The job as it was at the newest look; None where there was none within so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                await self._told.wait()
        except TimeoutError:
            return None
        self._told.clear()
        return self._job
