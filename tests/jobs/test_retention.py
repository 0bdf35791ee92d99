"""Retention: what has had its time goes, in batches; what somebody needs stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from tests.jobs.handling import finished, job, new_job, put, result, take
from winnow.domain import Status, new_id, now
from winnow.errors import NotFound
from winnow.jobs.bells import make_bells
from winnow.jobs.queue import Queue
from winnow.jobs.retention import ABANDONED_AFTER, FORGET_AFTER, Retention
from winnow.jobs.sql_queue import SqlQueue, Terms
from winnow.store import Database, blobs, job_files
from winnow.store.schema import blobs as blob_table
from winnow.store.schema import job_files as file_table
from winnow.store.schema import jobs as table


@pytest.fixture
def queue(database: Database) -> Iterator[Queue]:
    bells = make_bells(database)
    yield SqlQueue(database, Terms(600, 3, timedelta(hours=1)), bells)
    bells.close()


def end_some(queue: Queue, count: int) -> list[str]:
    tickets = put(queue, *(new_job(blobs=[b"an image"]) for _ in range(count)))
    queue.settle([finished(lease) for lease in take(queue)])
    return tickets


def expire(database: Database, tickets: list[str], ago: timedelta) -> None:
    with database.write() as connection:
        connection.execute(update(table).where(table.c.id.in_(tickets)).values(expires_at=now() - ago))


async def test_results_go_when_their_time_is_over_and_their_tickets_later(database: Database, queue: Queue) -> None:
    kept, *spent = end_some(queue, 8)
    waiting = put(queue, new_job())
    retention = Retention(database, batch=3)
    expire(database, spent, timedelta(minutes=1))
    await retention.do()
    assert result(database, kept) == "result"
    assert [result(database, ticket) for ticket in spent] == [None] * 7
    assert {job(database, ticket).status for ticket in spent} == {Status.FINISHED}
    expire(database, spent, FORGET_AFTER + timedelta(minutes=1))
    await retention.do()
    for ticket in spent:
        with pytest.raises(NotFound):
            job(database, ticket)
    assert job(database, kept).status is Status.FINISHED
    assert job(database, *waiting).status is Status.QUEUED


async def test_what_nobody_needs_is_swept_away_after_a_day(database: Database, queue: Queue) -> None:
    (ticket,) = put(queue, new_job(blobs=[b"needed"]))
    old = now() - ABANDONED_AFTER - timedelta(minutes=1)
    with database.write() as connection:
        job_files.add_part(connection, ticket, "input", 0, b"needed")
        for _ in range(4):
            job_files.add_part(connection, new_id(), "input", 0, b"its job never came")
        connection.execute(update(file_table).values(created_at=old))
        arriving = new_id()
        job_files.add_part(connection, arriving, "input", 0, b"its job may come yet")
        user = new_id()
        blobs.keep(connection, [(user, b"not needed any more")])
        blobs.release(connection, [user])
        connection.execute(update(blob_table).values(kept_at=old))
    await Retention(database, batch=3).do()
    with database.read() as connection:
        assert set(connection.scalars(select(file_table.c.job_id))) == {ticket, arriving}
        assert list(connection.scalars(select(blob_table.c.content))) == [b"needed"]
