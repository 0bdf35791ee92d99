"""What speaks for training a service again: what was added since it was trained last, and what is under way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, func, select

from winnow.domain import JobKind, Status
from winnow.store.jobs import in_state
from winnow.store.runs import ACTIVE
from winnow.store.schema import batches, jobs, runs


@dataclass(frozen=True, slots=True)
class Situation:
    """How things stand with a service.

    `snapshot` is the newest that a run of it learned from, 0 where none did; `added` how many examples were
    accepted since, and `added_since` when the first of them came, None where there are none. `trained_at` is when
    the newest run was begun, however it ended. `under_way`: a run, or a job that trains, has not ended.
    """

    snapshot: int
    added: int
    added_since: datetime | None
    trained_at: datetime | None
    under_way: bool


def situation(connection: Connection, service: str) -> Situation:
    """How things stand with a service now. Counts batches, not examples: it takes no time."""
    snapshot = connection.scalar(select(func.max(runs.c.snapshot)).where(runs.c.service == service)) or 0
    newer = and_(batches.c.service == service, batches.c.number > snapshot)
    grown = select(func.coalesce(func.sum(batches.c.rows), 0), func.min(batches.c.created_at)).where(newer)
    added, added_since = connection.execute(grown).one()
    newest = (
        select(runs.c.created_at, runs.c.status)
        .where(runs.c.service == service)
        .order_by(runs.c.id.desc())
        .limit(1)
    )
    last = connection.execute(newest).one_or_none()
    running = last is not None and last.status in ACTIVE
    return Situation(
        snapshot=snapshot,
        added=int(added),
        added_since=added_since,
        trained_at=None if last is None else last.created_at,
        under_way=running or _job_waits(connection, service),
    )


def _job_waits(connection: Connection, service: str) -> bool:
    """Whether a job that trains the service waits or is worked on. Each state has an index of its own."""
    mine = and_(jobs.c.service == service, jobs.c.kind == JobKind.TRAIN)
    return any(
        connection.execute(select(jobs.c.id).where(in_state(status), mine).limit(1)).first() is not None
        for status in (Status.QUEUED, Status.STARTED)
    )
