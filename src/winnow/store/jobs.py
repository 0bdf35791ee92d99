"""Jobs: work that was accepted for later, and who holds it.

A worker holds a job by a lease: a moment until which it must have said that it lives, and a token that changes with
every lease. Whatever ends or extends a lease names its token, so a worker that lost its lease changes nothing.

Groups are written by one statement with one parameter, as in `predictions.append`. Whoever changes several jobs
locks them in order of arrival, or passes over those that are locked: nobody waits in a circle.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from secrets import randbelow
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    and_,
    delete,
    insert,
    literal_column,
    select,
    update,
)

from winnow.domain import Job, JobKind, Json, Status, now
from winnow.errors import Conflict, NotFound
from winnow.store import blobs
from winnow.store.job_statements import putting, settling
from winnow.store.listed import listed
from winnow.store.schema import job_files, jobs, webhooks

FINAL = (Status.FINISHED, Status.FAILED, Status.CANCELLED)
_COLUMNS = [jobs.c[name] for name in Job.__dataclass_fields__]


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job as it is handed in. `digest` is of what was asked: one idempotency key cannot mean two things.

    `blobs` are the bytes of files that the payload names by their reference.
    """

    id: str
    service: str
    kind: JobKind
    payload: Json
    digest: str
    request_id: str
    client: str
    created_at: datetime
    idempotency_key: str | None = None
    webhook: str | None = None
    blobs: Sequence[bytes] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Lease:
    """A job in the hands of a worker. What is done with it counts as long as the token is the job's newest."""

    id: str
    service: str
    kind: JobKind
    payload: Json
    token: int
    attempt: int
    progress: Mapping[str, Any] | None
    request_id: str
    client: str


@dataclass(frozen=True, slots=True)
class Ending:
    """How a lease ends: finished with a result, failed for good, or queued again until `due_at`."""

    lease: Lease
    status: Status
    result: Json = None
    error: Mapping[str, Any] | None = None
    due_at: datetime | None = None

    def waits(self, moment: datetime) -> bool:
        """Whether the job may be started again at this moment."""
        return self.status is Status.QUEUED and (self.due_at is None or self.due_at <= moment)


def put(connection: Connection, given: Sequence[NewJob]) -> list[Job | Conflict]:
    """Queue jobs, in one statement; returns each, or the one that has its idempotency key already.

    A `Conflict` stands for a job whose key was used for something else: that one is not queued.
    """
    values = [
        (job.id, job.service, job.kind, _json(job.payload), job.digest, job.request_id, job.client,
         job.idempotency_key, job.webhook, _stored(job.created_at))
        # whoever else is adding some of these keys adds them in this order too
        for job in sorted(given, key=lambda job: job.idempotency_key or "")
    ]  # fmt: skip
    added = set(connection.execute(putting(connection), {"rows": _json(values)}).scalars())
    blobs.keep(connection, [(job.id, content) for job in given if job.id in added for content in job.blobs])
    return [_queued(job) if job.id in added else _same(connection, job) for job in given]


def _queued(job: NewJob) -> Job:
    return Job(job.id, job.service, job.kind, Status.QUEUED, 0, job.created_at, webhook=job.webhook)


def _same(connection: Connection, job: NewJob) -> Job | Conflict:
    """The job that was queued under the same key before."""
    key = and_(jobs.c.service == job.service, jobs.c.idempotency_key == job.idempotency_key)
    row = connection.execute(select(*_COLUMNS, jobs.c.digest).where(key)).mappings().one()
    if row["digest"] != job.digest:
        return Conflict(
            f"the idempotency key '{job.idempotency_key}' was used for something else, which has the ticket "
            f"'{row['id']}'"
        )
    return _job(row)


def waits(connection: Connection, kinds: Collection[JobKind], services: Collection[str]) -> bool:
    """Whether there is anything to lease. Cheap, and in nobody's way."""
    return connection.execute(_leasable(connection, kinds, services).limit(1)).first() is not None


