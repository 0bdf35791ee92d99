"""A queue in the store alone: SQLite for one machine, PostgreSQL for several."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from winnow.domain import Job, JobKind, Prediction, now
from winnow.errors import Conflict
from winnow.jobs.bells import NEWS, WORK, Bells
from winnow.jobs.queue import lane_of
from winnow.settings import Settings
from winnow.store import Database, job_counts, jobs, predictions
from winnow.store.jobs import Ending, Lease, NewJob


@dataclass(frozen=True, slots=True)
class Terms:
    """How leases are given: for how many seconds, how often for one job, and for how long its result is kept."""

    lease_seconds: float
    attempts: int
    keep_for: timedelta

    @classmethod
    def of(cls, settings: Settings) -> Terms:
        """As the settings say."""
        return cls(settings.lease_seconds, settings.attempts, timedelta(hours=settings.keep_results_hours))


class Waiting(Protocol):
    """A job that waits, as far as handing it out goes."""

    @property
    def id(self) -> str:
        """Its ticket."""
        ...

    @property
    def service(self) -> str:
        """Whose it is."""
        ...

    @property
    def kind(self) -> JobKind:
        """What is to be done."""
        ...


class SqlQueue:
    """Jobs are claimed by updating their rows. On PostgreSQL, rows that others are claiming are passed over."""

    def __init__(self, database: Database, terms: Terms, bells: Bells) -> None:
        self._database = database
        self._terms = terms
        self._bells = bells

    def put(self, given: Sequence[NewJob]) -> list[Job | Conflict]:
        """Insert them all in one transaction."""
        with self._database.write() as connection:
            put = jobs.put(connection, given)
            self._bells.ring_within(connection, WORK)
        self._offer(
            [job for job, kept in zip(given, put, strict=True) if isinstance(kept, Job) and kept.id == job.id]
        )
        return put

    def lease(self, worker: str, kinds: Collection[JobKind], services: Collection[str], limit: int) -> list[Lease]:
        """Claim. On SQLite, where a writer is in the way of all others, look first whether there is anything."""
        if self._database.embedded:
            with self._database.read() as connection:
                if not jobs.waits(connection, kinds, services):
                    return []
        with self._database.write(lasting=False) as connection:
            return jobs.lease(connection, worker, kinds, services, limit, self._terms.lease_seconds)

    def renew(self, leases: Collection[Lease]) -> set[str]:
        """Move the ends of leases on."""
        with self._database.write() as connection:
            return jobs.renew(connection, leases, self._terms.lease_seconds)

    def settle(self, endings: Sequence[Ending], kept: Sequence[Prediction] = ()) -> set[str]:
        """Jobs, history and webhooks in one transaction."""
        with self._database.write() as connection:
            settled = jobs.settle(connection, endings, self._terms.keep_for)
            mine = [prediction for prediction in kept if prediction.ticket in settled]
            if mine:
                predictions.append(connection, mine)
            self._bells.ring_within(connection, NEWS)
        self._bells.ring(NEWS)
        moment = now()
        if due := [ending.lease for ending in endings if ending.lease.id in settled and ending.waits(moment)]:
            self._offer(due, again=True)
        return settled

    def release(self, leases: Collection[Lease]) -> None:
        """Queue them as if they had never been taken."""
        with self._database.write() as connection:
            released = jobs.release(connection, leases)
            self._bells.ring_within(connection, WORK)
        self._offer([lease for lease in leases if lease.id in released], again=True)

    def recover(self) -> int:
        """Queue again, or fail, what has a lease that ran out. Look first, as `lease` does."""
        with self._database.read() as connection:
            if not jobs.any_silent(connection):
                return 0
        with self._database.write() as connection:
            tickets = jobs.recover(connection, self._terms.attempts, self._terms.keep_for)
            recovered = jobs.some(connection, tickets)
            for name in (WORK, NEWS):  # some are queued, and some have failed
                self._bells.ring_within(connection, name)
        self._offer(recovered, again=True)
        self._bells.ring(NEWS)
        return len(recovered)

    def cancel(self, ticket: str) -> Job:
        """Take it out of everybody's hands."""
        with self._database.write() as connection:
            cancelled = jobs.cancel(connection, ticket, self._terms.keep_for)
            self._bells.ring_within(connection, NEWS)
        self._bells.ring(NEWS)
        return cancelled

    def position(self, job: Job) -> int:
        """Count what was queued before."""
        with self._database.read() as connection:
            return job_counts.ahead(connection, job, lane_of(job.kind))

    def _offer(self, waiting: Sequence[Waiting], *, again: bool = False) -> None:  # noqa: ARG002
        """These jobs wait, which is committed: let workers know. Those that waited before go before the others."""
        self._bells.ring(WORK)
