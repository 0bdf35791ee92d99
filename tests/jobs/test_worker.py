"""A worker on a real queue, with doers that misbehave: what it holds it saves, gives back, or lets go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import nan
from typing import Any

from tests.jobs.handling import SERVICE, finished, job, new_job, put, put_some, result
from tests.jobs.working import eventually
from winnow.domain import JobKind, Status
from winnow.errors import InvalidInput, ModelFailed, StoreFailed
from winnow.jobs.bells import make_bells
from winnow.jobs.chores import Chore
from winnow.jobs.queue import Queue
from winnow.jobs.sql_queue import SqlQueue, Terms
from winnow.jobs.worker import Doer, Done, LeaseLost, Worker
from winnow.monitoring.metrics import Metrics
from winnow.settings import Settings
from winnow.store import Database
from winnow.store.jobs import Lease


@dataclass
class Toy:
    """Finishes jobs, or does what it is told to do instead."""

    instead: Callable[[Sequence[Lease]], Any] | None = None
    most: int = 256
    resumes: bool = False
    given: list[str] = field(default_factory=list)
    cancelled: int = 0

    def at_once(self, leases: Sequence[Lease]) -> int:
        return min(self.most, len(leases))

    async def do(self, leases: Sequence[Lease]) -> Done:
        self.given += [lease.id for lease in leases]
        try:
            told = None if self.instead is None else await self.instead(leases)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return told or Done([finished(lease) for lease in leases])


class Flaky:
    """A queue whose store is down at times."""

    def __init__(self, queue: Queue, **failing: int) -> None:
        self._queue = queue
        self._failing = failing

    def __getattr__(self, name: str) -> Any:
        if self._failing.get(name, 0):
            return lambda *_: self._fail(name)
        return getattr(self._queue, name)

    def _fail(self, name: str) -> None:
        self._failing[name] -= 1
        raise StoreFailed("the database is away for a moment")


class Greedy:
    """A queue that hands out all that waits, so that it is worked on together."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def __getattr__(self, name: str) -> Any:
        return getattr(self._queue, name)

    def lease(self, worker: str, kinds: Collection[JobKind], services: Collection[str], _limit: int) -> list[Lease]:
        return self._queue.lease(worker, kinds, services, 256)


class Shop:
    """A database with its queue, and workers for it."""

    def __init__(self, database: Database, **settings: object) -> None:
        self.database = database
        self.settings = Settings.model_validate({"concurrency": 1, "retry_seconds": 0.01, **settings})
        self.bells = make_bells(database)
        self.queue: Queue = SqlQueue(database, Terms.of(self.settings), self.bells)

    def worker(self, toy: Doer, queue: Any = None, chores: Sequence[Chore] = ()) -> Worker:
        doers: Mapping[JobKind, Doer] = dict.fromkeys(JobKind, toy)
        metrics = Metrics().of_jobs()
        return Worker(queue or self.queue, doers, [SERVICE], self.bells, self.settings, metrics, chores)

    async def until(self, status: Status, *given: str) -> None:
        await eventually(lambda: all(job(self.database, ticket).status is status for ticket in given))


@asynccontextmanager
async def shop(database: Database, **settings: object) -> AsyncIterator[Shop]:
    opened = Shop(database, **settings)
    yield opened
    opened.bells.close()


async def test_jobs_are_done_in_order_of_arrival_and_light_ones_together(sqlite: Database) -> None:
    async with shop(sqlite) as at:
        given = put_some(at.queue, 400)
        toy = Toy()
        async with at.worker(toy):
            await at.until(Status.FINISHED, *given)
        assert toy.given == given


async def test_one_job_of_a_batch_that_is_cancelled_takes_nobody_with_it(sqlite: Database) -> None:
    async with shop(sqlite, lease_seconds=1.0) as at:
        given = put_some(at.queue, 6)
        goes_on = asyncio.Event()

        async def wait(_leases: Sequence[Lease]) -> None:
            await goes_on.wait()

        toy = Toy(wait)
        async with at.worker(toy, Greedy(at.queue)):
            await eventually(lambda: toy.given == given)
            taken = given[3]
            at.queue.cancel(taken)
            await asyncio.sleep(1.0)  # three times round: the leases are renewed, and one is not
            assert toy.cancelled == 0
            goes_on.set()
            others = [ticket for ticket in given if ticket != taken]
            await at.until(Status.FINISHED, *others)
        assert job(sqlite, taken).status is Status.CANCELLED
        assert all(job(sqlite, ticket).attempt == 1 for ticket in others)


async def test_work_for_a_job_that_is_cancelled_ends(sqlite: Database) -> None:
    async with shop(sqlite, lease_seconds=0.5) as at:
        (ticket,) = put_some(at.queue, 1)

        async def wait_for_ever(_leases: Sequence[Lease]) -> None:
            await asyncio.Event().wait()

        toy = Toy(wait_for_ever)
        async with at.worker(toy):
            await eventually(lambda: toy.given == [ticket])
            at.queue.cancel(ticket)
            await eventually(lambda: toy.cancelled == 1)
            toy.instead = None
            (after,) = put_some(at.queue, 1)
            await at.until(Status.FINISHED, after)