def lease(
    connection: Connection,
    worker: str,
    kinds: Collection[JobKind],
    services: Collection[str],
    limit: int,
    seconds: float,
) -> list[Lease]:
    """Take the oldest jobs that are due, up to `limit`, in order of arrival."""
    chosen = _leasable(connection, kinds, services).limit(limit).with_for_update(skip_locked=True)
    return _take(connection, worker, chosen, seconds)


def lease_these(connection: Connection, worker: str, ids: Collection[str], seconds: float) -> list[Lease]:
    """Take those of these jobs that are queued and due, in order of arrival."""
    due = and_(jobs.c.id.in_(listed(connection, ids)), in_state(Status.QUEUED), jobs.c.due_at <= now())
    return _take(connection, worker, select(jobs.c.id).where(due).with_for_update(skip_locked=True), seconds)


def _leasable(connection: Connection, kinds: Collection[JobKind], services: Collection[str]) -> Select[Any]:
    service: ColumnElement[str] = jobs.c.service
    if connection.dialect.name == "sqlite":
        service = service.concat("")  # or else it would go through all jobs of the service, most of them finished
    due = and_(
        in_state(Status.QUEUED),
        jobs.c.kind.in_(sorted(kinds)),
        service.in_(sorted(services)),
        jobs.c.due_at <= now(),
    )
    return select(jobs.c.id).where(due).order_by(jobs.c.id)


def _take(connection: Connection, worker: str, chosen: Select[Any], seconds: float) -> list[Lease]:
    moment = now()
    values = {
        "status": Status.STARTED,
        # Drawn, not counted: a database that forgets a lease when its machine fails must not give its token again.
        "token": randbelow(2**31 - 1) + 1,
        "attempt": jobs.c.attempt + 1,
        "worker": worker,
        "started_at": moment,
        "lease_until": moment + timedelta(seconds=seconds),
    }
    columns = [jobs.c[name] for name in Lease.__dataclass_fields__]
    # As a common table expression it is looked up once; within IN, PostgreSQL may lock more than the limit.
    oldest = chosen.cte("oldest")
    taken = connection.execute(
        update(jobs).where(jobs.c.id.in_(select(oldest.c.id))).values(values).returning(*columns)
    ).mappings()
    leases = [Lease(**{**row, "kind": JobKind(row["kind"])}) for row in taken]
    return sorted(leases, key=lambda lease: lease.id)


def _held(connection: Connection, leases: Iterable[Lease]) -> set[str]:
    """The tickets of those leases that still hold. Nobody else changes them before this transaction ends."""
    tokens = {lease.id: lease.token for lease in leases}
    started = and_(jobs.c.id.in_(listed(connection, tokens)), in_state(Status.STARTED))
    query = select(jobs.c.id, jobs.c.token).where(started).order_by(jobs.c.id).with_for_update()
    return {row.id for row in connection.execute(query) if row.token == tokens[row.id]}


def renew(connection: Connection, leases: Collection[Lease], seconds: float) -> set[str]:
    """Extend leases; returns the tickets of those that still hold."""
    held = _held(connection, leases)
    until = now() + timedelta(seconds=seconds)
    connection.execute(update(jobs).where(jobs.c.id.in_(listed(connection, held))).values(lease_until=until))
    return held


def settle(connection: Connection, endings: Sequence[Ending], keep_for: timedelta) -> set[str]:
    """End leases, in one statement; returns the tickets of those that still held. Nothing of the others changes."""
    held = _held(connection, [ending.lease for ending in endings])
    moment = now()
    ended, expires = _stored(moment), _stored(moment + keep_for)
    values = [
        (ending.lease.id, ending.status, _json(ending.result), _json(ending.error),
         None if ending.due_at is None else _stored(ending.due_at),
         ended if ending.status.final else None, expires if ending.status.final else None)
        for ending in endings if ending.lease.id in held
    ]  # fmt: skip
    if values:
        connection.execute(settling(connection), {"rows": _json(values)})
    _announce(connection, held & {ending.lease.id for ending in endings if ending.status.final})
    return held


