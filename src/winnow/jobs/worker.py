"""A worker: takes jobs from the queue, does them, and sees to it that none is lost.

Its lanes each take jobs by themselves. How many a lane takes at once follows from how long they have been taking: a
tenth of a second's worth, so that light jobs share the cost of a commit and heavy ones are left for other workers.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from loguru import logger

from winnow.domain import JobKind, Prediction, Status, new_id, now
from winnow.errors import Cancelled, Conflict, FileRefused, InvalidInput, NotFound, StoreFailed, WinnowError
from winnow.jobs.bells import WORK, Bells, Doorbell
from winnow.jobs.chores import Chore, Chores
from winnow.jobs.queue import LANES, Queue
from winnow.monitoring.metrics import JobMetrics
from winnow.settings import Settings
from winnow.store.jobs import Ending, Lease

WORTH_SECONDS = 0.1
"""How much work a lane takes at once."""
MOST_AT_ONCE = 256
LOOK_SECONDS = 1.0
"""How long a lane without work waits for the bell before it looks by itself."""
GRACE_SECONDS = 3.0
"""How long work that would be lost may go on when the worker is to stop."""
LONGEST_RETRY = timedelta(hours=1)
_PERMANENT = (InvalidInput, NotFound, FileRefused, Conflict, Cancelled)
"""What will fail the same way however often it is tried."""

_T = TypeVar("_T")


class LeaseLost(Exception):
    """A doer found its lease gone: the job was cancelled, or is another worker's. Nothing of it may be kept."""


@dataclass(frozen=True, slots=True)
class Done:
    """What came of some leases: how each ends, and predictions that go into the history with them."""

    endings: Sequence[Ending]
    predictions: Sequence[Prediction] = ()


