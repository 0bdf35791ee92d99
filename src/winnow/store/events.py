"""Events: the audit trail. What is about to be done is written down before, and how it ended after."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from winnow.domain import Event
from winnow.store.schema import events


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events to show; None lets all pass. `before` is the last id of the page before."""

    before: str | None = None
    actor: str | None = None
    action: str | None = None
    service: str | None = None


def add(connection: Connection, event: Event) -> None:
    """Write down what is about to be done."""
    values = {column.name: getattr(event, column.name) for column in events.c}
    connection.execute(insert(events).values(**values | {"details": dict(event.details)}))


def end(connection: Connection, event_id: str, outcome: str) -> None:
    """Write down how it ended."""
    connection.execute(update(events).where(events.c.id == event_id).values(outcome=outcome))


def newest(connection: Connection, limit: int, only: EventFilter) -> list[Event]:
    """The newest events first."""
    query = select(events).order_by(events.c.id.desc()).limit(limit)
    if only.before is not None:
        query = query.where(events.c.id < only.before)
    if only.actor is not None:
        query = query.where(events.c.actor == only.actor)
    if only.action is not None:
        query = query.where(events.c.action == only.action)
    if only.service is not None:
        query = query.where(events.c.service == only.service)
    return [Event(**row) for row in connection.execute(query).mappings()]
