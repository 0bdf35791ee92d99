"""The schedule: what makes training due, that it becomes one job, and that a service improves by itself."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from tests.jobs.handling import new_job
from tests.jobs.working import at_work, eventually
from tests.lifecycle.conftest import room, toys
from tests.lifecycle.room import Room, make_moods
from tests.projects import SENTIMENT, Server, make_project, wait_until
from winnow.client import Client
from winnow.domain import Job, JobKind, Status, new_id, now
from winnow.jobs.opening import open_desk
from winnow.jobs.schedule import CLIENT, Schedule, due
from winnow.project import Retrain
from winnow.settings import load_settings
from winnow.store import Database, jobs, retraining, runs
from winnow.store.retraining import Situation
from winnow.store.schema import batches
from winnow.store.schema import jobs as table
from winnow.workspace import Workspace

__all__ = ["room", "toys"]

NOON = datetime(2026, 11, 20, 12, 0, 30, tzinfo=UTC)
NIGHTLY = "0 3 * * *"
TONIGHT = "retrain:cron:2026-11-20T03:00:00+00:00"


def situation(added: int = 5, **changes: object) -> Situation:
    """A service that was trained two days ago; examples came a day ago."""
    usual = {
        "snapshot": 7,
        "added": added,
        "added_since": NOON - timedelta(days=1) if added else None,
        "trained_at": NOON - timedelta(days=2),
        "under_way": False,
    }
    return Situation(**{**usual, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("retrain", "standing", "causes"),
    [
        pytest.param({"new_examples": 5}, situation(5), ["retrain:examples:7:1"], id="enough"),
        pytest.param({"new_examples": 5}, situation(4), [], id="one-is-missing"),
        pytest.param({"new_examples": 5}, situation(14), ["retrain:examples:7:2"], id="twice-as-many"),
        pytest.param({"new_examples": 5}, situation(9, under_way=True), [], id="under-way"),
        pytest.param({"new_examples": 1}, situation(0), [], id="nothing-new"),
        pytest.param(
            {"new_examples": 5},
            situation(5, snapshot=0, trained_at=None),
            ["retrain:examples:0:1"],
            id="never-trained",
        ),
        pytest.param({"cron": NIGHTLY}, situation(1), [TONIGHT], id="its-hour-came"),
        pytest.param({"cron": NIGHTLY}, situation(0), [], id="its-hour-came-for-nothing"),
        pytest.param(
            {"cron": NIGHTLY}, situation(1, added_since=NOON - timedelta(hours=1)), [], id="came-after-its-hour"
        ),
        pytest.param(
            {"cron": NIGHTLY},
            situation(1, trained_at=NOON - timedelta(hours=9)),
            [],
            id="trained-since-by-hand",
        ),
        pytest.param(
            {"cron": NIGHTLY},
            situation(1, trained_at=None, snapshot=0, added_since=NOON - timedelta(days=30)),
            [TONIGHT],
            id="missed-for-a-month-is-caught-up-once",
        ),
        pytest.param({"cron": "0 0 29 2 *"}, situation(1), [], id="a-rare-hour"),
        pytest.param(
            {"cron": NIGHTLY, "new_examples": 2},
            situation(5),
            ["retrain:examples:7:2", TONIGHT],
            id="both",
        ),
        pytest.param({}, situation(1_000), [], id="by-hand-only"),
    ],
)
def test_what_is_due(retrain: dict[str, object], standing: Situation, causes: list[str]) -> None:
    assert due(Retrain.model_validate(retrain), standing, NOON) == causes


def test_hours_are_in_utc_wherever_the_machine_is() -> None:
    elsewhere = NOON.astimezone(datetime.strptime("+0900", "%z").tzinfo)
    assert due(Retrain(cron=NIGHTLY), situation(1), elsewhere) == due(Retrain(cron=NIGHTLY), situation(1), NOON)


MINUTES = st.integers(min_value=1, max_value=60 * 24 * 9)


@given(
    cron=st.sampled_from([NIGHTLY, "*/7 * * * *", "30 22 * * 1-5", "0 0 1 * *", "15 */6 * * sun", "0 12 20 11 *"]),
    added=MINUTES,
    trained=st.none() | MINUTES,
    seconds=st.integers(0, 59),
)
def test_an_hour_is_due_where_one_came_that_nobody_used(
    cron: str, added: int, trained: int | None, seconds: int
) -> None:
    """Against all times of the cron line, counted forward from the day of the first new example."""
    moment = NOON.replace(second=seconds)
    since = moment - timedelta(minutes=added)
    trained_at = None if trained is None else moment - timedelta(minutes=trained)
    times = itertools.takewhile(lambda time: time < moment, CronSim(cron, since - timedelta(minutes=1)))
    unused = [time for time in times if time >= since and (trained_at is None or time > trained_at)]
    expected = [f"retrain:cron:{unused[-1].isoformat()}"] if unused else []
    assert due(Retrain(cron=cron), situation(1, added_since=since, trained_at=trained_at), moment) == expected


def add_batch(database: Database, rows: int, service: str = "sentiment", at: datetime | None = None) -> None:
    """Examples without their texts: the schedule looks at batches only."""
    with database.write() as connection:
        database.lock(connection, "batches")
        number = len(connection.execute(batches.select()).all()) + 1
        row = {"id": new_id(), "service": service, "number": number, "source": "test", "rows": rows}
        connection.execute(batches.insert().values(**row, created_at=at or now()))


def add_run(database: Database, snapshot: int | None, status: Status | None) -> str:
    """A run that got as far as this."""
    with database.write() as connection:
        run = runs.create(connection, "sentiment")
        if snapshot is not None:
            assert runs.start(connection, run.id, 1, snapshot)
        if status is not None:
            assert runs.end(connection, run.id, status)
    return run.id


def standing_of(database: Database) -> Situation:
    with database.read() as connection:
        return retraining.situation(connection, "sentiment")


def test_the_store_tells_how_things_stand(database: Database) -> None:
    assert standing_of(database) == Situation(0, 0, None, None, under_way=False)
    first, second = NOON, NOON + timedelta(hours=1)
    add_batch(database, 3, at=first)
    add_batch(database, 100, service="another")
    add_batch(database, 4, at=second)
    assert standing_of(database) == Situation(0, 7, first, None, under_way=False)
    for status in (Status.FINISHED, Status.FAILED, Status.CANCELLED):  # none of them learned of the third
        add_run(database, 1, status)
        found = standing_of(database)
        assert (found.snapshot, found.added, found.added_since, found.under_way) == (1, 4, second, False)
    add_run(database, None, Status.CANCELLED)  # it never got to read anything
    assert standing_of(database).snapshot == 1
    running = add_run(database, 3, None)
    found = standing_of(database)
    assert (found.added, found.added_since, found.under_way) == (0, None, True)
    with database.write() as connection:
        runs.end(connection, running, Status.FAILED)
    assert not standing_of(database).under_way


@pytest.mark.parametrize("taken", [False, True], ids=["waiting", "worked-on"])
def test_a_job_that_trains_is_under_way_until_it_has_ended(database: Database, *, taken: bool) -> None:
    def queue(kind: JobKind, service: str) -> str:
        job = new_job({}, kind=kind, service=service)
        with database.write() as connection:
            jobs.put(connection, [job])
        return job.id

    queue(JobKind.PREDICT, "sentiment")
    queue(JobKind.TRAIN, "another")
    assert not standing_of(database).under_way
    ticket = queue(JobKind.TRAIN, "sentiment")
    if taken:
        with database.write() as connection:
            assert jobs.lease(connection, "worker", [JobKind.TRAIN], ["sentiment"], 1, 60.0)
    assert standing_of(database).under_way
    with database.write() as connection:
        jobs.cancel(connection, ticket, timedelta(hours=1))
    assert not standing_of(database).under_way


@contextmanager
def scheduled(project: Path, url: str, seconds: float = 0.0, **settings: object) -> Iterator[Schedule]:
    """The schedule of a project as one process has it; it is always its turn unless `seconds` say otherwise."""
    chosen = load_settings(project=project, database=url, **settings)
    with Workspace(chosen) as workspace, open_desk(workspace) as (desk, _bells):
        yield Schedule(workspace.database, desk, workspace.project.services, seconds)


def training_jobs(database: Database) -> list[Job]:
    """The newest first."""
    with database.read() as connection:
        return jobs.newest(connection, 100, kind=JobKind.TRAIN)


def cancel_all(database: Database) -> None:
    for job in training_jobs(database):
        if not job.status.final:
            with database.write() as connection:
                jobs.cancel(connection, job.id, timedelta(hours=1))


def retraining_project(folder: Path, retrain: str) -> Path:
    return make_project(folder, f"{SENTIMENT}\n[services.sentiment.retrain]\n{retrain}\n")


def test_however_many_look_there_is_one_job(database: Database, database_url: str, tmp_path: Path) -> None:
    project = retraining_project(tmp_path / "project", "new_examples = 3")
    with ExitStack() as stack:
        schedules = [stack.enter_context(scheduled(project, database_url)) for _ in range(4)]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(Schedule._look, schedules))
            assert training_jobs(database) == [], "there are no examples"
            for expected in (1, 2):
                add_batch(database, 3)
                list(pool.map(Schedule._look, schedules * 3))
                assert len(training_jobs(database)) == expected
                cancel_all(database)
                list(pool.map(Schedule._look, schedules * 3))
                assert len(training_jobs(database)) == expected, "who cancels it means it"
    (job, _) = training_jobs(database)
    with database.read() as connection:
        row = connection.execute(table.select().where(table.c.id == job.id)).mappings().one()
    assert (row["client"], row["idempotency_key"], row["payload"]) == (CLIENT, "retrain:examples:0:2", {})


def test_processes_take_turns(database: Database, database_url: str, tmp_path: Path) -> None:
    project = retraining_project(tmp_path / "project", "new_examples = 1")
    with (
        scheduled(project, database_url, seconds=600) as mine,
        scheduled(project, database_url, seconds=600) as other,
    ):
        mine._look()
        add_batch(database, 1)
        other._look()
        assert training_jobs(database) == []


def test_its_hour_comes_although_the_number_has_been_used_up(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    project = retraining_project(tmp_path / "project", 'new_examples = 3\ncron = "* * * * *"')
    with scheduled(project, database_url) as schedule:
        add_batch(database, 3)
        schedule._look()
        cancel_all(database)
        with database.write() as connection:
            connection.execute(update(batches).values(created_at=now() - timedelta(minutes=5)))
        schedule._look()
        assert [job.status for job in training_jobs(database)] == [Status.QUEUED, Status.CANCELLED]
        cancel_all(database)
        schedule._look()
        waiting = [job for job in training_jobs(database) if job.status is Status.QUEUED]
        assert len(waiting) <= 1, "a minute may have come, but four that were missed are one"


def test_where_too_many_jobs_wait_it_comes_later(database: Database, database_url: str, tmp_path: Path) -> None:
    project = retraining_project(tmp_path / "project", "new_examples = 1")
    waiting = new_job("text", service="sentiment")
    with database.write() as connection:
        jobs.put(connection, [waiting])
    add_batch(database, 1)
    with scheduled(project, database_url, max_queued=1) as schedule:
        schedule._look()
        assert training_jobs(database) == []
        with database.write() as connection:
            jobs.cancel(connection, waiting.id, timedelta(hours=1))
        time.sleep(0.6)  # for so long the number that waits is taken for what it was
        schedule._look()
        assert len(training_jobs(database)) == 1


@pytest.mark.slow
async def test_a_retraining_that_failed_is_tried_again_when_more_examples_came(room: Room) -> None:
    room.configure(candidates=["toy-refusing"], more="retrain = { new_examples = 20 }")
    room.add(make_moods(60))
    async with at_work(room.folder, monitor_seconds=0.05, attempts=1) as runtime:

        def ended(number: int) -> bool:
            found = runtime.desk.jobs(100, kind=JobKind.TRAIN)
            return [job.status for job in found] == [Status.FAILED] * number

        await eventually(lambda: ended(1))
        room.add(make_moods(79)[60:])
        await asyncio.sleep(0.5)
        assert ended(1)
        room.add(make_moods(80)[79:])
        await eventually(lambda: ended(2))


@pytest.mark.slow
def test_examples_over_http_lead_to_one_run_and_a_new_champion(database_url: str, tmp_path: Path) -> None:
    """Two processes serve one database, and everybody adds at both."""
    toml = SENTIMENT.replace('data = ["reviews.csv"]', "retrain = { new_examples = 450 }")
    project = make_project(tmp_path / "project", toml)
    settings = {"database": database_url, "monitor_seconds": 0.1}
    with (
        Server(project, **settings) as one,
        Server(project, **settings) as other,
        Client(one.url) as client,
        Client(other.url) as second,
    ):
        assert client.upload("sentiment", project / "reviews.csv").accepted == 417
        time.sleep(0.5)
        assert (client.runs("sentiment"), client.jobs()) == ([], [])
        for number in range(33):
            label = ("negative", "positive")[number % 2]
            (client, second)[number % 2].add_example("sentiment", f"Example {number} of something {label}.", label)
        wait_until(lambda: [job.status for job in client.jobs(kind=JobKind.TRAIN)] == [Status.FINISHED], 60)
        (run,) = client.runs("sentiment")
        assert run.status is Status.FINISHED
        wait_until(lambda: (client.service("sentiment").champion, second.service("sentiment").champion) == (1, 1))
        time.sleep(0.5)
        assert len(client.jobs()) == len(second.runs("sentiment")) == 1
        assert second.predict("sentiment", "Lovely.").version == 1


@pytest.mark.slow
def test_an_hour_that_was_missed_while_nothing_ran_is_caught_up_once(tmp_path: Path) -> None:
    project = retraining_project(tmp_path / "project", f'cron = "{NIGHTLY}"\npromote = "manual"')
    settings = load_settings(project=project)
    with Workspace(settings) as workspace:
        workspace.load_first_data("sentiment")
        with workspace.database.write() as connection:
            connection.execute(update(batches).values(created_at=now() - timedelta(days=9)))
    with Server(project, monitor_seconds=0.1) as server, Client(server.url) as client:
        wait_until(lambda: [job.status for job in client.jobs()] == [Status.FINISHED], 60)
        (job,) = client.jobs()
        result = client.result(job)
        assert (result.promoted, result.chosen) == (None, 1)  # type: ignore[union-attr]
        client.add_example("sentiment", "It came after three.", "positive")
        time.sleep(0.5)
        assert len(client.jobs()) == 1
        assert client.service("sentiment").champion is None
