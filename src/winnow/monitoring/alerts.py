"""The life of an alert: pending while its condition has not held for long, then open, then resolved.

A condition that comes and goes around its threshold opens one alert, not many: one that is pending has to hold
without a break before it opens, and one that is open ends only when its condition has been gone without a break.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any

from sqlalchemy import Connection

from winnow.domain import Alert, AlertState, new_id, now
from winnow.errors import Conflict
from winnow.monitoring.rules import AT_ONCE, ROLLED_BACK, Finding
from winnow.store import Database, alerts
from winnow.store.alerts import Active

LOCK = "alerts"
KEPT_FOR = timedelta(days=365)
"""How long resolved alerts are kept."""
NEWS_FOR = timedelta(days=1)
"""How long an alert that something happened stays open where nobody acknowledges it."""

Findings = Mapping[tuple[str, str], Finding]
"""What is wrong in this round, by rule and service."""


class Step(Enum):
    """What becomes of an alert in a round."""

    NOTHING = auto()
    BEGIN = auto()
    """A new one, pending."""
    OPEN = auto()
    """A new one, or the pending one, opens."""
    REFRESH = auto()
    """It goes on, with a new figure."""
    DROP = auto()
    """The pending one leaves nothing."""
    CLEAR = auto()
    """Its condition is gone, but not yet for long enough."""
    RESOLVE = auto()


def next_step(active: Active | None, *, holds: bool, moment: datetime, hold: timedelta) -> Step:
    """What becomes of an alert whose condition holds at this moment, or does not."""
    if active is None:
        return Step.NOTHING if not holds else Step.BEGIN if hold else Step.OPEN
    if active.alert.state is AlertState.PENDING:
        if not holds:
            return Step.DROP
        return Step.OPEN if moment - active.alert.since >= hold else Step.REFRESH
    if holds:
        return Step.REFRESH
    return Step.RESOLVE if moment - (active.clear_since or moment) >= hold else Step.CLEAR


def settle(connection: Connection, findings: Findings, moment: datetime, hold: timedelta) -> list[Alert]:
    """Bring all alerts in line with what was found, and return those that opened or were resolved by it.

    Call it under the lock `alerts`. What was not found counts as gone, be it that its rule was turned off.
    """
    active = alerts.active(connection)
    changed = []
    for key in {**active, **findings}:
        holds = _is_news(active[key].alert, moment) if key[0] == ROLLED_BACK else key in findings
        delay = timedelta() if key[0] in AT_ONCE else hold
        step = next_step(active.get(key), holds=holds, moment=moment, hold=delay)
        alert = _take(connection, step, active.get(key), key, findings.get(key), moment)
        if alert is not None:
            changed.append(alert)
    return changed


def report(connection: Connection, service: str, finding: Finding, moment: datetime) -> Alert:
    """Open an alert that a service was rolled back, in the rollback's own transaction.

    One that is still open from the rollback before ends with it.
    """
    before = alerts.active(connection).get((ROLLED_BACK, service))
    if before is not None:
        alerts.change(connection, before.alert.id, state=AlertState.RESOLVED, resolved_at=moment)
    alert = _new((ROLLED_BACK, service), finding, moment, opened=True)
    alerts.add(connection, alert)
    return alert


def acknowledge(database: Database, alert_id: str, by: str) -> Alert:
    """Note that somebody knows of an open alert. The first who says so is kept.

    It stays open until its condition is gone; one about something that happened ends. `Conflict` where it is not
    open, `NotFound` where there is none such.
    """
    with database.write() as connection:
        database.lock(connection, LOCK)
        alert = alerts.get(connection, alert_id)
        if alert.state is not AlertState.OPEN:
            raise Conflict(f"alert '{alert_id}' is {alert.state}: only an open one can be acknowledged")
        if alert.acknowledged_at is None:
            moment = now()
            values: dict[str, Any] = {"acknowledged_at": moment, "acknowledged_by": by}
            if alert.rule == ROLLED_BACK:
                values |= {"state": AlertState.RESOLVED, "resolved_at": moment}
            alerts.change(connection, alert_id, **values)
        return alerts.get(connection, alert_id)


def _is_news(alert: Alert, moment: datetime) -> bool:
    return moment - (alert.opened_at or alert.since) < NEWS_FOR


def _take(
    connection: Connection,
    step: Step,
    active: Active | None,
    key: tuple[str, str],
    finding: Finding | None,
    moment: datetime,
) -> Alert | None:
    """Take one step, and return the alert where it opened or was resolved."""
    if active is None:
        if finding is None:
            return None
        alert = _new(key, finding, moment, opened=step is Step.OPEN)
        alerts.add(connection, alert)
        return alert if step is Step.OPEN else None
    if step is Step.DROP:
        alerts.drop(connection, active.alert.id)
        return None
    values = _changes(step, active, finding, moment)
    if values:
        alerts.change(connection, active.alert.id, **values)
    return alerts.get(connection, active.alert.id) if step in (Step.OPEN, Step.RESOLVE) else None


def _changes(step: Step, active: Active, finding: Finding | None, moment: datetime) -> dict[str, Any]:
    """The columns that a step sets; only those that change, because most rounds change nothing."""
    if step is Step.RESOLVE:
        return {"state": AlertState.RESOLVED, "resolved_at": moment, "clear_since": active.clear_since or moment}
    if step is Step.CLEAR:
        return {} if active.clear_since is not None else {"clear_since": moment}
    values: dict[str, Any] = {}
    if active.clear_since is not None:
        values["clear_since"] = None
    if finding is not None:
        seen = {"value": finding.value, "requirement": finding.requirement, "detail": finding.detail}
        values |= {name: value for name, value in seen.items() if getattr(active.alert, name) != value}
    if step is Step.OPEN:
        values |= {"state": AlertState.OPEN, "opened_at": moment}
    return values


def _new(key: tuple[str, str], finding: Finding, moment: datetime, *, opened: bool) -> Alert:
    rule, service = key
    return Alert(
        id=new_id(),
        rule=rule,
        service=service,
        state=AlertState.OPEN if opened else AlertState.PENDING,
        detail=finding.detail,
        value=finding.value,
        requirement=finding.requirement,
        since=moment,
        opened_at=moment if opened else None,
    )
