"""Turns: what one process at a time does for all of them, and not too often."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, update
from sqlalchemy.dialects import postgresql, sqlite

from winnow.domain import now
from winnow.store.schema import turns


def take(connection: Connection, name: str, every: timedelta) -> bool:
    """Whether it is the caller's turn: nobody took one of this name within `every`. Then it is taken.

    In a transaction that writes.
    """
    moment = now()
    free = update(turns).where(turns.c.name == name, turns.c.taken_at <= moment - every).values(taken_at=moment)
    if connection.execute(free).rowcount == 1:
        return True
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    first = dialect.insert(turns).values(name=name, taken_at=moment).on_conflict_do_nothing()
    return connection.execute(first.returning(turns.c.name)).first() is not None  # rows are counted of updates only
