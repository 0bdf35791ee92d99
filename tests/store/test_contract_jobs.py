"""What the store promises of jobs beyond their queue: lists, pace, and that they are forgotten in time."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, func, select, update

from tests.jobs.handling import finished, new_job
from winnow.domain import JobKind, Status, new_id, now
from winnow.errors import NotFound
from winnow.jobs.queue import LANES
from winnow.store import Database, blobs, job_counts, job_files, jobs
from winnow.store.jobs import Ending, Lease, NewJob
from winnow.store.schema import blob_uses, webhooks
from winnow.store.schema import jobs as table

LIGHT, TRAINING = LANES
KEPT = timedelta(hours=1)


def put(database: Database, *given: NewJob) -> list[str]:
    with database.write() as connection:
        jobs.put(connection, given)
    return [job.id for job in given]


def take(database: Database, limit: int = 100) -> list[Lease]:
    with database.write() as connection:
        return jobs.lease(connection, "worker", LIGHT, ["shop", "books"], limit, 60)


def settle(database: Database, *endings: Ending) -> None:
    with database.write() as connection:
        assert len(jobs.settle(connection, endings, KEPT)) == len(endings)


def change(database: Database, ticket: str, **values: object) -> None:
    """Make as if time had gone by."""
    with database.write() as connection:
        connection.execute(update(table).where(table.c.id == ticket).values(values))


def test_lists_are_narrowed_and_go_on_where_the_page_before_ended(database: Database) -> None:
    given = put(
        database,
        *(
            new_job(service=service, kind=kind)
            for service in ("shop", "books")
            for kind in (JobKind.PREDICT, JobKind.FILE)
        ),
    )
    done, failed, *_ = take(database, 3)
    settle(database, finished(done), Ending(failed, Status.FAILED, error={"kind": "k", "detail": "d"}))
    with database.read() as connection:

        def found(limit: int = 10, **only: object) -> list[str]:
            return [job.id for job in jobs.newest(connection, limit, **only)]  # type: ignore[arg-type]

        assert found() == given[::-1]
        assert found(2) == [given[3], given[2]]
        assert found(2, before=given[2]) == [given[1], given[0]]
        assert found(service="shop") == [given[1], given[0]]
        assert found(kind=JobKind.FILE) == [given[3], given[1]]
        for status, ticket in zip(("finished", "failed", "started", "queued"), given, strict=True):
            assert found(status=Status(status)) == [ticket]
        assert found(status=Status.CANCELLED) == []
        assert [job.id for job in jobs.some(connection, [given[2], given[0], "nothing"])] == [given[0], given[2]]
        assert job_counts.queued(connection) == 1
        with pytest.raises(NotFound, match="no job with the ticket 'nothing'"):
            jobs.get(connection, "nothing")


@pytest.mark.parametrize(
    ("ask", "index"),
    [
        (lambda connection: jobs.waits(connection, LIGHT, ["shop", "books"]), "jobs_queued"),
        (lambda connection: jobs.lease(connection, "worker", LIGHT, ["shop"], 10, 60), "jobs_queued"),
        (jobs.any_silent, "jobs_started"),
        (job_counts.queued, "jobs_queued"),
        (job_counts.due, "jobs_queued"),
        (lambda connection: job_counts.pace(connection, LIGHT), "jobs_by_end"),
        (lambda connection: jobs.newest(connection, 5, status=Status.FAILED), "jobs_failed"),
        (lambda connection: jobs.prune(connection, 5), "jobs_to_prune"),
        (lambda connection: jobs.forget(connection, KEPT, 5), "jobs_to_forget"),
        (lambda connection: blobs.sweep(connection, KEPT, 5), "blobs_to_sweep"),
        (lambda connection: job_files.discard_abandoned(connection, KEPT, 5), "job_files_by_age"),
    ],
)
def test_nothing_goes_through_the_jobs_that_are_finished(
    sqlite: Database, ask: Callable[[Connection], object], index: str
) -> None:
    asked: list[tuple[str, Any]] = []

    def note(_1: object, _2: object, statement: str, parameters: Any, *_: object) -> None:
        asked.append((statement, parameters))

    with sqlite.write() as connection:
        event.listen(connection, "before_cursor_execute", note)
        ask(connection)
        event.remove(connection, "before_cursor_execute", note)
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked[0][0]}", asked[0][1]).all()
    assert re.search(rf"INDEX {index}\b", str(plan)), plan


def test_moments_come_back_exactly(database: Database) -> None:
    moment = now().replace(microsecond=7)
    (ticket,) = put(database, new_job(created_at=moment.astimezone()))
    with database.read() as connection:
        assert jobs.get(connection, ticket).created_at == moment


def test_what_is_due_is_counted_by_service_and_kind(database: Database) -> None:
    tickets = put(database, new_job(), new_job(), new_job(service="books"), new_job(kind=JobKind.TRAIN))
    change(database, tickets[0], due_at=now() + timedelta(hours=1))
    with database.read() as connection:
        assert job_counts.due(connection) == {
            ("shop", JobKind.PREDICT): 1,
            ("books", JobKind.PREDICT): 1,
            ("shop", JobKind.TRAIN): 1,
        }
        assert jobs.first(connection, "shop", LIGHT, 5) == tickets[1:2]
        assert not jobs.waits(connection, LIGHT, ["nobody"])
        assert jobs.waits(connection, TRAINING, ["books", "shop"])


def worked(database: Database, began: datetime, seconds: float, kind: JobKind = JobKind.PREDICT) -> None:
    """A job that was worked on for so long."""
    (ticket,) = put(database, new_job(kind=kind))
    values = {"status": "finished", "started_at": began, "finished_at": began + timedelta(seconds=seconds)}
    change(database, ticket, **values)


def test_the_pace_is_that_of_the_time_in_which_there_was_work(database: Database) -> None:
    began = now() - timedelta(seconds=30)
    with database.read() as connection:
        assert job_counts.pace(connection, LIGHT) is None
    worked(database, began, 2)
    worked(database, began, 2)  # beside the first one
    worked(database, began + timedelta(seconds=1), 2)  # half beside them
    worked(database, began + timedelta(seconds=20), 1)  # after a pause
    worked(database, began - timedelta(hours=1), 10)  # long ago
    worked(database, began, 10, JobKind.TRAIN)
    with database.read() as connection:
        assert job_counts.pace(connection, LIGHT) == pytest.approx(4 / 4)
        assert job_counts.pace(connection, TRAINING) == pytest.approx(1 / 10)


def test_of_an_expired_job_only_its_ticket_stays_and_that_not_for_ever(database: Database) -> None:
    image = b"image"
    payload = {"inputs": [blobs.reference(image)]}
    old, new = put(database, new_job(payload, blobs=[image], webhook="https://example.org/told"), new_job())
    first, second = take(database)
    with database.write() as connection:
        jobs.tell(connection, first, {"rows": 1})
        job_files.add_part(connection, old, "input", 0, b"in")
        job_files.add_part(connection, old, "result", 0, b"out")
    settle(database, finished(first), finished(second))
    change(database, old, expires_at=now() - timedelta(days=1))

    with database.write() as connection:
        assert jobs.prune(connection, 10) == 1
        assert jobs.prune(connection, 10) == 0
        assert jobs.get(connection, old).status is Status.FINISHED
        assert jobs.get(connection, old).progress is None
        assert jobs.result(connection, old) is None
        assert jobs.result(connection, new) == "result"
        assert job_files.size(connection, old, "result") == 0
        assert connection.scalar(select(func.count()).select_from(blob_uses)) == 0
        assert jobs.forget(connection, timedelta(days=2), 10) == 0
        assert connection.scalar(select(func.count()).select_from(webhooks)) == 1
        assert jobs.forget(connection, timedelta(hours=2), 10) == 1
        assert connection.scalar(select(func.count()).select_from(webhooks)) == 0
        with pytest.raises(NotFound):
            jobs.get(connection, old)
        assert jobs.get(connection, new).status is Status.FINISHED


def test_jobs_that_wait_or_are_worked_on_never_expire(database: Database) -> None:
    put(database, new_job(), new_job())
    take(database, 1)
    with database.write() as connection:
        assert jobs.prune(connection, 10) == 0
        assert jobs.forget(connection, timedelta(0), 10) == 0


def test_a_few_are_pruned_and_forgotten_at_a_time(database: Database) -> None:
    put(database, *(new_job() for _ in range(5)))
    settle(database, *(finished(lease) for lease in take(database)))
    with database.write() as connection:
        connection.execute(update(table).values(expires_at=now() - timedelta(days=1)))
        assert [jobs.prune(connection, 2) for _ in range(4)] == [2, 2, 1, 0]
        assert [jobs.forget(connection, timedelta(0), 3) for _ in range(3)] == [3, 2, 0]


def test_a_key_whose_job_was_forgotten_may_be_used_again(database: Database) -> None:
    given = new_job("one", idempotency_key="k")
    put(database, given)
    settle(database, *(finished(lease) for lease in take(database)))
    change(database, given.id, expires_at=now() - timedelta(days=1))
    with database.write() as connection:
        jobs.prune(connection, 1)
        jobs.forget(connection, timedelta(0), 1)
    other = new_job("two", idempotency_key="k", id=new_id())
    with database.write() as connection:
        (kept,) = jobs.put(connection, [other])
    assert getattr(kept, "id", None) == other.id
