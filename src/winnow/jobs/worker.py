"""A worker: takes jobs from the queue, does them, and sees to it that none is lost.

Its lanes each take jobs by themselves. How many a lane takes at once follows from how long they have been taking: a
tenth of a second's worth, so that light jobs share the cost of a commit and heavy ones are left for other workers.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any, Protocol, Self

from loguru import logger

from winnow.domain import JobKind, Prediction, Status, new_id, now
from winnow.errors import InvalidInput, NotFound, StoreFailed, WinnowError
from winnow.jobs.bells import WORK, Bells, Doorbell
from winnow.jobs.queue import LANES, Queue
from winnow.settings import Settings
from winnow.store.jobs import Ending, Lease

WORTH_SECONDS = 0.1
"""How much work a lane takes at once."""
MOST_AT_ONCE = 256
LOOK_SECONDS = 1.0
"""How long a lane without work waits for the bell before it looks by itself."""
LONGEST_RETRY = timedelta(hours=1)
_PERMANENT = (InvalidInput, NotFound)
"""What will fail the same way however often it is tried."""


@dataclass(frozen=True, slots=True)
class Done:
    """What came of some leases: how each ends, and predictions that go into the history with them."""

    endings: Sequence[Ending]
    predictions: Sequence[Prediction] = ()


Chore = Callable[[], Coroutine[Any, Any, None]]
"""What a worker does besides, for as long as it works."""


class Doer(Protocol):
    """Does jobs of one kind. What it raises is a failed attempt of every job that it was given."""

    @property
    def at_once(self) -> int:
        """How many jobs it can be given at most."""
        ...

    async def do(self, leases: Sequence[Lease]) -> Done:
        """Do these jobs. Cancelled where their lease is lost, or where the worker is to stop."""
        ...


class Worker:
    """Works while its block is open. Used from one event loop."""

    def __init__(
        self,
        queue: Queue,
        doers: Mapping[JobKind, Doer],
        services: Collection[str],
        bells: Bells,
        settings: Settings,
        chores: Sequence[Chore] = (),
    ) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}:{new_id()[-6:]}"
        self._queue = queue
        self._doers = doers
        self._services = services
        self._bells = bells
        self._settings = settings
        self._chores = chores
        self._held: dict[str, Lease] = {}
        self._working: dict[str, asyncio.Task[Done]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._closing = False

    async def __aenter__(self) -> Self:
        """Start all lanes."""
        for kinds in LANES:
            many = 1 if kinds == {JobKind.TRAIN} else self._settings.concurrency
            self._tasks += [asyncio.create_task(self._lane(kinds)) for _ in range(many)]
        beat = self._settings.lease_seconds / 3
        self._tasks.append(asyncio.create_task(self._every(beat, self._renew)))
        self._tasks.append(asyncio.create_task(self._every(min(LOOK_SECONDS, beat), self._recover)))
        self._tasks += [asyncio.create_task(chore()) for chore in self._chores]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take no more jobs, let light ones end, give the others back."""
        self._closing = True
        for doing in self._working.values():
            doing.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._held:
            await asyncio.to_thread(self._queue.release, list(self._held.values()))

    async def _lane(self, kinds: Collection[JobKind]) -> None:
        """Take jobs and do them, one batch after the other."""
        bell = Doorbell(self._bells, WORK)
        limit = 1
        while not self._closing:
            try:
                leases = await self._take(kinds, limit)
                if not leases:
                    await bell.wait(LOOK_SECONDS)
                    continue
                started = time.perf_counter()
                await self._work(leases)
                each = (time.perf_counter() - started) / len(leases)
                limit = max(1, min(MOST_AT_ONCE, 4 * limit, int(WORTH_SECONDS / max(each, 1e-6))))
            except StoreFailed as error:
                logger.error("the queue cannot be reached: {}", error)
                await asyncio.sleep(LOOK_SECONDS)

    async def _take(self, kinds: Collection[JobKind], limit: int) -> list[Lease]:
        """The oldest job, and those right behind it that can be done together with it. Others are given back."""
        leases = await asyncio.to_thread(self._queue.lease, self.name, kinds, self._services, limit)
        if not leases:
            return []
        kind = leases[0].kind
        other = next((place for place, lease in enumerate(leases) if lease.kind is not kind), len(leases))
        mine = leases[: min(other, self._doers[kind].at_once)]
        self._held |= {lease.id: lease for lease in mine}
        if rest := leases[len(mine) :]:
            await asyncio.to_thread(self._queue.release, rest)
        return mine

    async def _work(self, leases: Sequence[Lease]) -> None:
        doing = asyncio.ensure_future(self._doers[leases[0].kind].do(leases))
        for lease in leases:
            self._working[lease.id] = doing
        try:
            done = await self._outcome(doing, leases)
            if done is not None:
                await self._settle(done)
        finally:
            for lease in leases:
                self._working.pop(lease.id, None)

    async def _outcome(self, doing: asyncio.Task[Done], leases: Sequence[Lease]) -> Done | None:
        """What came of it; None where the leases are lost or given back."""
        try:
            return await doing
        except asyncio.CancelledError:
            if self._closing:
                raise
            self._forget(leases)
            return None
        except Exception as error:  # noqa: BLE001  (whatever it was, it was an attempt)
            if not isinstance(error, WinnowError):
                logger.opt(exception=error).error("{} jobs failed unexpectedly", len(leases))
            return Done([self.failure(lease, error) for lease in leases])

    def failure(self, lease: Lease, error: Exception) -> Ending:
        """Try again later, or give up."""
        return failed_attempt(lease, error, self._settings)

    async def _settle(self, done: Done) -> None:
        """Save what came of them, again and again while the leases hold: the work is done already."""
        leases = [ending.lease for ending in done.endings]
        while any(lease.id in self._held for lease in leases):
            try:
                await asyncio.to_thread(self._queue.settle, done.endings, done.predictions)
            except StoreFailed as error:
                logger.error("{} jobs cannot be saved yet: {}", len(leases), error)
                await asyncio.sleep(LOOK_SECONDS)
            else:
                self._forget(leases)

    def _forget(self, leases: Collection[Lease]) -> None:
        for lease in leases:
            self._held.pop(lease.id, None)

    async def _renew(self) -> None:
        held = list(self._held.values())
        if not held:
            return
        renewed = await asyncio.to_thread(self._queue.renew, held)
        for lease in held:
            if lease.id in self._held and lease.id not in renewed:
                logger.warning("job {} was taken from this worker", lease.id)
                self._forget([lease])
                if lease.id in self._working:
                    self._working[lease.id].cancel()

    async def _recover(self) -> None:
        recovered = await asyncio.to_thread(self._queue.recover)
        if recovered:
            logger.warning("{} jobs were taken from workers that fell silent", recovered)

    async def _every(self, seconds: float, do: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await do()
            except StoreFailed as error:
                logger.error("the queue cannot be reached: {}", error)


def failed_attempt(lease: Lease, error: Exception, settings: Settings) -> Ending:
    """Queue a job again for a while later; or it has failed, where trying again would not help."""
    words: Mapping[str, Any] = (
        error.to_json()
        if isinstance(error, WinnowError)
        else {"kind": "internal-error", "detail": f"{type(error).__name__}: {error}"}
    )
    if isinstance(error, _PERMANENT) or lease.attempt >= settings.attempts:
        return Ending(lease, Status.FAILED, error=words)
    pause = timedelta(seconds=settings.retry_seconds * 2 ** (lease.attempt - 1))
    return Ending(lease, Status.QUEUED, error=words, due_at=now() + min(pause, LONGEST_RETRY))
