"""What the store promises of runs: their life, and one of a service at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import update

from winnow.domain import PromoteMode, Run, Status, now
from winnow.errors import Conflict, NotFound
from winnow.store import Database, runs
from winnow.store.schema import runs as table


def create(database: Database, service: str = "shop") -> Run:
    with database.write() as connection:
        return runs.create(connection, service)


def get(database: Database, run: Run) -> Run:
    with database.read() as connection:
        return runs.get(connection, run.service, run.id)


@pytest.mark.parametrize("promote", ["automatic", "manual"])
def test_a_run_keeps_what_it_was_told(database: Database, promote: PromoteMode) -> None:
    with database.write() as connection:
        run = runs.create(connection, "shop", promote)
    assert get(database, run) == run
    assert run.promote == promote


def test_a_run_lives_from_queued_to_finished(database: Database) -> None:
    run = create(database)
    assert get(database, run) == run
    assert run.promote is None
    with database.write() as connection:
        assert runs.start(connection, run.id, pid=7, snapshot=3)
        assert not runs.start(connection, run.id, pid=8, snapshot=4), "it has started already"
        assert runs.report_progress(connection, run.id, {"stage": "é", "done": 0.1})
        assert runs.report_progress(connection, run.id, None)
    started = get(database, run)
    assert (started.status, started.pid, started.snapshot) == (Status.STARTED, 7, 3)
    assert started.progress == {"stage": "é", "done": 0.1}
    with database.write() as connection:
        assert runs.finish(connection, run.id, {"figure": 0.1 + 0.2, "labels": ["z", "a"]})
    finished = get(database, run)
    assert finished.status.final
    assert finished.report == {"figure": 0.1 + 0.2, "labels": ["z", "a"]}
    assert finished.created_at <= (finished.started_at or now()) <= (finished.finished_at or finished.created_at)


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELLED])
def test_an_ended_run_stays_ended(database: Database, status: Status) -> None:
    run = create(database)
    with database.write() as connection:
        assert runs.end(connection, run.id, status, "a person asked")
        assert not runs.start(connection, run.id, pid=7, snapshot=3)
        assert not runs.report_progress(connection, run.id, {"done": 1})
        assert not runs.finish(connection, run.id, {})
        assert not runs.end(connection, run.id, Status.FAILED)
    ended = get(database, run)
    assert (ended.status, ended.error, ended.report) == (status, "a person asked", None)


def test_a_service_has_one_active_run(database: Database) -> None:
    first = create(database)
    with pytest.raises(Conflict, match="service 'shop' is being trained already"):
        create(database)
    create(database, "books")
    with database.write() as connection:
        runs.end(connection, first.id, Status.CANCELLED)
    create(database)


def test_one_of_many_who_create_a_run_at_once_gets_it(database: Database) -> None:
    def attempt(_number: int) -> bool:
        try:
            create(database)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(16))) == 1


def test_silent_runs_are_failed(database: Database) -> None:
    silent, lively = create(database), create(database, "books")
    with database.write() as connection:
        old = update(table).where(table.c.id == silent.id).values(heartbeat_at=now() - timedelta(minutes=5))
        connection.execute(old)
        assert runs.fail_silent(connection, timedelta(minutes=1)) == 1
    assert (get(database, silent).status, get(database, silent).error) == (Status.FAILED, "its process died")
    assert get(database, lively).status is Status.QUEUED


def test_the_newest_runs_come_first(database: Database) -> None:
    made = []
    for _ in range(3):
        run = create(database)
        with database.write() as connection:
            runs.finish(connection, run.id, {"run": run.id})
        made.append(run.id)
    failed = create(database)
    with database.write() as connection:
        runs.end(connection, failed.id, Status.FAILED, "no")
    with database.read() as connection:
        assert [run.id for run in runs.newest(connection, "shop", 10)] == [failed.id, *reversed(made)]
        assert len(runs.newest(connection, "shop", 2)) == 2
        latest = runs.latest_finished(connection, "shop")
        assert latest is not None
        assert latest.id == made[-1]
        assert runs.latest_finished(connection, "books") is None


def test_a_run_of_another_service_is_not_found(database: Database) -> None:
    run = create(database)
    with database.read() as connection, pytest.raises(NotFound, match=f"service 'books' has no run '{run.id}'"):
        runs.get(connection, "books", run.id)
