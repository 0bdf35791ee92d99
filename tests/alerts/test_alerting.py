"""Rounds: facts of a real store, put to every rule."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from tests.alerts.making import all_alerts, candidate, measurement
from tests.jobs.handling import new_job, put
from tests.projects import make_project
from winnow.domain import AlertState, JobKind, Run, Status, Version, new_id, now
from winnow.jobs.alerting import Alerting
from winnow.jobs.bells import make_bells
from winnow.jobs.sql_queue import SqlQueue, Terms
from winnow.settings import load_settings
from winnow.store import Database, measurements, runs, traffic, versions, workers
from winnow.store.schema import jobs
from winnow.store.schema import workers as worker_rows
from winnow.store.traffic import Minute
from winnow.workspace import Workspace

TOML = """
[project]
name = "tests"
[project.alerts]
hold_minutes = 0
disk_free_gb = "off"
[services.sentiment]
task = "text-classification"
labels = ["negative", "positive"]
data = ["reviews.csv"]
gates = { accuracy = ">= 0.9" }
[services.topics]
task = "text-classification"
"""


@dataclass
class Watched:
    """A project of which every rule is put to the facts when a test says so."""

    workspace: Workspace
    problems: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.database: Database = self.workspace.database
        self.alerting = Alerting(self.workspace, self.workspace.settings, self.problems.get)

    def opened(self) -> set[tuple[str, str]]:
        """What is open after one more round."""
        self.alerting.look()
        return {(a.rule, a.service) for a in all_alerts(self.database) if a.state is AlertState.OPEN}

    def finish_run(self, *candidates: dict[str, object], status: Status = Status.FINISHED) -> Run:
        report = {"primary_metric": "f1_macro", "candidates": list(candidates)}
        with self.database.write() as connection:
            run = runs.create(connection, "sentiment")
            if status is Status.FINISHED:
                assert runs.finish(connection, run.id, report)
            else:
                runs.end(connection, run.id, status, "no room")
        return run


@pytest.fixture
def watched(database_url: str, tmp_path: Path) -> Iterator[Watched]:
    project = make_project(tmp_path / "project", TOML)
    with Workspace(load_settings(project=project, database=database_url)) as workspace:
        yield Watched(workspace)


def test_nothing_is_wrong_with_a_new_project(watched: Watched) -> None:
    assert watched.opened() == set()


def test_a_run_that_misses_its_gates_is_told_until_one_meets_them(watched: Watched) -> None:
    gates = {("gates-missed", "sentiment")}
    watched.finish_run(candidate("svm", 0.8, "accuracy"))
    assert watched.opened() == gates
    watched.finish_run(candidate("svm", 0.8), status=Status.CANCELLED)
    assert watched.opened() == gates
    watched.finish_run(candidate("svm", 0.8, "accuracy"))
    assert watched.opened() == gates
    assert len(all_alerts(watched.database)) == 1
    watched.finish_run(candidate("svm", 0.8))
    assert watched.opened() == set()
    watched.finish_run(status=Status.FAILED)
    assert watched.opened() == gates
    newest = all_alerts(watched.database)[-1]
    assert newest.detail == "the newest run failed: no room"
    assert len(all_alerts(watched.database)) == 2


def test_a_run_without_a_report_says_nothing(watched: Watched) -> None:
    """As an import leaves one."""
    watched.finish_run(candidate("svm", 0.8, "accuracy"))
    with watched.database.write() as connection:
        runs.end(connection, runs.create(connection, "sentiment").id, Status.FINISHED)
    assert watched.opened() == {("gates-missed", "sentiment")}


def test_a_run_under_way_changes_nothing(watched: Watched) -> None:
    watched.finish_run(candidate("svm", 0.8, "accuracy"))
    with watched.database.write() as connection:
        runs.create(connection, "sentiment")
    assert watched.opened() == {("gates-missed", "sentiment")}


@pytest.mark.parametrize(
    ("figures", "rule"),
    [
        ({"accuracy": 0.5, "interval": [0.4, 0.6]}, "live-quality"),
        ({"label_psi": 0.5, "confidence_psi": 0.1}, "drift"),
    ],
    ids=["quality", "drift"],
)
def test_what_was_measured_of_the_champion_is_judged(
    watched: Watched, figures: dict[str, object], rule: str
) -> None:
    register(watched, 1, 2)
    assert watched.opened() == set()
    for version in (1, 2, 1):
        with watched.database.write() as connection:
            measurements.add(connection, replace(measurement(figures), id=new_id(), version=version))
        champion = version == 2
        assert watched.opened() == ({(rule, "sentiment")} if champion else set())


def register(watched: Watched, *numbers: int) -> None:
    """Versions, of which the last is champion."""
    run = watched.finish_run(candidate("svm", 0.8))
    with watched.database.write() as connection:
        for number in numbers:
            version = Version(
                "sentiment",
                number,
                run.id,
                "svm",
                {},
                {},
                [],
                f"sentiment/{number}",
                "0" * 64,
                1,
                champion=False,
                created_at=now(),
            )
            versions.add(connection, version)
            versions.promote(connection, "sentiment", number, reasons=[])


def test_traffic_of_the_last_minutes_is_judged(watched: Watched) -> None:
    moment = now().replace(second=0, microsecond=0)
    quiet = Minute(moment, "sentiment", "p", 100, 0, 0, 0, 0, {"10": 100})
    write(watched, quiet)
    assert watched.opened() == set()
    write(watched, replace(quiet, process="q", failed=50, latency={"80": 100}))
    assert watched.opened() == {("error-rate", "sentiment"), ("latency", "sentiment")}
    later = timedelta(minutes=7)
    write(watched, replace(quiet, process="q"), replace(quiet, process="q", minute=moment - later, failed=50))
    assert watched.opened() == set()


def write(watched: Watched, *minutes: Minute) -> None:
    with watched.database.write() as connection:
        traffic.write(connection, minutes)


def test_jobs_that_wait_are_told_unless_they_wait_for_their_turn(watched: Watched) -> None:
    queue = SqlQueue(watched.database, Terms(60, 3, timedelta(hours=1)), make_bells(watched.database))
    put(queue, new_job(service="sentiment"))
    train = put(queue, new_job(service="sentiment", kind=JobKind.TRAIN))
    assert watched.opened() == set()
    set_jobs(watched, due_at=now() - timedelta(minutes=10))
    assert watched.opened() == {("queue-age", "")}
    set_jobs(watched, due_at=now() + timedelta(minutes=10))  # to be tried again later
    assert watched.opened() == set()

    set_jobs(watched, due_at=now() - timedelta(minutes=10), status=Status.FINISHED)
    set_jobs(watched, only=train[0], status=Status.QUEUED)
    assert watched.opened() == {("queue-age", "")}
    other = put(queue, new_job(service="topics", kind=JobKind.TRAIN))
    set_jobs(watched, only=other[0], status=Status.STARTED)
    assert watched.opened() == set()  # another training is under way


def set_jobs(watched: Watched, *, only: str | None = None, **values: object) -> None:
    with watched.database.write() as connection:
        statement = update(jobs).values(**values)
        connection.execute(statement if only is None else statement.where(jobs.c.id == only))


def test_a_worker_that_falls_silent_is_told_until_it_is_forgotten(watched: Watched) -> None:
    with watched.database.write() as connection:
        workers.beat(connection, "far:1:abc", ["sentiment"])
        workers.beat(connection, "far:2:def", ["sentiment"])
        workers.beat(connection, "far:2:def", ["sentiment"])
    assert watched.opened() == set()
    silent_for(watched, timedelta(minutes=5))
    assert watched.opened() == {("worker-silent", "")}
    assert all_alerts(watched.database)[0].detail == "nothing was heard of workers: far:1:abc for 5 minutes"
    silent_for(watched, timedelta(hours=25))
    asyncio.run(watched.alerting.do())
    assert watched.opened() == set()
    with watched.database.read() as connection:
        assert [worker.name for worker in workers.known(connection)] == ["far:2:def"]


def silent_for(watched: Watched, time: timedelta) -> None:
    with watched.database.write() as connection:
        seen = update(worker_rows).where(worker_rows.c.name == "far:1:abc").values(seen_at=now() - time)
        connection.execute(seen)


def test_a_champion_that_does_not_load_is_told(watched: Watched) -> None:
    watched.problems["topics"] = "weights.npz was changed"
    assert watched.opened() == {("degraded", "topics")}
    watched.problems.clear()
    assert watched.opened() == set()


def test_a_full_disk_is_told(database_url: str, tmp_path: Path) -> None:
    toml = TOML.replace('disk_free_gb = "off"', 'disk_free_gb = ">= 100000000"')
    project = make_project(tmp_path / "project", toml)
    with Workspace(load_settings(project=project, database=database_url)) as workspace:
        assert Watched(workspace).opened() == {("disk", "")}


def test_a_rule_that_is_turned_off_ends_its_alert(watched: Watched) -> None:
    moment = now().replace(second=0, microsecond=0)
    write(watched, Minute(moment, "sentiment", "p", 0, 0, 100, 0, 0, {}))
    assert watched.opened() == {("error-rate", "sentiment")}
    project = watched.workspace.project.folder
    toml = TOML.replace("[services.topics]", '[services.sentiment.alerts]\nerror_rate = "off"\n[services.topics]')
    make_project(project, toml)
    database = watched.workspace.settings.database
    assert database is not None
    with Workspace(load_settings(project=project, database=database.get_secret_value())) as again:
        assert Watched(again).opened() == set()


def test_processes_take_turns(watched: Watched) -> None:
    other = Alerting(watched.workspace, watched.workspace.settings, lambda _: "broken")
    watched.problems["topics"] = "broken"
    asyncio.run(watched.alerting.do())
    asyncio.run(other.do())
    assert {alert.service for alert in all_alerts(watched.database)} == {"topics"}
