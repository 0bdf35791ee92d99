"""How many jobs wait, are worked on or were done: what positions, estimates and metrics are made of."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, and_, func, or_, select

from winnow.domain import Job, JobKind, Status, now
from winnow.store.jobs import in_state
from winnow.store.schema import jobs

_PACE_WINDOW = timedelta(minutes=1)
_PACE_JOBS = 200


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many jobs of one service and kind wait, and which of them has waited longest."""

    service: str
    kind: JobKind
    jobs: int
    oldest: str


def ahead(connection: Connection, job: Job, kinds: Collection[JobKind]) -> int:
    """How many jobs of these kinds are queued before this one."""
    before = and_(in_state(Status.QUEUED), jobs.c.kind.in_(sorted(kinds)), jobs.c.id < job.id)
    return int(connection.scalar(select(func.count()).select_from(jobs).where(before)) or 0)


def queued(connection: Connection) -> int:
    """How many jobs wait."""
    return int(connection.scalar(select(func.count()).select_from(jobs).where(in_state(Status.QUEUED))) or 0)


def due(connection: Connection) -> dict[tuple[str, JobKind], int]:
    """How many jobs wait and may be started now, by service and kind; nothing where there is none."""
    counted = select(jobs.c.service, jobs.c.kind, func.count()).where(
        in_state(Status.QUEUED), jobs.c.due_at <= now()
    )
    rows = connection.execute(counted.group_by(jobs.c.service, jobs.c.kind))
    return {(service, JobKind(kind)): count for service, kind, count in rows}


def backlog(connection: Connection) -> list[Backlog]:
    """What waits, by service and kind."""
    query = select(jobs.c.service, jobs.c.kind, func.count(), func.min(jobs.c.id))
    rows = connection.execute(query.where(in_state(Status.QUEUED)).group_by(jobs.c.service, jobs.c.kind))
    return [Backlog(service, JobKind(kind), count, oldest) for service, kind, count, oldest in rows]


def due_since(connection: Connection) -> datetime | None:
    """Since when the job that has waited longest could have been started; None where none waits.

    While a training is under way, others are not late: a worker does one at a time, and each takes its time.
    """
    training = jobs.c.kind == JobKind.TRAIN
    under_way = select(jobs.c.id).where(in_state(Status.STARTED), training).exists()
    late = and_(in_state(Status.QUEUED), jobs.c.due_at <= now(), or_(~training, ~under_way))
    earliest: datetime | None = connection.scalar(select(func.min(jobs.c.due_at)).where(late))
    return earliest


def tally(connection: Connection, since: datetime) -> dict[str, dict[Status, int]]:
    """How many jobs of each service wait, are worked on, or have failed since then; nothing of other services."""
    failed = and_(in_state(Status.FAILED), jobs.c.finished_at > since)
    tallied: dict[str, dict[Status, int]] = {}
    for status, which in (
        (Status.QUEUED, in_state(Status.QUEUED)),
        (Status.STARTED, in_state(Status.STARTED)),
        (Status.FAILED, failed),
    ):
        counted = select(jobs.c.service, func.count()).where(which).group_by(jobs.c.service)
        for service, count in connection.execute(counted):
            tallied.setdefault(service, {})[status] = count
    return tallied


def pace(connection: Connection, kinds: Collection[JobKind]) -> float | None:
    """Jobs of these kinds that were done in a second, lately and while there was work; None where none was."""
    lately = and_(
        jobs.c.finished_at > now() - _PACE_WINDOW, jobs.c.started_at.is_not(None), jobs.c.kind.in_(sorted(kinds))
    )
    spans = select(jobs.c.started_at, jobs.c.finished_at).where(lately)
    rows = connection.execute(spans.order_by(jobs.c.finished_at.desc()).limit(_PACE_JOBS)).all()
    return len(rows) / max(_covered(rows), 0.001) if rows else None


def _covered(spans: Iterable[Sequence[datetime]]) -> float:
    """How many seconds lie within at least one of these spans of time."""
    covered, reached = timedelta(), datetime.min.replace(tzinfo=UTC)
    for began, ended in sorted(tuple(span) for span in spans):
        covered += max(ended - max(began, reached), timedelta())
        reached = max(reached, ended)
    return covered.total_seconds()
