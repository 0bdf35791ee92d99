"""The intake: many jobs in one commit, and each caller told the truth about theirs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from winnow.domain import Job, JobKind, new_id, now
from winnow.errors import Conflict, Overloaded, StoreFailed
from winnow.jobs.bells import LocalBells
from winnow.jobs.desk import Desk
from winnow.jobs.intake import Intake
from winnow.jobs.sql_queue import SqlQueue, Terms
from winnow.settings import load_settings
from winnow.store import Database
from winnow.store.jobs import NewJob

ROOM = 500


class CountingDesk(Desk):
    """Counts how often jobs are put."""

    groups = 0

    def put(self, given: Sequence[NewJob]) -> list[Job | Conflict]:
        self.groups += 1
        return super().put(given)


@pytest.fixture
def desk(database: Database) -> CountingDesk:
    settings = load_settings(max_queued=ROOM)
    return CountingDesk(database, SqlQueue(database, Terms.of(settings), LocalBells()), {}, settings)


@pytest.fixture
async def intake(desk: CountingDesk) -> AsyncIterator[Intake]:
    intake = Intake(desk)
    yield intake
    await intake.close()


def a_job(key: str | None = None, asked: str = "0") -> NewJob:
    job = NewJob(new_id(), "toys", JobKind.PREDICT, {"inputs": [asked]}, asked * 32, "request", "tests", now())
    return replace(job, idempotency_key=key)


async def test_all_that_waits_is_one_commit(desk: CountingDesk, intake: Intake, database: Database) -> None:
    """While another writes, jobs gather; then one transaction takes them all, in order."""
    given = [a_job() for _ in range(300)]
    holds, done = threading.Event(), threading.Event()

    def hold() -> None:
        with database.write() as connection:
            if not database.embedded:
                connection.exec_driver_sql("LOCK TABLE jobs")
            holds.set()
            assert done.wait(20)

    holder = asyncio.create_task(asyncio.to_thread(hold))
    await asyncio.to_thread(holds.wait, 20)
    waiting = [asyncio.create_task(intake.put(job)) for job in given]
    await asyncio.sleep(0.05)
    assert not any(task.done() for task in waiting), "no ticket before its commit"
    done.set()
    put = await asyncio.gather(*waiting)
    await holder
    assert [job.id for job in put] == [job.id for job in given]
    assert desk.groups <= 3, "the first to come, then all the others"


async def test_a_ticket_that_is_handed_out_is_in_the_store(desk: CountingDesk, intake: Intake) -> None:
    async def put_and_look() -> None:
        ticket = (await intake.put(a_job())).id
        assert (await asyncio.to_thread(desk.job, ticket)).id == ticket

    await asyncio.gather(*[put_and_look() for _ in range(50)])


async def test_each_is_told_of_its_own_key(intake: Intake) -> None:
    """Together in one commit: the same again, something else under the same key, and a neighbour."""
    first, same, other, neighbour = a_job("k"), a_job("k"), a_job("k", "1"), a_job("l")
    outcomes = await asyncio.gather(
        *[intake.put(job) for job in (first, same, other, neighbour)], return_exceptions=True
    )
    tickets = [outcome.id if isinstance(outcome, Job) else None for outcome in outcomes]
    assert tickets == [first.id, first.id, None, neighbour.id]
    assert isinstance(outcomes[2], Conflict)


async def test_a_job_that_no_store_can_hold_fails_alone(intake: Intake) -> None:
    good, bad = [a_job() for _ in range(6)], replace(a_job(), payload={"inputs": ["half \ud800"]})
    outcomes = await asyncio.gather(
        *[intake.put(job) for job in (*good[:3], bad, *good[3:])], return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [Job] * 3 + [StoreFailed] + [Job] * 3


async def test_where_too_many_wait_everybody_is_told(intake: Intake) -> None:
    await asyncio.gather(*[intake.put(a_job()) for _ in range(ROOM)])
    refused = await asyncio.gather(*[intake.put(a_job()) for _ in range(5)], return_exceptions=True)
    assert [type(error) for error in refused] == [Overloaded] * 5


async def test_closing_writes_what_waits(desk: CountingDesk) -> None:
    intake = Intake(desk)
    waiting = [asyncio.create_task(intake.put(a_job())) for _ in range(20)]
    await asyncio.sleep(0)
    await intake.close()
    assert len({job.id for job in await asyncio.gather(*waiting)}) == 20