class Doer(Protocol):
    """Does jobs of one kind. What it raises is a failed attempt of every job that it was given."""

    def at_once(self, leases: Sequence[Lease]) -> int:
        """How many of these, from the first on, are to be done together: one at least."""
        ...

    @property
    def resumes(self) -> bool:
        """Whether it goes on where it was when it is interrupted; what does not is let end, if it is quick."""
        ...

    async def do(self, leases: Sequence[Lease]) -> Done:
        """Do these jobs. Cancelled where all their leases are lost, or where the worker is to stop."""
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
        metrics: JobMetrics,
        chores: Sequence[Chore] = (),
        name: str | None = None,
    ) -> None:
        self.name = name or worker_name()
        self._queue = queue
        self._doers = doers
        self._services = services
        self._bells = bells
        self._settings = settings
        self._metrics = metrics
        beat = settings.lease_seconds / 3
        own = [Chore(beat, self._renew), Chore(min(LOOK_SECONDS, beat), self._recover)]
        self._chores = Chores([*own, *chores])
        self._held: dict[str, Lease] = {}
        self._working: dict[asyncio.Task[Done], Sequence[Lease]] = {}
        self._lanes: list[asyncio.Task[None]] = []
        self._closing = False
        # Threads of its own: leases are renewed however busy the threads that everybody shares may be.
        self._threads = ThreadPoolExecutor(2 * settings.concurrency + 4, thread_name_prefix="winnow-worker")

    async def __aenter__(self) -> Self:
        """Start all lanes."""
        for kinds in LANES:
            many = 1 if kinds == {JobKind.TRAIN} else self._settings.concurrency
            self._lanes += [asyncio.create_task(self._lane(kinds)) for _ in range(many)]
        self._chores.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take no more jobs, let light ones end, give the others back."""
        self._closing = True
        self._bells.ring(WORK)  # lanes that wait for work look up, and end
        for doing, leases in self._working.items():
            if self._doers[leases[0].kind].resumes:
                doing.cancel()
        await asyncio.wait(self._lanes, timeout=GRACE_SECONDS)
        for task in self._lanes:
            task.cancel()
        await asyncio.gather(*self._lanes, return_exceptions=True)
        await self._chores.stop()
        await self._give_back(list(self._held.values()))
        self._threads.shutdown(wait=False)

    # Lanes

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
            except Exception as error:  # noqa: BLE001  (a lane that ends for whatever reason leaves jobs lying)
                logger.opt(exception=error).error("taking jobs failed unexpectedly")
                await asyncio.sleep(LOOK_SECONDS)

    async def _take(self, kinds: Collection[JobKind], limit: int) -> Sequence[Lease]:
        """The oldest job, and those right behind it that can be done together with it. Others are given back."""
        leases = await self._in_thread(self._queue.lease, self.name, kinds, self._services, limit)
        if not leases:
            return []
        kind = leases[0].kind
        other = next((place for place, lease in enumerate(leases) if lease.kind is not kind), len(leases))
        mine = [] if self._closing else leases[: self._doers[kind].at_once(leases[:other])]
        self._held |= {lease.id: lease for lease in mine}
        await self._give_back(leases[len(mine) :])
        for lease in mine:
            self._metrics.taken(lease)
        return mine

    async def _work(self, leases: Sequence[Lease]) -> None:
        """Do some jobs, and save what came of them or give them back."""
        started = time.perf_counter()
        doing = asyncio.ensure_future(self._doers[leases[0].kind].do(leases))
        self._working[doing] = leases
        try:
            done = await self._outcome(doing, leases)
            if done is None:
                await self._give_back(list(filter(self._holds, leases)))
            else:
                await self._settle(done, started)
        except Exception:
            self._forget(leases)  # their time runs out, and then somebody else's turn comes
            raise
        finally:
            self._working.pop(doing, None)

    async def _outcome(self, doing: asyncio.Task[Done], leases: Sequence[Lease]) -> Done | None:
        """What came of it; None where it was interrupted, for the leases are lost or the worker is to stop."""
        try:
            return await doing
        except LeaseLost:
            self._lose(leases)
        except asyncio.CancelledError:
            if not doing.cancelled():
                raise  # the lane itself is to end
        except Exception as error:  # noqa: BLE001  (whatever it was, it was an attempt)
            if not isinstance(error, WinnowError):
                logger.opt(exception=error).error("{} jobs failed unexpectedly", len(leases))
            return Done([failed_attempt(lease, error, self._settings) for lease in leases])
        return None

    # Saving

    async def _settle(self, done: Done, started: float) -> None:
        """Save what came of jobs, again and again while their leases hold: the work is done already."""
        leases = [ending.lease for ending in done.endings]
        while any(self._holds(lease) for lease in leases):
            try:
                settled = await self._in_thread(self._queue.settle, done.endings, done.predictions)
            except StoreFailed as error:
                logger.error("{} jobs cannot be saved yet: {}", len(leases), error)
                await asyncio.sleep(LOOK_SECONDS)
            except Exception as error:  # noqa: BLE001  (the store cannot hold it: one of them fails, alone)
                await self._settle_alone(done, error, started)
            else:
                self._forget(leases)
                self._metrics.settled(done.endings, settled, time.perf_counter() - started)
                _log_failures(ending for ending in done.endings if ending.lease.id in settled)

    async def _settle_alone(self, done: Done, error: Exception, started: float) -> None:
        """Save what could not be saved together one by one; what cannot be saved even so is a failed attempt."""
        if len(done.endings) == 1:
            (ending,) = done.endings
            if ending.status is not Status.FINISHED:
                raise error
            logger.opt(exception=error).error("the result of job {} cannot be saved", ending.lease.id)
            await self._settle(Done([failed_attempt(ending.lease, error, self._settings)]), started)
            return
        for ending in done.endings:
            mine = [prediction for prediction in done.predictions if prediction.ticket == ending.lease.id]
            await self._settle(Done([ending], mine), started)

    # Leases

    def _holds(self, lease: Lease) -> bool:
        return self._held.get(lease.id) is lease

    def _forget(self, leases: Collection[Lease]) -> None:
        for lease in leases:
            if self._holds(lease):
                del self._held[lease.id]

    def _lose(self, leases: Collection[Lease]) -> None:
        """They are cancelled, or somebody else's: what is done for them is done for nobody."""
        for lease in filter(self._holds, tuple(leases)):
            logger.warning("job {} was taken from this worker", lease.id)
            self._metrics.lost(lease)
        self._forget(leases)

    async def _give_back(self, leases: Sequence[Lease]) -> None:
        """Let others have jobs that were not done. Where that cannot be said, their time runs out."""
        if not leases:
            return
        try:
            await self._in_thread(self._queue.release, leases)
        except StoreFailed as error:
            logger.error("{} jobs cannot be given back: {}", len(leases), error)
        self._forget(leases)

    async def _renew(self) -> None:
        """Say that this worker lives, and end the work of which nothing will be kept."""
        held = list(self._held.values())
        if not held:
            return
        renewed = await self._in_thread(self._queue.renew, held)
        worked_on = {lease.id for doing, leases in self._working.items() if not doing.done() for lease in leases}
        # one whose work is done is being saved at this moment, and its saving tells whether it held
        self._lose([lease for lease in held if lease.id not in renewed and lease.id in worked_on])
        for doing, leases in self._working.items():
            if not any(self._holds(lease) for lease in leases):
                doing.cancel()

    async def _recover(self) -> None:
        recovered = await self._in_thread(self._queue.recover)
        if recovered:
            logger.warning("{} jobs were taken from workers that fell silent", recovered)

    async def _in_thread(self, call: Callable[..., _T], *given: object) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *given)


def worker_name() -> str:
    """A name that no other worker has: its machine, its process, and some digits."""
    return f"{socket.gethostname()}:{os.getpid()}:{new_id()[-6:]}"


def _log_failures(endings: Iterable[Ending]) -> None:
    """Name the jobs that failed, and why in a word: the sentence, which may quote the input, is in the store."""
    for ending in endings:
        if ending.error is not None:
            left = "has failed" if ending.status is Status.FAILED else "will be tried again"
            kind, lease = ending.error["kind"], ending.lease
            logger.warning(
                "job {} of '{}' {} after attempt {}: {}", lease.id, lease.service, left, lease.attempt, kind
            )


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
