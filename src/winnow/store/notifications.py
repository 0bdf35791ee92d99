"""Notifications: who is to be told of which alert, and whether they were.

They are put down where somebody looks for what is due, not where an alert opens: only a process that knows the
addresses can say who is to be told, and it may be another one than that which noticed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Select, and_, insert, or_, select, update

from winnow.domain import Alert, AlertState, new_id, now
from winnow.store import alerts
from winnow.store.schema import alerts as alert_rows
from winnow.store.schema import notifications

Occasion = Literal["opened", "resolved"]

LATELY = timedelta(minutes=5)
"""An alert that opened and was resolved before anybody looked is told for so long; one that is open, always."""
_earlier = notifications.alias("earlier")


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be told now, and whom. `attempt` counts from 1; what is said of an older one changes nothing."""

    id: str
    alert: Alert
    occasion: Occasion
    target: str
    attempt: int


def any_to_tell(connection: Connection, targets: Collection[str], silent: Collection[str]) -> bool:
    """Whether there is anything to put down or to take. Cheap, and in nobody's way."""
    due = select(notifications.c.id).where(_due(targets, now())).limit(1)
    missing = _missing(targets, silent, now())
    return connection.execute(due).first() is not None or next(missing_rows(connection, missing), None) is not None


def put_down(connection: Connection, targets: Collection[str], silent: Collection[str]) -> None:
    """Put down who is to be told of what has happened. Call it under the lock `notifications`.

    That it opened is told to each target, and that it was resolved to each that was told so, or still is to be.
    The end of the rules in `silent` is told to nobody.
    """
    moment = now()
    rows = list(missing_rows(connection, _missing(targets, silent, moment)))
    if rows:
        values = [
            {"id": new_id(), "alert_id": alert, "occasion": occasion, "target": target, "due_at": moment}
            for alert, occasion, target in rows
        ]
        connection.execute(insert(notifications), values)


def take(connection: Connection, targets: Collection[str], limit: int, within: timedelta) -> list[Message]:
    """Take what is due to these targets. What nothing is heard of within this time is due again."""
    moment = now()
    due = select(notifications.c.id).where(_due(targets, moment)).order_by(notifications.c.id).limit(limit)
    chosen = due.with_for_update(skip_locked=True).cte("chosen")
    taken = connection.execute(
        update(notifications)
        .where(notifications.c.id.in_(select(chosen.c.id)))
        .values(attempt=notifications.c.attempt + 1, due_at=moment + within)
        .returning(*notifications.c)
    )
    rows = sorted(taken.mappings(), key=lambda row: row["id"])
    return [
        Message(row["id"], alerts.get(connection, row["alert_id"]), row["occasion"], row["target"], row["attempt"])
        for row in rows
    ]


def delivered(connection: Connection, message: Message) -> None:
    """It was told."""
    values = {"due_at": None, "delivered_at": now(), "error": None}
    connection.execute(update(notifications).where(_same(message)).values(values))


def failed(connection: Connection, message: Message, error: str, due_at: datetime | None) -> None:
    """It was not told; try again then, or, with None, no more. Who never heard of it is not told of its end."""
    connection.execute(update(notifications).where(_same(message)).values(error=error, due_at=due_at))
    if due_at is None and message.occasion == "opened":
        of_target = and_(notifications.c.alert_id == message.alert.id, notifications.c.target == message.target)
        connection.execute(update(notifications).where(of_target).values(due_at=None))


def missing_rows(
    connection: Connection, queries: Collection[tuple[Occasion, str, Select[Any]]]
) -> Iterator[tuple[str, Occasion, str]]:
    """Alert, occasion and target of what these queries find."""
    for occasion, target, query in queries:
        for alert in connection.scalars(query):
            yield alert, occasion, target


def _missing(
    targets: Collection[str], silent: Collection[str], moment: datetime
) -> list[tuple[Occasion, str, Select[Any]]]:
    """Queries for alerts whose opening or end is not put down yet, for each target."""
    opened = and_(
        alert_rows.c.opened_at.is_not(None),
        or_(alert_rows.c.state == AlertState.OPEN, alert_rows.c.resolved_at > moment - LATELY),
    )
    ended = and_(alert_rows.c.resolved_at > moment - timedelta(days=1), alert_rows.c.rule.not_in(silent))
    found: list[tuple[Occasion, str, Select[Any]]] = []
    for target in targets:
        first, last = _put(target, "opened"), _put(target, "resolved")
        reached = or_(notifications.c.delivered_at.is_not(None), notifications.c.due_at.is_not(None))
        found.append(("opened", target, select(alert_rows.c.id).where(opened, ~first.exists())))
        query = select(alert_rows.c.id).where(ended, first.where(reached).exists(), ~last.exists())
        found.append(("resolved", target, query))
    return found


def _put(target: str, occasion: Occasion) -> Select[Any]:
    """What is put down of an alert for this target and occasion."""
    return select(notifications.c.id).where(
        notifications.c.alert_id == alert_rows.c.id,
        notifications.c.target == target,
        notifications.c.occasion == occasion,
    )


def _due(targets: Collection[str], moment: datetime) -> ColumnElement[bool]:
    """What is to be sent now. An end waits until the beginning was told."""
    beginning = (
        select(_earlier.c.id)
        .where(
            _earlier.c.alert_id == notifications.c.alert_id,
            _earlier.c.target == notifications.c.target,
            _earlier.c.occasion == "opened",
            _earlier.c.due_at.is_not(None),
        )
        .exists()
    )
    ready = or_(notifications.c.occasion == "opened", ~beginning)
    return and_(notifications.c.due_at <= moment, notifications.c.target.in_(targets), ready)


def _same(message: Message) -> ColumnElement[bool]:
    return and_(notifications.c.id == message.id, notifications.c.attempt == message.attempt)