def release(connection: Connection, leases: Collection[Lease]) -> set[str]:
    """Give jobs back unharmed, as a worker does that is asked to stop: the attempt does not count.

    Returns the tickets of those whose leases still held.
    """
    held = _held(connection, leases)
    values = {"status": Status.QUEUED, "attempt": jobs.c.attempt - 1, "lease_until": None, "due_at": now()}
    connection.execute(update(jobs).where(jobs.c.id.in_(listed(connection, held))).values(values))
    return held


def tell(connection: Connection, lease: Lease, progress: Mapping[str, Any]) -> bool:
    """Say how far a job is; False where the lease is lost, so that nothing of it may be kept."""
    mine = and_(jobs.c.id == lease.id, jobs.c.token == lease.token, in_state(Status.STARTED))
    return connection.execute(update(jobs).where(mine).values(progress=dict(progress))).rowcount == 1


def any_silent(connection: Connection) -> bool:
    """Whether there is anything to recover. Cheap, and in nobody's way."""
    return connection.execute(_silent().limit(1)).first() is not None


def _silent() -> Select[Any]:
    return select(jobs.c.id, jobs.c.attempt).where(in_state(Status.STARTED), jobs.c.lease_until < now())


def recover(connection: Connection, attempts: int, keep_for: timedelta) -> list[str]:
    """Queue the jobs again whose lease has run out, and fail those that had all their attempts.

    Returns the tickets of the queued ones, in order of arrival.
    """
    # what is being changed at this moment is not silent
    rows = connection.execute(_silent().with_for_update(skip_locked=True)).all()
    spent = {row.id for row in rows if row.attempt >= attempts}
    detail = f"its worker fell silent in each of {attempts} attempts"
    _end(connection, spent, Status.FAILED, {"kind": "worker-lost", "detail": detail}, keep_for)
    others = {row.id for row in rows} - spent
    if others:
        values = {"status": Status.QUEUED, "lease_until": None, "due_at": now()}
        connection.execute(update(jobs).where(jobs.c.id.in_(listed(connection, others))).values(values))
    return sorted(others)


def cancel(connection: Connection, ticket: str, keep_for: timedelta) -> Job:
    """Cancel a job; `Conflict` where it has ended. Nothing that a worker does for it counts any more."""
    going = and_(jobs.c.id == ticket, jobs.c.status.not_in(FINAL))
    if connection.execute(select(jobs.c.id).where(going).with_for_update()).first() is None:
        job = get(connection, ticket)
        raise Conflict(f"job '{ticket}' has ended already: it is {job.status}")
    _end(connection, {ticket}, Status.CANCELLED, {"kind": "cancelled", "detail": "cancelled by a person"}, keep_for)
    return get(connection, ticket)


def _end(
    connection: Connection,
    tickets: Collection[str],
    status: Status,
    error: Mapping[str, Any],
    keep_for: timedelta,
) -> None:
    """End jobs, which this transaction has locked, without a result."""
    if not tickets:
        return
    moment = now()
    values = {
        "status": status,
        "error": error,
        "finished_at": moment,
        "expires_at": moment + keep_for,
        "lease_until": None,
    }
    connection.execute(update(jobs).where(jobs.c.id.in_(listed(connection, tickets))).values(values))
    _announce(connection, tickets)


def _announce(connection: Connection, ended: Collection[str]) -> None:
    """Put down who is to be told of these ends."""
    if not ended:
        return
    asked = and_(jobs.c.id.in_(listed(connection, ended)), jobs.c.webhook.is_not(None))
    tickets = connection.scalars(select(jobs.c.id).where(asked)).all()
    if tickets:
        connection.execute(insert(webhooks), [{"job_id": ticket, "due_at": now()} for ticket in tickets])


