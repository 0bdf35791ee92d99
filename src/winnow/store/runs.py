"""Runs: the training of all candidates of one service on one snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from winnow.domain import PromoteMode, Run, Status, new_id, now
from winnow.errors import Conflict, NotFound
from winnow.store.schema import runs

ACTIVE = (Status.QUEUED, Status.STARTED)
_COLUMNS = [column for column in runs.c if column.name != "heartbeat_at"]


def create(connection: Connection, service: str, promote: PromoteMode | None = None) -> Run:
    """Queue a run; `Conflict` where the service has one under way. Without `promote`, winnow.toml says."""
    run = Run(id=new_id(), service=service, status=Status.QUEUED, created_at=now(), promote=promote)
    values = {"id": run.id, "service": service, "status": run.status, "created_at": run.created_at}
    values["promote"] = promote
    try:
        connection.execute(insert(runs).values(**values, heartbeat_at=run.created_at))
    except IntegrityError as error:
        raise Conflict(f"service '{service}' is being trained already: wait for that run or cancel it") from error
    return run


def start(connection: Connection, run_id: str, pid: int, snapshot: int) -> bool:
    """Mark a queued run as started by this process; False where it was cancelled before it began."""
    moment = now()
    values = {"status": Status.STARTED, "pid": pid, "snapshot": snapshot, "started_at": moment}
    queued = and_(runs.c.id == run_id, runs.c.status == Status.QUEUED)
    return connection.execute(update(runs).where(queued).values(**values, heartbeat_at=moment)).rowcount == 1


def report_progress(connection: Connection, run_id: str, progress: Mapping[str, Any] | None) -> bool:
    """Say how far a run is (None: only that it lives); False where it is no longer to go on."""
    values: dict[str, Any] = {"heartbeat_at": now()}
    if progress is not None:
        values["progress"] = dict(progress)
    return connection.execute(update(runs).where(_active(run_id)).values(values)).rowcount == 1


def finish(connection: Connection, run_id: str, report: Mapping[str, Any]) -> bool:
    """End a run with its report; False where it was cancelled meanwhile, so that nothing of it may be kept."""
    values = {"status": Status.FINISHED, "report": dict(report), "finished_at": now()}
    return connection.execute(update(runs).where(_active(run_id)).values(values)).rowcount == 1


def end(connection: Connection, run_id: str, status: Status, error: str | None = None) -> bool:
    """End a run as failed or cancelled; False where it had ended already."""
    values = {"status": status, "error": error, "finished_at": now()}
    return connection.execute(update(runs).where(_active(run_id)).values(values)).rowcount == 1


def fail_silent(connection: Connection, silent_for: timedelta) -> int:
    """Fail active runs whose process has said nothing for so long; returns how many."""
    silent = and_(
        runs.c.status.in_(ACTIVE), or_(runs.c.heartbeat_at.is_(None), runs.c.heartbeat_at < now() - silent_for)
    )
    values = {"status": Status.FAILED, "error": "its process died", "finished_at": now()}
    return connection.execute(update(runs).where(silent).values(values)).rowcount


def get(connection: Connection, service: str, run_id: str) -> Run:
    """One run; `NotFound` otherwise."""
    query = select(*_COLUMNS).where(runs.c.id == run_id, runs.c.service == service)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFound(f"service '{service}' has no run '{run_id}'")
    return _run(row)


def active(connection: Connection) -> set[str]:
    """Ids of the runs of any service that are queued or started."""
    return set(connection.scalars(select(runs.c.id).where(runs.c.status.in_(ACTIVE))))


def active_services(connection: Connection) -> set[str]:
    """The services that have a run queued or started."""
    return set(connection.scalars(select(runs.c.service).where(runs.c.status.in_(ACTIVE))))


def newest(connection: Connection, service: str, limit: int) -> list[Run]:
    """The newest runs first."""
    query = select(*_COLUMNS).where(runs.c.service == service).order_by(runs.c.id.desc()).limit(limit)
    return [_run(row) for row in connection.execute(query).mappings()]


def latest_finished(connection: Connection, service: str) -> Run | None:
    """The newest run that ended with a report."""
    finished = and_(runs.c.service == service, runs.c.status == Status.FINISHED, runs.c.report.is_not(None))
    query = select(*_COLUMNS).where(finished).order_by(runs.c.id.desc()).limit(1)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _run(row)


def latest_ended(connection: Connection, service: str) -> str | None:
    """The id of the newest run that failed, or finished with a report; an import has none, and trained nothing."""
    finished = and_(runs.c.status == Status.FINISHED, runs.c.report.is_not(None))
    ended = and_(runs.c.service == service, or_(finished, runs.c.status == Status.FAILED))
    return connection.scalar(select(runs.c.id).where(ended).order_by(runs.c.id.desc()).limit(1))


def _active(run_id: str) -> Any:
    return and_(runs.c.id == run_id, runs.c.status.in_(ACTIVE))


def _run(row: RowMapping) -> Run:
    values = dict(row)
    return Run(**{**values, "status": Status(values["status"])})
