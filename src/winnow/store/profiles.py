"""Profiles: what a version's inputs and answers looked like at training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, insert, select

from winnow.store.schema import profiles


def add(connection: Connection, service: str, number: int, profile: Mapping[str, Any]) -> None:
    """Keep the profile of a version that was registered in the same transaction."""
    connection.execute(insert(profiles).values(service=service, number=number, profile=dict(profile)))


def find(connection: Connection, service: str, number: int) -> Mapping[str, Any] | None:
    """The profile of a version; None where it has none, as versions that were trained elsewhere."""
    query = select(profiles.c.profile).where(profiles.c.service == service, profiles.c.number == number)
    found: Mapping[str, Any] | None = connection.scalar(query)
    return found
