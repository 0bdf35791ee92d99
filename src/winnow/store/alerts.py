"""Alerts: conditions that a person should know of. One of each rule and service is active at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, delete, func, insert, select, update

from winnow.domain import Alert, AlertState
from winnow.errors import NotFound
from winnow.store.schema import alerts

ACTIVE = (AlertState.PENDING, AlertState.OPEN)
TOLD = (AlertState.OPEN, AlertState.RESOLVED)
"""Alerts that have held for long enough to be worth a look: what is listed unless pending ones are asked for."""

_COLUMNS = [column for column in alerts.c if column.name != "clear_since"]


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Which alerts to show; None lets all pass that were ever open. `before` is the last id of the page before."""

    state: AlertState | None = None
    service: str | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Active:
    """An alert that is not resolved, and since when its condition has not held any more."""

    alert: Alert
    clear_since: datetime | None = None


def active(connection: Connection) -> dict[tuple[str, str], Active]:
    """What is pending or open, by rule and service."""
    rows = connection.execute(select(alerts).where(alerts.c.state != AlertState.RESOLVED)).mappings()
    found = [Active(_alert(row), row["clear_since"]) for row in rows]
    return {(entry.alert.rule, entry.alert.service): entry for entry in found}


def add(connection: Connection, alert: Alert) -> None:
    """Keep a new alert. Call it under the lock `alerts`, where none of its rule and service is active."""
    connection.execute(insert(alerts).values({column.name: getattr(alert, column.name) for column in _COLUMNS}))


def change(connection: Connection, alert_id: str, **values: Any) -> None:
    """Set columns of an alert."""
    connection.execute(update(alerts).where(alerts.c.id == alert_id).values(**values))


def drop(connection: Connection, alert_id: str) -> None:
    """Take a pending alert away, as if it had never been."""
    connection.execute(delete(alerts).where(and_(alerts.c.id == alert_id, alerts.c.state == AlertState.PENDING)))


def forget(connection: Connection, resolved_before: datetime) -> int:
    """Delete alerts that were resolved before then, with what was told of them; returns how many."""
    return connection.execute(delete(alerts).where(alerts.c.resolved_at < resolved_before)).rowcount


def get(connection: Connection, alert_id: str) -> Alert:
    """One alert; `NotFound` otherwise."""
    row = connection.execute(select(*_COLUMNS).where(alerts.c.id == alert_id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no alert '{alert_id}'")
    return _alert(row)


def newest(connection: Connection, limit: int, only: AlertFilter) -> list[Alert]:
    """The newest alerts first."""
    states = TOLD if only.state is None else (only.state,)
    query = select(*_COLUMNS).where(alerts.c.state.in_(states)).order_by(alerts.c.id.desc()).limit(limit)
    if only.service is not None:
        query = query.where(alerts.c.service == only.service)
    if only.before is not None:
        query = query.where(alerts.c.id < only.before)
    return [_alert(row) for row in connection.execute(query).mappings()]


def open_counts(connection: Connection) -> dict[tuple[str, str], int]:
    """How many alerts are open, by rule and service."""
    counted = select(alerts.c.rule, alerts.c.service, func.count()).where(alerts.c.state == AlertState.OPEN)
    rows = connection.execute(counted.group_by(alerts.c.rule, alerts.c.service))
    return {(rule, service): count for rule, service, count in rows}


def _alert(row: RowMapping) -> Alert:
    values: Mapping[str, Any] = {column.name: row[column.name] for column in _COLUMNS}
    return Alert(**{**values, "state": AlertState(row["state"])})
