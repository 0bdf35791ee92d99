"""Keys: secrets that this project makes for itself."""

from __future__ import annotations

import secrets

from sqlalchemy import Connection, insert, select

from winnow.domain import now
from winnow.store.schema import keys

KEY_BYTES = 32


def find(connection: Connection, name: str) -> bytes | None:
    """A key; None where it was never needed."""
    found: bytes | None = connection.scalar(select(keys.c.secret).where(keys.c.name == name))
    return found


def obtain(connection: Connection, name: str) -> bytes:
    """A key, which is made where it is needed first. Call it under the lock named "keys"."""
    found = find(connection, name)
    if found is None:
        found = secrets.token_bytes(KEY_BYTES)
        connection.execute(insert(keys).values(name=name, secret=found, created_at=now()))
    return found