async def test_whoever_finds_the_lease_lost_leaves_the_job_as_it_is(sqlite: Database) -> None:
    async with shop(sqlite) as at:
        (ticket,) = put_some(at.queue, 1)

        async def lose(leases: Sequence[Lease]) -> None:
            at.queue.cancel(leases[0].id)
            raise LeaseLost

        async with at.worker(Toy(lose)) as worker:
            await eventually(lambda: job(sqlite, ticket).status is Status.CANCELLED and not worker._held)


async def test_a_job_is_tried_again_and_has_failed_in_the_end_with_its_reason(
    sqlite: Database,
) -> None:
    async with shop(sqlite, attempts=2) as at:
        (first,) = put_some(at.queue, 1)

        async def fail(_leases: Sequence[Lease]) -> None:
            raise ZeroDivisionError("nothing goes into it")

        async with at.worker(Toy(fail)):
            await at.until(Status.FAILED, first)
        failed = job(sqlite, first)
        assert failed.attempt == 2
        assert failed.error == {"kind": "internal-error", "detail": "ZeroDivisionError: nothing goes into it"}


async def test_what_would_fail_again_is_not_tried_again(sqlite: Database) -> None:
    async with shop(sqlite) as at:
        (ticket,) = put_some(at.queue, 1)

        async def refuse(_leases: Sequence[Lease]) -> None:
            raise InvalidInput("nobody can read that")

        async with at.worker(Toy(refuse)):
            await at.until(Status.FAILED, ticket)
        assert (job(sqlite, ticket).attempt, job(sqlite, ticket).error) == (
            1,
            {"kind": "invalid-input", "detail": "nobody can read that"},
        )


async def test_a_result_that_no_store_can_hold_fails_alone(sqlite: Database) -> None:
    async with shop(sqlite, attempts=2) as at:
        bad, good = put(at.queue, new_job("bad"), new_job("good"))

        async def answer(leases: Sequence[Lease]) -> Done:
            return Done([finished(lease, nan if lease.payload == "bad" else "fine") for lease in leases])

        async with at.worker(Toy(answer), Greedy(at.queue)):
            await at.until(Status.FINISHED, good)
            await at.until(Status.FAILED, bad)
        assert result(sqlite, good) == "fine"
        assert "ValueError" in (job(sqlite, bad).error or {})["detail"]


async def test_a_store_that_is_away_for_a_moment_costs_no_job_and_no_attempt(sqlite: Database) -> None:
    async with shop(sqlite) as at:
        given = put_some(at.queue, 3)
        flaky = Flaky(at.queue, lease=1, settle=1, release=1, renew=1, recover=1)
        async with at.worker(Toy(), flaky):
            await at.until(Status.FINISHED, *given)
        assert [job(sqlite, ticket).attempt for ticket in given] == [1, 1, 1]


async def test_who_is_to_stop_lets_light_work_end_and_takes_no_more(sqlite: Database) -> None:
    async with shop(sqlite) as at:
        first, second = put_some(at.queue, 2)

        async def take_a_while(_leases: Sequence[Lease]) -> None:
            await asyncio.sleep(0.3)

        toy = Toy(take_a_while)
        async with at.worker(toy):
            await eventually(lambda: bool(toy.given))
        assert toy.cancelled == 0
        assert job(sqlite, first).status is Status.FINISHED
        assert (job(sqlite, second).status, job(sqlite, second).attempt) == (Status.QUEUED, 0)


async def test_who_is_to_stop_gives_back_at_once_what_can_be_resumed(sqlite: Database) -> None:
    async with shop(sqlite) as at:
        (ticket,) = put_some(at.queue, 1)

        async def wait_for_ever(_leases: Sequence[Lease]) -> None:
            await asyncio.Event().wait()

        toy = Toy(wait_for_ever, resumes=True)
        async with at.worker(toy):
            await eventually(lambda: toy.given == [ticket])
        assert toy.cancelled == 1
        assert (job(sqlite, ticket).status, job(sqlite, ticket).attempt) == (Status.QUEUED, 0)


async def test_a_chore_that_fails_is_done_again(sqlite: Database) -> None:
    async with shop(sqlite) as at:
        rounds = 0

        async def stumble() -> None:
            nonlocal rounds
            rounds += 1
            raise RuntimeError("over a stone")

        async with at.worker(Toy(), chores=[Chore(0.01, stumble)]):
            await eventually(lambda: rounds >= 3)


async def test_figures_say_what_became_of_jobs(sqlite: Database) -> None:
    async with shop(sqlite, attempts=2) as at:
        metrics = Metrics()
        (good,) = put_some(at.queue, 1)
        (bad,) = put(at.queue, new_job("bad"))

        async def answer(leases: Sequence[Lease]) -> None:
            if any(lease.payload == "bad" for lease in leases):
                raise ModelFailed("it broke")

        doers: Mapping[JobKind, Doer] = dict.fromkeys(JobKind, Toy(answer, most=1))
        async with Worker(at.queue, doers, [SERVICE], at.bells, at.settings, metrics.of_jobs()):
            await at.until(Status.FINISHED, good)
            await at.until(Status.FAILED, bad)
        told = metrics.render({}, []).decode()
        for outcome in ("finished", "retried", "failed"):
            assert f'winnow_jobs_total{{kind="predict",outcome="{outcome}",service="shop"}} 1.0' in told
        assert 'winnow_job_seconds_count{kind="predict",service="shop"} 3.0' in told
        assert 'winnow_job_wait_seconds_count{kind="predict",service="shop"} 2.0' in told
