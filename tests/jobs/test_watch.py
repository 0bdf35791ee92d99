"""The watch: whoever waits for a job is told, and thousands cost what one does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection

import pytest

from winnow.domain import Job, JobKind, Status, new_id, now
from winnow.errors import NotFound
from winnow.jobs.bells import LocalBells, make_bells
from winnow.jobs.sql_queue import SqlQueue, Terms
from winnow.jobs.watch import Watch
from winnow.settings import load_settings
from winnow.store import Database, jobs
from winnow.store.jobs import Ending, Lease, NewJob

LONG = 60.0


class CountingWatch(Watch):
    """Counts its looks at the store."""

    looks = 0

    def _some(self, tickets: Collection[str]) -> list[Job]:
        self.looks += 1
        return super()._some(tickets)


class Room:
    """A queue and a watch over one store, with bells between them."""

    def __init__(self, database: Database, bells: LocalBells) -> None:
        self.database = database
        self.queue = SqlQueue(database, Terms.of(load_settings()), bells)
        self.watch = CountingWatch(database, bells)

    def put(self, number: int = 1) -> list[str]:
        tickets = [new_id() for _ in range(number)]
        self.queue.put([_job(ticket) for ticket in tickets])
        return tickets

    def lease(self, limit: int = 1) -> list[Lease]:
        return self.queue.lease("tests", [JobKind.PREDICT], ["toys"], limit)

    def finish(self, leases: Collection[Lease]) -> None:
        self.queue.settle([Ending(lease, Status.FINISHED, result={}) for lease in leases])


def _job(ticket: str) -> NewJob:
    return NewJob(ticket, "toys", JobKind.PREDICT, {}, "0" * 32, "request", "tests", now())


@pytest.fixture
async def room(database: Database) -> AsyncIterator[Room]:
    """On SQLite and on PostgreSQL, with the bells that go with each."""
    bells = make_bells(database)
    room = Room(database, bells)  # type: ignore[arg-type]  # all bells are local ones at least
    yield room
    await room.watch.close()
    bells.close()


@pytest.fixture
async def quiet_room(sqlite: Database) -> AsyncIterator[Room]:
    """Its bells ring only when they are rung here."""
    room = Room(sqlite, LocalBells())
    yield room
    await room.watch.close()


async def test_the_end_of_a_job_is_told(room: Room) -> None:
    (ticket,) = room.put()
    waiting = asyncio.create_task(room.watch.ended(ticket, LONG))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await asyncio.to_thread(room.finish, await asyncio.to_thread(room.lease))
    job = await waiting
    assert (job.id, job.status) == (ticket, Status.FINISHED)
    assert (await room.watch.ended(ticket, LONG)).status is Status.FINISHED, "at once, where it is known"


async def test_who_waits_in_vain_has_the_job_as_it_stands(room: Room) -> None:
    (ticket,) = room.put()
    assert (await room.watch.ended(ticket, 0.1)).status is Status.QUEUED


async def test_an_unknown_ticket(room: Room) -> None:
    with pytest.raises(NotFound):
        await room.watch.ended(new_id(), LONG)
    with pytest.raises(NotFound):
        await anext(room.watch.changes(new_id(), LONG))


async def test_changes_are_told_one_by_one(room: Room) -> None:
    (ticket,) = room.put()
    changes = room.watch.changes(ticket, LONG)

    async def told() -> Job:
        job = await anext(changes)
        assert job is not None
        return job

    assert (await told()).status is Status.QUEUED
    (lease,) = await asyncio.to_thread(room.lease)
    assert (await told()).status is Status.STARTED
    with room.database.write() as connection:
        jobs.tell(connection, lease, {"done": 0.5})
    assert (await told()).progress == {"done": 0.5}
    await asyncio.to_thread(room.finish, [lease])
    assert (await told()).status is Status.FINISHED
    with pytest.raises(StopAsyncIteration):
        await anext(changes)


async def test_silence_is_told_too(room: Room) -> None:
    """So that a stream can show that it is alive."""
    (ticket,) = room.put()
    changes = room.watch.changes(ticket, beat=0.05)
    assert await anext(changes) is not None
    assert [await anext(changes) for _ in range(3)] == [None] * 3
    await changes.aclose()


async def test_thousands_who_wait_cost_one_look(quiet_room: Room) -> None:
    """Two thousand wait for a thousand jobs, which end together."""
    room = quiet_room
    tickets = room.put(1000)
    waiting = [asyncio.create_task(room.watch.ended(ticket, LONG)) for ticket in tickets * 2]
    await asyncio.sleep(0)
    assert len(room.watch._waiting) == 1000
    leases = room.lease(1000)
    before, started = room.watch.looks, time.monotonic()
    room.finish(leases)
    ended = await asyncio.gather(*waiting)
    by_itself = time.monotonic() - started  # once a second, however long all that takes on a busy machine
    assert {job.status for job in ended} == {Status.FINISHED}
    assert room.watch.looks - before <= 3 + by_itself
    assert room.watch._waiting == {}


async def test_nothing_is_looked_at_while_nobody_waits(quiet_room: Room) -> None:
    room = quiet_room
    (ticket,) = room.put()
    await room.watch.ended(ticket, 0.05)
    assert room.watch._looking is not None
    await room.watch._looking
    before = room.watch.looks
    room.finish(room.lease())
    await asyncio.sleep(0.05)
    assert room.watch.looks == before


async def test_stopping_lets_everybody_go(room: Room) -> None:
    """With what is known; and who comes afterwards does not wait at all."""
    (ticket,) = room.put()
    waiting = [asyncio.create_task(room.watch.ended(ticket, LONG)) for _ in range(5)]
    changes = room.watch.changes(ticket, LONG)
    assert await anext(changes) is not None
    ending = asyncio.ensure_future(anext(changes, "the end"))
    await asyncio.sleep(0.05)
    room.watch.stop()
    assert {job.status for job in await asyncio.gather(*waiting)} == {Status.QUEUED}
    assert await ending == "the end"
    assert (await room.watch.ended(ticket, LONG)).status is Status.QUEUED