def get(connection: Connection, ticket: str) -> Job:
    """One job; `NotFound` otherwise."""
    row = connection.execute(select(*_COLUMNS).where(jobs.c.id == ticket)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no job with the ticket '{ticket}'")
    return _job(row)


def some(connection: Connection, tickets: Collection[str]) -> list[Job]:
    """Those of these jobs that there are, in order of arrival."""
    query = select(*_COLUMNS).where(jobs.c.id.in_(listed(connection, tickets))).order_by(jobs.c.id)
    return [_job(row) for row in connection.execute(query).mappings()]


def result(connection: Connection, ticket: str) -> Json:
    """What a finished job found; None where it is not finished, or pruned."""
    return connection.scalar(select(jobs.c.result).where(jobs.c.id == ticket))


def newest(
    connection: Connection,
    limit: int,
    *,
    service: str | None = None,
    status: Status | None = None,
    kind: JobKind | None = None,
    before: str | None = None,
) -> list[Job]:
    """The newest jobs first; `before` is the last ticket of the page before."""
    query = select(*_COLUMNS).order_by(jobs.c.id.desc()).limit(limit)
    if status is not None:
        query = query.where(in_state(status))
    for column, value in ((jobs.c.service, service), (jobs.c.kind, kind)):
        if value is not None:
            query = query.where(column == value)
    if before is not None:
        query = query.where(jobs.c.id < before)
    return [_job(row) for row in connection.execute(query).mappings()]


def first(connection: Connection, service: str, kinds: Collection[JobKind], limit: int) -> list[str]:
    """The tickets of the oldest jobs that may be started now."""
    return list(connection.scalars(_leasable(connection, kinds, [service]).limit(limit)))


def prune(connection: Connection, limit: int) -> int:
    """Forget payloads, results and files of jobs that have expired; returns how many, up to `limit`.

    The job itself stays, so that its ticket is known to have expired.
    """
    spent = and_(jobs.c.expires_at < now(), jobs.c.payload.is_not(None))
    chosen = select(jobs.c.id).where(spent).limit(limit).with_for_update(skip_locked=True)
    tickets = connection.scalars(chosen).all()
    _forget_files(connection, tickets)
    which = jobs.c.id.in_(listed(connection, tickets))
    connection.execute(update(jobs).where(which).values(payload=None, result=None, progress=None))
    return len(tickets)


def forget(connection: Connection, older_than: timedelta, limit: int) -> int:
    """Forget pruned jobs that expired so long ago; returns how many, up to `limit`."""
    old = and_(jobs.c.expires_at < now() - older_than, jobs.c.payload.is_(None))
    chosen = select(jobs.c.id).where(old).limit(limit).with_for_update(skip_locked=True)
    tickets = connection.scalars(chosen).all()
    return connection.execute(delete(jobs).where(jobs.c.id.in_(listed(connection, tickets)))).rowcount


def _forget_files(connection: Connection, tickets: Collection[str]) -> None:
    connection.execute(delete(job_files).where(job_files.c.job_id.in_(listed(connection, tickets))))
    blobs.release(connection, tickets)


def _job(row: RowMapping) -> Job:
    values = {name: row[name] for name in Job.__dataclass_fields__}
    return Job(**{**values, "kind": JobKind(values["kind"]), "status": Status(values["status"])})


def in_state(status: Status) -> ColumnElement[bool]:
    """Written out, not as a parameter: only so are the partial indexes used."""
    return jobs.c.status == literal_column(f"'{status}'")


def _stored(moment: datetime) -> str:
    """A moment with its zone, as PostgreSQL reads it. SQLite keeps its first 26 characters, which are in UTC."""
    return moment.astimezone(UTC).isoformat(" ", "microseconds")


def _json(value: Json) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, allow_nan=False)
