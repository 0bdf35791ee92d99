"""The port `Queue`: hands jobs to workers, each to one at a time, and lets nothing be lost.

`SqlQueue` does it with the store alone, `RedisQueue` with Redis beside it. The state of a job, its result and its
fencing token are in the store in either case.

A job is done at least once and saved once: a worker holds it by a lease that it must renew. When the lease has run
out the job goes to another worker, with a new token, and what the first one then says of it changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from winnow.domain import Job, JobKind, Prediction
from winnow.errors import Conflict
from winnow.store.jobs import Ending, Lease, NewJob

LANES: tuple[frozenset[JobKind], ...] = (
    frozenset({JobKind.PREDICT, JobKind.FILE}),
    frozenset({JobKind.TRAIN}),
)
"""Kinds that share a lane, in which jobs are started in order of arrival. Training takes minutes, in a process of
its own, so it holds up nothing but other training."""


def lane_of(kind: JobKind) -> frozenset[JobKind]:
    """The kinds that wait in one line with this one."""
    return next(lane for lane in LANES if kind in lane)


class Queue(Protocol):
    """Every method blocks for as long as the store takes, and may be called from any thread.

    `StoreFailed` where the store, or Redis, does not answer; the job is then as it was before, or the change was
    made and the answer got lost.
    """

    def put(self, jobs: Sequence[NewJob]) -> list[Job | Conflict]:
        """Queue jobs and return once they are committed: each, or the one that has its idempotency key already.

        A `Conflict` stands for a job whose key was used for something else.
        """
        ...

    def lease(self, worker: str, kinds: Collection[JobKind], services: Collection[str], limit: int) -> list[Lease]:
        """Take jobs that are due, oldest first, up to `limit`; none where none waits. Returns at once.

        `kinds` are those of one lane.
        """
        ...

    def renew(self, leases: Collection[Lease]) -> set[str]:
        """Say that their worker lives; returns the tickets whose leases hold. The others are lost."""
        ...

    def settle(self, endings: Sequence[Ending], predictions: Sequence[Prediction] = ()) -> set[str]:
        """End leases; returns the tickets whose leases still held.

        Of those, `predictions` go into the history (each names its ticket), in the same transaction. Nothing is
        kept of the others.
        """
        ...

    def release(self, leases: Collection[Lease]) -> None:
        """Give jobs back that were not done. The attempt does not count, and others may take them at once."""
        ...

    def recover(self) -> int:
        """Queue the jobs again whose lease has run out; those that had all their attempts have failed.

        Returns how many were queued. Workers call it on a timer, whether or not there is work.
        """
        ...

    def cancel(self, ticket: str) -> Job:
        """End a job, whoever holds it; `Conflict` where it has ended, `NotFound` for an unknown ticket."""
        ...

    def position(self, job: Job) -> int:
        """How many jobs will be started before this one."""
        ...
