"""The queue beside a simple model of it: whatever is done in whatever order, both are of one mind."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import update

from tests.jobs.handling import LIGHT, SERVICE, answered, finished, history, new_job
from winnow.domain import Job, Status, now
from winnow.errors import Conflict
from winnow.jobs.bells import LocalBells
from winnow.jobs.sql_queue import SqlQueue, Terms
from winnow.store import Database, jobs
from winnow.store.jobs import Ending, Lease
from winnow.store.schema import jobs as table

ATTEMPTS = 3
ERROR = {"kind": "model-failed", "detail": "it broke"}


@dataclass
class Modelled:
    """What the model knows of a job. `due` is whether its time has come; `token` is of its newest lease."""

    status: Status = Status.QUEUED
    attempt: int = 0
    token: int = 0
    due: bool = True
    silent: bool = False
    saved: int = 0


class QueueMachine(RuleBasedStateMachine):
    """Any number of workers, good and bad. Time goes by when a rule says so."""

    pattern: Path
    leases: Bundle[Lease] = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="winnow-queue-"))
        shutil.copy(self.pattern, self.folder / "winnow.db")
        self.database = Database(f"sqlite:///{self.folder / 'winnow.db'}")
        self.queue = SqlQueue(self.database, Terms(3600, ATTEMPTS, timedelta(hours=1)), LocalBells())
        self.model: dict[str, Modelled] = {}
        self.keys: dict[str, tuple[str, str]] = {}

    def teardown(self) -> None:
        self.database.close()
        shutil.rmtree(self.folder)

    def holds(self, lease: Lease) -> bool:
        job = self.model[lease.id]
        return job.status is Status.STARTED and job.token == lease.token

    def change(self, ticket: str, **values: object) -> None:
        with self.database.write() as connection:
            connection.execute(update(table).where(table.c.id == ticket).values(values))

    @rule(number=st.integers(1, 3))
    def put(self, number: int) -> None:
        for job in self.queue.put([new_job() for _ in range(number)]):
            assert isinstance(job, Job)
            self.model[job.id] = Modelled()

    @rule(key=st.sampled_from("ab"), question=st.sampled_from("xy"))
    def put_with_key(self, key: str, question: str) -> None:
        (job,) = self.queue.put([new_job(question, idempotency_key=key)])
        ticket, before = self.keys.get(key, (None, question))
        if question != before:
            assert isinstance(job, Conflict)
            return
        assert isinstance(job, Job)
        if ticket is None:
            self.model[job.id] = Modelled()
            self.keys[key] = (job.id, question)
        else:
            assert job.id == ticket

    @rule(target=leases, limit=st.integers(1, 4))
    def lease(self, limit: int) -> MultipleResults[Lease]:
        leases = self.queue.lease("worker", LIGHT, [SERVICE], limit)
        ready = [ticket for ticket, job in sorted(self.model.items()) if job.status is Status.QUEUED and job.due]
        assert [lease.id for lease in leases] == ready[:limit]
        for lease in leases:
            job = self.model[lease.id]
            assert lease.attempt == job.attempt + 1
            assert lease.token != job.token
            job.status, job.attempt, job.token, job.silent = Status.STARTED, lease.attempt, lease.token, False
        return multiple(*leases)

    @rule(lease=leases)
    def renew(self, lease: Lease) -> None:
        assert self.queue.renew([lease]) == ({lease.id} if self.holds(lease) else set())
        if self.holds(lease):
            self.model[lease.id].silent = False

    @rule(lease=leases, how=st.sampled_from([Status.FINISHED, Status.FAILED]))
    def settle(self, lease: Lease, how: Status) -> None:
        ending = finished(lease) if how is Status.FINISHED else Ending(lease, how, error=ERROR)
        settled = self.queue.settle([ending], [answered(lease)])
        assert settled == ({lease.id} if self.holds(lease) else set())
        if settled:
            self.model[lease.id].status = how
            self.model[lease.id].saved += 1

    @rule(lease=leases, due=st.booleans())
    def retry(self, lease: Lease, *, due: bool) -> None:
        moment = now() if due else now() + timedelta(hours=1)
        settled = self.queue.settle([Ending(lease, Status.QUEUED, error=ERROR, due_at=moment)])
        assert settled == ({lease.id} if self.holds(lease) else set())
        if settled:
            self.model[lease.id].status, self.model[lease.id].due = Status.QUEUED, due

    @rule(lease=consumes(leases))
    def release(self, lease: Lease) -> None:
        self.queue.release([lease])
        if self.holds(lease):
            job = self.model[lease.id]
            job.status, job.attempt, job.due = Status.QUEUED, job.attempt - 1, True

    @rule(lease=leases)
    def cancel(self, lease: Lease) -> None:
        self.cancel_one(lease.id)

    @rule(place=st.integers(0, 50))
    def cancel_any(self, place: int) -> None:
        if self.model:
            self.cancel_one(sorted(self.model)[place % len(self.model)])

    def cancel_one(self, ticket: str) -> None:
        if self.model[ticket].status.final:
            with pytest.raises(Conflict):
                self.queue.cancel(ticket)
        else:
            assert self.queue.cancel(ticket).status is Status.CANCELLED
            self.model[ticket].status = Status.CANCELLED

    @rule(lease=leases)
    def fall_silent(self, lease: Lease) -> None:
        """The lease runs out: nobody renewed it."""
        if self.holds(lease):
            self.change(lease.id, lease_until=now() - timedelta(seconds=1))
            self.model[lease.id].silent = True

    @rule()
    def wait_an_hour(self) -> None:
        """Whatever was to be tried later may be tried now."""
        for ticket, job in self.model.items():
            if job.status is Status.QUEUED and not job.due:
                self.change(ticket, due_at=now())
                job.due = True

    @rule()
    def recover(self) -> None:
        silent = [job for job in self.model.values() if job.status is Status.STARTED and job.silent]
        spent = [job for job in silent if job.attempt >= ATTEMPTS]
        assert self.queue.recover() == len(silent) - len(spent)
        for job in silent:
            job.status, job.due = (Status.FAILED if job in spent else Status.QUEUED), True

    @invariant()
    def both_are_of_one_mind(self) -> None:
        with self.database.read() as connection:
            stored = {job.id: job for job in jobs.newest(connection, 1000)}
        assert {ticket: (job.status, job.attempt) for ticket, job in stored.items()} == {
            ticket: (job.status, job.attempt) for ticket, job in self.model.items()
        }
        for place, ticket in enumerate(sorted(t for t, job in self.model.items() if job.status is Status.QUEUED)):
            assert self.queue.position(stored[ticket]) == place
        saved = history(self.database)
        assert {ticket: saved.count(ticket) for ticket in self.model} == {
            ticket: job.saved for ticket, job in self.model.items()
        }


@pytest.mark.slow
def test_the_queue_is_of_one_mind_with_its_model(sqlite_pattern: Path) -> None:
    class Machine(QueueMachine):
        pattern = sqlite_pattern

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=30, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
