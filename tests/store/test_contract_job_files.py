"""What the store promises of files of jobs: parts in order, and none left behind by uploads that broke off."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from tests.jobs.handling import new_job
from winnow.domain import JobKind, new_id, now
from winnow.store import Database, job_files, jobs
from winnow.store.schema import job_files as table

DAY = timedelta(days=1)


def add(database: Database, ticket: str, *contents: bytes, name: job_files.Name = "input") -> None:
    for number, content in enumerate(contents):
        with database.write() as connection:
            job_files.add_part(connection, ticket, name, number, content)


def parts(database: Database, ticket: str, name: job_files.Name = "input") -> list[bytes]:
    return list(job_files.parts(database, ticket, name))


def test_parts_come_back_in_order_each_file_by_itself(database: Database) -> None:
    ticket, other = new_id(), new_id()
    given = [b"%d" % number for number in range(12)]
    add(database, ticket, *given)
    add(database, ticket, b"result", b"", name="result")
    add(database, other, b"other")
    assert parts(database, ticket) == given
    assert parts(database, ticket, "result") == [b"result", b""]
    assert parts(database, other, "result") == []
    with database.read() as connection:
        assert job_files.size(connection, ticket, "input") == 14
        assert job_files.size(connection, other, "result") == 0


def test_a_part_is_not_written_twice(database: Database) -> None:
    ticket = new_id()
    add(database, ticket, b"first")
    with pytest.raises(IntegrityError):
        add(database, ticket, b"second")
    assert parts(database, ticket) == [b"first"]


def test_files_of_a_job_are_discarded_together(database: Database) -> None:
    ticket, other = new_id(), new_id()
    add(database, ticket, b"in")
    add(database, ticket, b"out", name="result")
    add(database, other, b"other")
    with database.write() as connection:
        job_files.discard(connection, ticket)
    assert (parts(database, ticket), parts(database, ticket, "result")) == ([], [])
    assert parts(database, other) == [b"other"]


def test_files_whose_job_never_came_are_forgotten_after_a_while(database: Database) -> None:
    lost, fresh = new_id(), new_id()
    job = new_job(kind=JobKind.FILE)
    for ticket in (lost, fresh, job.id):
        add(database, ticket, b"one", b"two")
    with database.write() as connection:
        jobs.put(connection, [job])
        connection.execute(update(table).where(table.c.job_id != fresh).values(created_at=now() - 2 * DAY))
        assert job_files.discard_abandoned(connection, DAY, 10) == 1
        assert job_files.discard_abandoned(connection, DAY, 10) == 0
    assert parts(database, lost) == []
    assert parts(database, fresh) == parts(database, job.id) == [b"one", b"two"]
