"""Webhooks: ends of jobs that an address is to be told of. `store.jobs` puts them down where a job ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, select, update

from winnow.domain import Job, now
from winnow.store import jobs
from winnow.store.schema import webhooks


@dataclass(frozen=True, slots=True)
class Delivery:
    """A job whose end is to be told now. `attempt` counts from 1; what is said of an older one changes nothing."""

    job: Job
    attempt: int


def any_due(connection: Connection) -> bool:
    """Whether there is anything to take. Cheap, and in nobody's way."""
    return (
        connection.execute(select(webhooks.c.job_id).where(webhooks.c.due_at <= now()).limit(1)).first() is not None
    )


def take(connection: Connection, limit: int, within: timedelta) -> list[Delivery]:
    """Take deliveries that are due. Those of which nothing is heard within this time are due again."""
    moment = now()
    due = select(webhooks.c.job_id).where(webhooks.c.due_at <= moment).order_by(webhooks.c.due_at).limit(limit)
    chosen = due.with_for_update(skip_locked=True).cte("chosen")
    taken = connection.execute(
        update(webhooks)
        .where(webhooks.c.job_id.in_(select(chosen.c.job_id)))
        .values(attempt=webhooks.c.attempt + 1, due_at=moment + within)
        .returning(webhooks.c.job_id, webhooks.c.attempt)
    )
    attempts = {row.job_id: row.attempt for row in taken}
    return [Delivery(job, attempts[job.id]) for job in jobs.some(connection, attempts)]


def delivered(connection: Connection, delivery: Delivery) -> None:
    """It was told."""
    values = {"due_at": None, "delivered_at": now(), "error": None}
    connection.execute(update(webhooks).where(_same(delivery)).values(values))


def failed(connection: Connection, delivery: Delivery, error: str, due_at: datetime | None) -> None:
    """It was not told; try again then, or, with None, no more."""
    connection.execute(update(webhooks).where(_same(delivery)).values(error=error, due_at=due_at))


def _same(delivery: Delivery) -> ColumnElement[bool]:
    return and_(webhooks.c.job_id == delivery.job.id, webhooks.c.attempt == delivery.attempt)
