"""Jobs: work that was accepted for later, and who holds it.

A worker holds a job by a lease: a moment until which it must have said that it lives, and a token that changes with
every lease. Whatever ends or extends a lease names its token, so a worker that lost its lease changes nothing.

Groups are written by one statement with one parameter, as in `predictions.append`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, and_, delete, func, insert, select, text, update

from winnow.domain import Job, JobKind, Json, Status, now
from winnow.errors import Conflict, NotFound
from winnow.store import blobs
from winnow.store.listed import listed
from winnow.store.schema import job_files, jobs, webhooks

FINAL = (Status.FINISHED, Status.FAILED, Status.CANCELLED)
_COLUMNS = [jobs.c[name] for name in Job.__dataclass_fields__]
_PACE_WINDOW = timedelta(minutes=1)


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


_PUT = (
    "INSERT INTO jobs (id, service, kind, payload, digest, request_id, client, idempotency_key, webhook, "
    "created_at, due_at, status) SELECT {id}, {service}, {kind}, {payload}, {digest}, {request_id}, {client}, "
    "{key}, {webhook}, {moment}, {moment}, 'queued' FROM {rows} WHERE true ON CONFLICT DO NOTHING RETURNING id"
)
_PUT_SQLITE = text(
    _PUT.format(
        rows="json_each(:rows)",
        moment="substr(json_extract(value, '$[9]'), 1, 26)",
        **{
            name: f"json_extract(value, '$[{place}]')"
            for place, name in enumerate(
                ("id", "service", "kind", "payload", "digest", "request_id", "client", "key", "webhook")
            )
        },
    )
)
_PUT_POSTGRESQL = text(
    _PUT.format(
        rows="json_array_elements(CAST(:rows AS json)) AS given(value)",
        id="value ->> 0",
        service="value ->> 1",
        kind="value ->> 2",
        payload="value -> 3",
        digest="value ->> 4",
        request_id="value ->> 5",
        client="value ->> 6",
        key="value ->> 7",
        webhook="value ->> 8",
        moment="(value ->> 9)::timestamptz",
    )
)

_SETTLE = (
    "UPDATE jobs SET status = {status}, result = {result}, error = {error}, due_at = coalesce({due}, due_at), "
    "finished_at = {finished}, expires_at = {expires}, lease_until = NULL FROM {rows} "
    "WHERE jobs.id = {id} AND jobs.token = {fence} AND jobs.status = 'started' RETURNING jobs.id"
)
_SETTLE_SQLITE = text(
    _SETTLE.format(
        rows="json_each(:rows)",
        id="json_extract(value, '$[0]')",
        fence="json_extract(value, '$[1]')",
        status="json_extract(value, '$[2]')",
        result="json_extract(value, '$[3]')",
        error="json_extract(value, '$[4]')",
        due="substr(json_extract(value, '$[5]'), 1, 26)",
        finished="substr(json_extract(value, '$[6]'), 1, 26)",
        expires="substr(json_extract(value, '$[7]'), 1, 26)",
    )
)
_SETTLE_POSTGRESQL = text(
    _SETTLE.format(
        rows="json_array_elements(CAST(:rows AS json)) AS given(value)",
        id="value ->> 0",
        fence="(value ->> 1)::int",
        status="value ->> 2",
        result="(value ->> 3)::json",
        error="(value ->> 4)::json",
        due="(value ->> 5)::timestamptz",
        finished="(value ->> 6)::timestamptz",
        expires="(value ->> 7)::timestamptz",
    )
)


def put(connection: Connection, given: Sequence[NewJob]) -> list[Job | Conflict]:
    """Queue jobs, in one statement; returns each, or the one that has its idempotency key already.

    A `Conflict` stands for a job whose key was used for something else: that one is not queued.
    """
    values = [
        (job.id, job.service, job.kind, job.payload, job.digest, job.request_id, job.client, job.idempotency_key,
         job.webhook, _stored(job.created_at))
        for job in given
    ]  # fmt: skip
    statement = _PUT_SQLITE if connection.dialect.name == "sqlite" else _PUT_POSTGRESQL
    added = set(connection.execute(statement, {"rows": _json(values)}).scalars())
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
    found = connection.execute(_leasable(kinds, services).limit(1))
    return found.first() is not None


def lease(
    connection: Connection,
    worker: str,
    kinds: Collection[JobKind],
    services: Collection[str],
    limit: int,
    seconds: float,
) -> list[Lease]:
    """Take the oldest jobs that are due, up to `limit`, in order of arrival."""
    chosen = _leasable(kinds, services).order_by(jobs.c.id).limit(limit).with_for_update(skip_locked=True)
    return _take(connection, worker, chosen, seconds)


def lease_these(connection: Connection, worker: str, ids: Collection[str], seconds: float) -> list[Lease]:
    """Take those of these jobs that are queued and due, in order of arrival."""
    due = and_(jobs.c.id.in_(listed(connection, ids)), jobs.c.status == Status.QUEUED, jobs.c.due_at <= now())
    return _take(connection, worker, select(jobs.c.id).where(due).with_for_update(skip_locked=True), seconds)


def _leasable(kinds: Collection[JobKind], services: Collection[str]) -> Select[Any]:
    return select(jobs.c.id).where(
        # written out, not as a parameter: only so is the partial index used
        text("jobs.status = 'queued'"),
        jobs.c.kind.in_(sorted(kinds)),
        jobs.c.service.in_(sorted(services)),
        jobs.c.due_at <= now(),
    )


def _take(connection: Connection, worker: str, chosen: Select[Any], seconds: float) -> list[Lease]:
    moment = now()
    values = {
        "status": Status.STARTED,
        "token": jobs.c.token + 1,
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


def renew(connection: Connection, leases: Collection[Lease], seconds: float) -> set[str]:
    """Extend leases; returns the tickets of those that still hold."""
    tokens = {lease.id: lease.token for lease in leases}
    held = and_(jobs.c.id.in_(listed(connection, tokens)), jobs.c.status == Status.STARTED)
    rows = connection.execute(select(jobs.c.id, jobs.c.token).where(held).with_for_update())
    mine = {row.id for row in rows if row.token == tokens[row.id]}
    until = now() + timedelta(seconds=seconds)
    connection.execute(update(jobs).where(jobs.c.id.in_(listed(connection, mine))).values(lease_until=until))
    return mine


def settle(connection: Connection, endings: Sequence[Ending], keep_for: timedelta) -> set[str]:
    """End leases, in one statement; returns the tickets of those that still held. Nothing of the others changes."""
    moment = now()
    ended, expires = _stored(moment), _stored(moment + keep_for)
    values = []
    for ending in endings:
        final = ending.status in FINAL
        values.append(
            (ending.lease.id, ending.lease.token, ending.status, ending.result, ending.error,
             None if ending.due_at is None else _stored(ending.due_at),
             ended if final else None, expires if final else None)
        )  # fmt: skip
    statement = _SETTLE_SQLITE if connection.dialect.name == "sqlite" else _SETTLE_POSTGRESQL
    settled = set(connection.execute(statement, {"rows": _json(values)}).scalars())
    _announce(connection, settled & {ending.lease.id for ending in endings if ending.status in FINAL})
    return settled


def release(connection: Connection, leases: Collection[Lease]) -> None:
    """Give jobs back unharmed, as a worker does that is asked to stop: the attempt does not count."""
    for lease in leases:
        mine = and_(jobs.c.id == lease.id, jobs.c.token == lease.token, jobs.c.status == Status.STARTED)
        values = {"status": Status.QUEUED, "attempt": jobs.c.attempt - 1, "lease_until": None, "due_at": now()}
        connection.execute(update(jobs).where(mine).values(values))


def tell(connection: Connection, lease: Lease, progress: Mapping[str, Any]) -> bool:
    """Say how far a job is; False where the lease is lost, so that nothing of it may be kept."""
    mine = and_(jobs.c.id == lease.id, jobs.c.token == lease.token, jobs.c.status == Status.STARTED)
    return connection.execute(update(jobs).where(mine).values(progress=dict(progress))).rowcount == 1


def recover(connection: Connection, attempts: int, keep_for: timedelta) -> list[str]:
    """Queue the jobs again whose lease has run out, and fail those that had all their attempts.

    Returns the tickets of the queued ones, in order of arrival.
    """
    moment = now()
    silent = and_(text("jobs.status = 'started'"), jobs.c.lease_until < moment)
    if connection.execute(select(jobs.c.id).where(silent).limit(1)).first() is None:
        return []
    error = {"kind": "worker-lost", "detail": f"its worker fell silent in each of {attempts} attempts"}
    failed = connection.scalars(
        update(jobs)
        .where(silent, jobs.c.attempt >= attempts)
        .values(
            status=Status.FAILED, error=error, finished_at=moment, expires_at=moment + keep_for, lease_until=None
        )
        .returning(jobs.c.id)
    ).all()
    _announce(connection, failed)
    queued = update(jobs).where(silent).values(status=Status.QUEUED, lease_until=None, due_at=moment)
    return sorted(connection.scalars(queued.returning(jobs.c.id)))


def cancel(connection: Connection, ticket: str, keep_for: timedelta) -> Job:
    """Cancel a job; `Conflict` where it has ended. Nothing that a worker does for it counts any more."""
    moment = now()
    error = {"kind": "cancelled", "detail": "cancelled by a person"}
    values = {
        "status": Status.CANCELLED,
        "error": error,
        "finished_at": moment,
        "expires_at": moment + keep_for,
        "lease_until": None,
    }
    going = and_(jobs.c.id == ticket, jobs.c.status.not_in(FINAL))
    if connection.execute(update(jobs).where(going).values(values)).rowcount == 0:
        job = get(connection, ticket)
        raise Conflict(f"job '{ticket}' has ended already: it is {job.status}")
    _announce(connection, [ticket])
    return get(connection, ticket)


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
    """Those of these jobs that there are."""
    rows = connection.execute(select(*_COLUMNS).where(jobs.c.id.in_(listed(connection, tickets)))).mappings()
    return [_job(row) for row in rows]


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
    for column, value in ((jobs.c.service, service), (jobs.c.status, status), (jobs.c.kind, kind)):
        if value is not None:
            query = query.where(column == value)
    if before is not None:
        query = query.where(jobs.c.id < before)
    return [_job(row) for row in connection.execute(query).mappings()]


def ahead(connection: Connection, job: Job, kinds: Collection[JobKind]) -> int:
    """How many jobs of these kinds are queued before this one."""
    before = and_(text("jobs.status = 'queued'"), jobs.c.kind.in_(sorted(kinds)), jobs.c.id < job.id)
    return int(connection.scalar(select(func.count()).select_from(jobs).where(before)) or 0)


def queued(connection: Connection) -> int:
    """How many jobs wait."""
    return int(connection.scalar(select(func.count()).select_from(jobs).where(text("jobs.status = 'queued'"))) or 0)


def pace(connection: Connection, kinds: Collection[JobKind]) -> float | None:
    """Jobs of these kinds that were finished in a second, lately and while there was work; None where none was."""
    moment = now()
    lately = and_(
        jobs.c.finished_at > moment - _PACE_WINDOW, jobs.c.started_at.is_not(None), jobs.c.kind.in_(sorted(kinds))
    )
    count, began = connection.execute(select(func.count(), func.min(jobs.c.started_at)).where(lately)).one()
    return None if not count else int(count) / max((moment - began).total_seconds(), 0.001)


def prune(connection: Connection, limit: int) -> int:
    """Forget payloads, results and files of jobs that have expired; returns how many, up to `limit`.

    The job itself stays, so that its ticket is known to have expired.
    """
    spent = and_(jobs.c.expires_at < now(), jobs.c.payload.is_not(None))
    tickets = connection.scalars(select(jobs.c.id).where(spent).limit(limit)).all()
    _forget_files(connection, tickets)
    which = jobs.c.id.in_(listed(connection, tickets))
    connection.execute(update(jobs).where(which).values(payload=None, result=None, progress=None))
    return len(tickets)


def forget(connection: Connection, older_than: timedelta, limit: int) -> int:
    """Forget pruned jobs that expired so long ago; returns how many, up to `limit`."""
    old = and_(jobs.c.expires_at < now() - older_than, jobs.c.payload.is_(None))
    tickets = connection.scalars(select(jobs.c.id).where(old).limit(limit)).all()
    return connection.execute(delete(jobs).where(jobs.c.id.in_(listed(connection, tickets)))).rowcount


def _forget_files(connection: Connection, tickets: Collection[str]) -> None:
    connection.execute(delete(job_files).where(job_files.c.job_id.in_(listed(connection, tickets))))
    blobs.release(connection, tickets)


def _job(row: RowMapping) -> Job:
    values = {name: row[name] for name in Job.__dataclass_fields__}
    return Job(**{**values, "kind": JobKind(values["kind"]), "status": Status(values["status"])})


def _stored(moment: datetime) -> str:
    """A moment with its zone, as PostgreSQL reads it. SQLite keeps its first 26 characters, which are in UTC."""
    return moment.isoformat(" ", "microseconds")


def _json(values: Iterable[object]) -> str:
    return json.dumps(list(values), ensure_ascii=False, allow_nan=False)
