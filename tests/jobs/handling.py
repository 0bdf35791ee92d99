"""Handing jobs in and taking them, as tests of queues do all the time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import replace

from tests.projects import wait_until
from winnow.domain import Job, JobKind, Json, Prediction, Status, new_id, now
from winnow.jobs.queue import LANES, Queue
from winnow.store import Database, jobs, predictions
from winnow.store.jobs import Ending, Lease, NewJob
from winnow.store.predictions import HistoryFilter

LIGHT, TRAINING = LANES
SERVICE = "shop"


def new_job(payload: Json = "text", **changes: object) -> NewJob:
    """A job that was not handed in yet."""
    asked = json.dumps(payload)
    made = NewJob(
        id=new_id(),
        service=SERVICE,
        kind=JobKind.PREDICT,
        payload=payload,
        digest=hashlib.blake2b(asked.encode(), digest_size=16).hexdigest(),
        request_id="request",
        client="127.0.0.1",
        created_at=now(),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def put(queue: Queue, *given: NewJob) -> list[str]:
    """Hand jobs in; returns their tickets."""
    kept = queue.put(given)
    assert all(isinstance(job, Job) for job in kept)
    return [job.id for job in kept if isinstance(job, Job)]


def put_some(queue: Queue, number: int) -> list[str]:
    """Hand so many jobs in together; returns their tickets in order."""
    return put(queue, *(new_job(f"text {place}") for place in range(number)))


def take(
    queue: Queue,
    limit: int = 100,
    worker: str = "worker",
    kinds: Collection[JobKind] = LIGHT,
    service: str = SERVICE,
) -> list[Lease]:
    """What a worker is given now."""
    return queue.lease(worker, kinds, [service], limit)


def take_in_time(queue: Queue, number: int, worker: str = "worker", service: str = SERVICE) -> list[Lease]:
    """So many jobs, as a worker is given them that looks, and recovers what is lost, again and again."""
    taken: list[Lease] = []

    def all_there() -> bool:
        queue.recover()
        taken.extend(take(queue, number - len(taken), worker, service=service))
        return len(taken) == number

    wait_until(all_there, 20)
    return taken


def tickets(leases: Collection[Lease]) -> list[str]:
    return [lease.id for lease in leases]


def finished(lease: Lease, result: Json = "result") -> Ending:
    return Ending(lease, Status.FINISHED, result=result)


def answered(lease: Lease) -> Prediction:
    """What goes into the history with a finished job."""
    return Prediction(
        id=new_id(),
        service=lease.service,
        version=1,
        input="text",
        answer={"label": "good", "scores": {"good": 1.0}},
        latency_ms=1.0,
        request_id=lease.request_id,
        client=lease.client,
        created_at=now(),
        ticket=lease.id,
    )


def job(database: Database, ticket: str) -> Job:
    with database.read() as connection:
        return jobs.get(connection, ticket)


def result(database: Database, ticket: str) -> Json:
    with database.read() as connection:
        return jobs.result(connection, ticket)


def history(database: Database) -> list[str | None]:
    """The tickets of what is in the history."""
    with database.read() as connection:
        return [kept.ticket for kept in predictions.newest(connection, SERVICE, 10_000, HistoryFilter())]
