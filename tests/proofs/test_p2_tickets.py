"""Promise 2: a ticket is never lost, and saved once, whoever dies and whenever."""

from __future__ import annotations

import os
import signal

import pytest

from tests.projects import wait_until
from tests.proofs.crew import Crew
from tests.proofs.mortal_worker import BREAKING
from tests.proofs.tickets import (
    assert_each_done_once,
    kept,
    open_database,
    open_desk,
    rows,
    submit,
    wait_until_ended,
)
from winnow.domain import Status
from winnow.settings import Settings

pytestmark = pytest.mark.slow

JOBS = 1000
WINDOWS = ("leased", "working", "done", "saved")
"""Before the work, during it, between it and its commit, and between its commit and the worker's knowing."""


def texts(number: int) -> list[str]:
    return [f"text {index}: lovely" for index in range(number)]


def test_a_thousand_jobs_survive_workers_that_are_killed_in_every_window(queue_settings: Settings) -> None:
    """Two workers on one queue, each killed once in each window, at different depths, and started again."""
    with open_desk(queue_settings) as desk:
        tickets = submit(desk, texts(JOBS))
    early = [f"{window}:{passes}" for passes, window in enumerate(WINDOWS, start=1)]
    late = [f"{window}:{passes}" for passes, window in enumerate(reversed(WINDOWS), start=1)]
    with Crew(queue_settings, [early, late]) as crew:
        wait_until_ended(queue_settings, JOBS)
    assert {death.partition(":")[0] for death in crew.deaths} == set(WINDOWS)
    assert_each_done_once(queue_settings, tickets)


def test_a_worker_that_stalled_until_its_lease_ran_out_saves_nothing(queue_settings: Settings) -> None:
    """It is stopped between the work and its commit, two others take over, and it wakes and tries to commit."""
    with open_desk(queue_settings) as desk:
        tickets = submit(desk, texts(100))
    with Crew(queue_settings, [["done:2:SIGSTOP"]]) as stalled:
        wait_until(lambda: is_stopped(stalled.pid(0)), 60)
        with Crew(queue_settings, [[], []], log="others.log"):
            wait_until_ended(queue_settings, 100)
            os.kill(stalled.pid(0), signal.SIGCONT)
            wait_until(lambda: "settled 0 of" in stalled.log.read_text(), 60)
    assert_each_done_once(queue_settings, tickets)


def test_jobs_are_done_in_order_of_arrival(queue_settings: Settings) -> None:
    """One worker with one lane answers in the order of the tickets, which is that of their submission."""
    with open_desk(queue_settings) as desk:
        tickets = submit(desk, texts(300), at_once=7)
    with Crew(queue_settings.model_copy(update={"concurrency": 1}), [[]]):
        wait_until_ended(queue_settings, 300)
    with open_database(queue_settings) as database:
        assert [row.ticket for row in kept(database)] == list(tickets)
    assert_each_done_once(queue_settings, tickets)


def test_a_job_that_breaks_the_model_fails_alone_after_all_its_attempts(queue_settings: Settings) -> None:
    """It waits longer after each attempt, and says why it failed; those it was answered with do not notice."""
    settings = queue_settings.model_copy(update={"attempts": 3, "retry_seconds": 0.2})
    given = texts(40)
    given[20] = f"{BREAKING}it"
    with open_desk(settings) as desk:
        tickets = submit(desk, given)
    broken = next(ticket for ticket, text in tickets.items() if text.startswith(BREAKING))
    with Crew(settings, [[]]):
        wait_until_ended(settings, 40)
    with open_database(settings) as database:
        table, history = rows(database), kept(database)
    job = table.pop(broken)
    assert (job.status, job.attempt, job.result) == (Status.FAILED, 3, None)
    assert job.error["kind"] == "model-failed"
    assert (job.finished_at - job.created_at).total_seconds() >= 0.2 + 0.4
    assert {(row.status, row.attempt) for row in table.values()} == {(Status.FINISHED, 1)}
    assert sorted(row.ticket for row in history) == sorted(table)


def is_stopped(pid: int) -> bool:
    """Whether a process of ours has been stopped by a signal."""
    stopped = os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT)
    return stopped is not None
