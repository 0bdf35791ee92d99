"""Versions: trained models, numbered 1, 2, 3 per service, and who of them is champion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from winnow.domain import Promotion, Version, new_id, now
from winnow.errors import Conflict, NotFound, nearest
from winnow.store.schema import promotions, versions


def next_number(connection: Connection, service: str) -> int:
    """The number of the next version. Call it under the lock named after the service."""
    return (connection.scalar(select(func.max(versions.c.number)).where(versions.c.service == service)) or 0) + 1


def add(connection: Connection, version: Version) -> None:
    """Register a version, not as champion."""
    values = {column.name: getattr(version, column.name) for column in versions.c}
    values |= {
        "parameters": dict(version.parameters),
        "metrics": dict(version.metrics),
        "gates": list(version.gates),
    }
    connection.execute(insert(versions).values(**values | {"champion": False}))


def promote(
    connection: Connection, service: str, number: int, *, reasons: Sequence[str], kind: str = "promote"
) -> Promotion:
    """Make a version champion, in the caller's transaction. Call it under the lock named after the service."""
    current = champion(connection, service)
    get(connection, service, number)
    of_service = versions.c.service == service
    connection.execute(update(versions).where(of_service, versions.c.champion).values(champion=False))
    connection.execute(update(versions).where(of_service, versions.c.number == number).values(champion=True))
    promotion = Promotion(
        id=new_id(),
        service=service,
        version=number,
        previous=current.number if current else None,
        kind=kind,
        reasons=tuple(reasons),
        created_at=now(),
    )
    values: dict[str, Any] = {column.name: getattr(promotion, column.name) for column in promotions.c}
    connection.execute(insert(promotions).values(**values | {"reasons": list(reasons)}))
    return promotion


def predecessor(connection: Connection, service: str) -> int:
    """The version that the champion took over from when it was promoted; `Conflict` where there is none.

    Rollbacks are passed over, so that one rollback after another goes further back and never forth again.
    """
    current = champion(connection, service)
    if current is None:
        raise Conflict(f"service '{service}' has no champion to roll back from")
    query = select(promotions.c.version, promotions.c.kind).where(promotions.c.service == service)
    reigns: list[int] = []  # each champion above the one that it took over from
    for row in connection.execute(query.order_by(promotions.c.created_at, promotions.c.id)):
        if row.kind == "rollback" and row.version in reigns:
            while reigns[-1] != row.version:
                reigns.pop()
        elif not reigns or reigns[-1] != row.version:
            reigns.append(row.version)
    if len(reigns) < 2:
        raise Conflict(f"version {current.number} of '{service}' took over from no other: nothing to roll back to")
    return reigns[-2]


def champion(connection: Connection, service: str) -> Version | None:
    """The version that answers users; None where none was promoted yet."""
    row = connection.execute(select(versions).where(versions.c.service == service, versions.c.champion)).mappings()
    found = row.one_or_none()
    return None if found is None else Version(**found)


def champions(connection: Connection) -> dict[str, int]:
    """Service → number of its champion."""
    query = select(versions.c.service, versions.c.number).where(versions.c.champion)
    return {row.service: row.number for row in connection.execute(query)}


def get(connection: Connection, service: str, number: int) -> Version:
    """One version; `NotFound` otherwise."""
    query = select(versions).where(versions.c.service == service, versions.c.number == number)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        known = connection.scalars(select(versions.c.number).where(versions.c.service == service)).all()
        raise NotFound(f"service '{service}' has no version {number}.{nearest(str(number), map(str, known))}")
    return Version(**row)


def newest_of(connection: Connection, service: str, candidate: str) -> Version:
    """The newest version of the candidate with this name; `NotFound` with the nearest name otherwise."""
    of_service = versions.c.service == service
    query = select(versions).where(of_service, versions.c.candidate == candidate)
    row = connection.execute(query.order_by(versions.c.number.desc()).limit(1)).mappings().one_or_none()
    if row is None:
        known = candidates(connection, service)
        raise NotFound(f"service '{service}' has no version named '{candidate}'.{nearest(candidate, known)}")
    return Version(**row)


def candidates(connection: Connection, service: str) -> list[str]:
    """The names of all candidates that a service has versions of, sorted."""
    query = select(versions.c.candidate).where(versions.c.service == service).distinct()
    return sorted(connection.scalars(query))


def newest(connection: Connection, service: str, limit: int) -> list[Version]:
    """The newest versions first."""
    query = select(versions).where(versions.c.service == service).order_by(versions.c.number.desc()).limit(limit)
    return [Version(**row) for row in connection.execute(query).mappings()]


def promotions_of(connection: Connection, service: str, limit: int) -> list[Promotion]:
    """The newest changes of champion first, with their reasons."""
    query = (
        select(promotions)
        .where(promotions.c.service == service)
        .order_by(promotions.c.created_at.desc(), promotions.c.id.desc())
        .limit(limit)
    )
    return [Promotion(**row) for row in connection.execute(query).mappings()]


def every(connection: Connection, service: str | None = None) -> list[Version]:
    """All versions, of one service or of all, in order."""
    query = select(versions).order_by(versions.c.service, versions.c.number)
    if service is not None:
        query = query.where(versions.c.service == service)
    return [Version(**row) for row in connection.execute(query).mappings()]


def move(connection: Connection, version: Version, path: str, sha256: str, size_bytes: int) -> bool:
    """Say that a version's bundle is another one now; False where it was changed since it was looked at.

    Call it under the lock named after the service.
    """
    as_seen = (
        versions.c.service == version.service,
        versions.c.number == version.number,
        versions.c.path == version.path,
    )
    values = {"path": path, "sha256": sha256, "size_bytes": size_bytes}
    return connection.execute(update(versions).where(*as_seen).values(values)).rowcount == 1


def paths(connection: Connection) -> set[str]:
    """The bundles that some version needs, relative to the folder of models."""
    return set(connection.scalars(select(versions.c.path)))
