"""Workers: who works on jobs, and when they were last heard of. One that ends in order takes its row away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from winnow.domain import now
from winnow.store.schema import workers


@dataclass(frozen=True, slots=True)
class KnownWorker:
    """A process that works on jobs of these services, or did when it was last seen."""

    name: str
    services: Sequence[str]
    started_at: datetime
    seen_at: datetime


def beat(connection: Connection, name: str, services: Sequence[str]) -> None:
    """Say that a worker lives."""
    moment = now()
    seen = update(workers).where(workers.c.name == name).values(seen_at=moment)
    if connection.execute(seen).rowcount == 0:
        values = {"name": name, "services": list(services), "started_at": moment, "seen_at": moment}
        connection.execute(insert(workers).values(values))


def leave(connection: Connection, *names: str) -> None:
    """Forget workers that ended."""
    connection.execute(delete(workers).where(workers.c.name.in_(names)))


def forget_silent(connection: Connection, silent_for: timedelta) -> int:
    """Forget workers of which nothing was heard for so long; returns how many."""
    return connection.execute(delete(workers).where(workers.c.seen_at < now() - silent_for)).rowcount


def known(connection: Connection) -> list[KnownWorker]:
    """All workers, the longest silent first."""
    query = select(workers).order_by(workers.c.seen_at, workers.c.name)
    return [KnownWorker(**row) for row in connection.execute(query).mappings()]
