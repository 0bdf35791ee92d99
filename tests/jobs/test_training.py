"""Jobs that train: real runs in processes of their own, which outlive the worker that started them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.jobs.working import ORDER, at_work, ended, eventually, hand_in, opened
from tests.lifecycle.conftest import room, toys
from tests.lifecycle.room import Room, make_moods
from winnow.domain import Run, Status
from winnow.errors import Conflict
from winnow.lifecycle.trainer import cancel_run
from winnow.runtime import Runtime
from winnow.store import runs

__all__ = ["room", "toys"]

SLOW = {"family": "toy-slow", "seconds": 60.0}


@pytest.fixture
def trainable(room: Room) -> Iterator[Room]:
    """A service with data. No run of it outlives the test."""
    room.configure()
    room.add(make_moods(60))
    yield room
    for run in all_runs(room):
        with suppress(Conflict):
            cancel_run(room.database, "mood", run.id)


def all_runs(room: Room) -> list[Run]:
    with room.database.read() as connection:
        return runs.newest(connection, "mood", 100)


def ask(runtime: Runtime) -> str:
    return hand_in(runtime, runtime.desk.train("mood", order=ORDER))


def run_of(runtime: Runtime, ticket: str) -> str | None:
    return (runtime.desk.job(ticket).progress or {}).get("run")


@pytest.mark.slow
async def test_a_job_ends_with_what_its_run_decided(trainable: Room) -> None:
    async with at_work(trainable.folder) as runtime:
        ticket = ask(runtime)
        job = await ended(runtime, ticket)
        assert job.status is Status.FINISHED, job.error
        result = runtime.desk.result(ticket)
        (run,) = all_runs(trainable)
        assert (result["run"], result["promoted"]) == (run.id, 1)
        assert result["reasons"]
        assert trainable.champion() == 1


@pytest.mark.slow
async def test_a_job_tells_its_run_what_it_was_told(trainable: Room) -> None:
    async with at_work(trainable.folder) as runtime:
        ticket = hand_in(runtime, runtime.desk.train("mood", order=ORDER, promote="manual"))
        assert (await ended(runtime, ticket)).status is Status.FINISHED
        result = runtime.desk.result(ticket)
        assert (result["promoted"], result["chosen"]) == (None, 1)
        (run,) = all_runs(trainable)
        assert run.promote == "manual"
        assert trainable.champion() is None


@pytest.mark.slow
async def test_the_next_worker_follows_the_same_run(trainable: Room) -> None:
    trainable.configure(candidates=[{"family": "toy-slow", "seconds": 3.0}])
    async with opened(trainable.folder) as runtime:
        ticket = ask(runtime)
        async with runtime.worker():
            await eventually(lambda: (runtime.desk.job(ticket).progress or {}).get("stage") == "dawdling")
            run = run_of(runtime, ticket)
        left = runtime.desk.job(ticket)
        assert (left.status, left.attempt) == (Status.QUEUED, 0)
        assert [run.status for run in all_runs(trainable)] == [Status.STARTED]
        async with runtime.worker():
            assert (await ended(runtime, ticket)).status is Status.FINISHED
        assert [run.id for run in all_runs(trainable)] == [run] == [runtime.desk.result(ticket)["run"]]


@pytest.mark.slow
async def test_who_cancels_the_job_cancels_its_run(trainable: Room) -> None:
    trainable.configure(candidates=[SLOW])
    async with at_work(trainable.folder) as runtime:
        ticket = ask(runtime)
        await eventually(lambda: (runtime.desk.job(ticket).progress or {}).get("stage") == "dawdling")
        runtime.desk.cancel(ticket)
        await eventually(lambda: [run.status for run in all_runs(trainable)] == [Status.CANCELLED])
        assert runtime.desk.job(ticket).status is Status.CANCELLED


@pytest.mark.slow
async def test_a_run_that_no_worker_follows_is_cancelled_with_its_job(trainable: Room) -> None:
    trainable.configure(candidates=[SLOW])
    async with opened(trainable.folder) as runtime:
        ticket = ask(runtime)
        async with runtime.worker():
            await eventually(lambda: (runtime.desk.job(ticket).progress or {}).get("stage") == "dawdling")
        assert runtime.desk.job(ticket).status is Status.QUEUED
        runtime.desk.cancel(ticket)
        await eventually(lambda: [run.status for run in all_runs(trainable)] == [Status.CANCELLED])


@pytest.mark.slow
async def test_each_attempt_is_a_run_of_its_own_and_the_reason_is_the_last_ones(trainable: Room) -> None:
    trainable.configure(candidates=["toy-dying"])
    async with at_work(trainable.folder, attempts=2) as runtime:
        job = await ended(runtime, ask(runtime))
        assert (job.status, job.attempt, (job.error or {})["kind"]) == (Status.FAILED, 2, "training-failed")
        newest, first = all_runs(trainable)
        assert newest.id in (job.error or {})["detail"]
        assert {newest.status, first.status} == {Status.FAILED}


@pytest.mark.slow
async def test_a_job_waits_for_a_run_that_somebody_else_started(trainable: Room) -> None:
    trainable.configure(candidates=[{"family": "toy-slow", "seconds": 1.0}])
    async with opened(trainable.folder) as runtime:
        other = runtime.workspace.start_run("mood")
        ticket = ask(runtime)
        async with runtime.worker():
            await eventually(lambda: "waiting" in (runtime.desk.job(ticket).progress or {}).get("stage", ""))
            assert (await ended(runtime, ticket)).status is Status.FINISHED
        mine, first = all_runs(trainable)
        assert (first.id, first.status) == (other.id, Status.FINISHED)
        assert runtime.desk.result(ticket)["run"] == mine.id


@pytest.mark.slow
async def test_a_run_that_a_person_cancels_fails_the_job_for_good(trainable: Room) -> None:
    trainable.configure(candidates=[SLOW])
    async with at_work(trainable.folder) as runtime:
        ticket = ask(runtime)
        await eventually(lambda: (runtime.desk.job(ticket).progress or {}).get("stage") == "dawdling")
        runtime.workspace.cancel_run("mood", str(run_of(runtime, ticket)))
        job = await ended(runtime, ticket)
        assert (job.status, job.attempt, (job.error or {})["kind"]) == (Status.FAILED, 1, "cancelled")
