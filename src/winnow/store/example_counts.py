"""Looks at a dataset from afar: how it grew, who added what, and where its examples disagree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Date, Select, Text, case, cast, func, select, true

from winnow.domain import Snapshot, Target
from winnow.errors import NotFound
from winnow.store.examples import labels_of
from winnow.store.listed import listed
from winnow.store.schema import batches, examples, uploads

MOST_OPINIONS = 20
"""How many examples of one input are listed."""
BY_HAND = "api"
"""The source of an example that somebody added by itself: it settles what others disagree on."""


class DayCount(NamedTuple):
    """How many examples came on one day (in UTC) from one kind of source with one label."""

    day: date
    source: str
    label: str
    examples: int


class Opinion(NamedTuple):
    """What one example says of an input."""

    id: str
    target: Target
    source: str
    created_at: datetime


class Disagreement(NamedTuple):
    """An input that examples say different things of; its opinions come newest first."""

    input: str
    opinions: tuple[Opinion, ...]


def snapshots(connection: Connection, service: str, limit: int, before: int | None = None) -> list[Snapshot]:
    """The newest snapshots first; `before` is the last number of the page before."""
    query = _snapshots(service).order_by(batches.c.number.desc()).limit(limit)
    if before is not None:
        query = query.where(batches.c.number < before)
    return [Snapshot(**row) for row in connection.execute(query).mappings()]


def snapshot_at(connection: Connection, service: str, number: int | None = None) -> int:
    """The number itself, where it is a snapshot's; else the newest one's. `NotFound` where there is none."""
    query = select(func.max(batches.c.number)).where(batches.c.service == service)
    found: int | None = connection.scalar(query if number is None else query.where(batches.c.number == number))
    if found is None:
        which = "no examples yet" if number is None else f"no snapshot {number}"
        raise NotFound(f"service '{service}' has {which}: GET /services/{service}/snapshots lists what there is")
    return found


def inputs(connection: Connection, service: str) -> int:
    """How many different inputs a service's examples have."""
    query = select(func.count(examples.c.digest.distinct())).select_from(examples.join(batches))
    return connection.scalar(query.where(*_accepted(service))) or 0


def by_day(connection: Connection, service: str) -> list[DayCount]:
    """How a dataset grew, in order. Where an example has several labels, it counts for each."""
    dialect = connection.dialect.name
    if dialect == "sqlite":
        day: Any = func.date(batches.c.created_at)
    else:
        day = cast(func.timezone("UTC", batches.c.created_at), Date)
    kind = case((batches.c.source.startswith("upload:"), "upload"), else_=batches.c.source)
    label = labels_of(dialect)
    query = (
        select(day.label("day"), kind.label("source"), label.label("label"), func.count().label("examples"))
        .select_from(examples.join(batches))
        .join(label.table, true())
        .where(*_accepted(service))
        .group_by(day, kind, label)
        .order_by(day, kind, label)
    )
    rows = connection.execute(query)
    return [DayCount(_day(row.day), row.source, row.label, row.examples) for row in rows]


def disagreements(connection: Connection, service: str, limit: int) -> tuple[int, list[Disagreement]]:
    """Inputs that examples say different things of: how many there are, and the newest ones.

    One whose newest example was added by hand is settled: somebody has chosen.
    """
    found = _disputed(connection, service)
    newest = sorted(found, key=found.__getitem__, reverse=True)[:limit]
    by_input = _opinions(connection, service, newest)
    return len(found), [by_input[digest] for digest in newest]


def is_disputed(connection: Connection, service: str, digest: str) -> bool:
    """Whether the examples of one input disagree, and nobody has chosen."""
    return bool(_disputed(connection, service, digest))


def _disputed(connection: Connection, service: str, digest: str | None = None) -> Mapping[str, str]:
    """Digests of disputed inputs, with the id of the newest example of each."""
    target = cast(examples.c.target, Text)
    query = (
        select(examples.c.digest)
        .join(batches)
        .where(*_accepted(service))
        .group_by(examples.c.digest)
        .having(func.min(target) != func.max(target))
    )
    if digest is not None:
        query = query.where(examples.c.digest == digest)
    disputed = connection.scalars(query).all()
    ranked = _ranked(service, disputed, connection)
    rows = connection.execute(select(ranked).where(ranked.c.rank == 1))
    return {row.digest: row.id for row in rows if row.source != BY_HAND}


def _opinions(connection: Connection, service: str, digests: Collection[str]) -> Mapping[str, Disagreement]:
    ranked = _ranked(service, digests, connection)
    query = select(ranked).where(ranked.c.rank <= MOST_OPINIONS).order_by(ranked.c.digest, ranked.c.rank)
    texts: dict[str, str] = {}
    said: dict[str, list[Opinion]] = defaultdict(list)
    for row in connection.execute(query):
        texts[row.digest] = row.input
        said[row.digest].append(Opinion(row.id, row.target, row.source, row.created_at))
    return {digest: Disagreement(texts[digest], tuple(opinions)) for digest, opinions in said.items()}


def _ranked(service: str, digests: Collection[str], connection: Connection) -> Any:
    """The examples of these inputs, the one that counts first: as `winnow.store.examples.dataset` has it."""
    order = (batches.c.number.desc(), examples.c.line.desc(), examples.c.id.desc())
    rank = func.row_number().over(partition_by=examples.c.digest, order_by=order).label("rank")
    return (
        select(
            examples.c.id,
            examples.c.digest,
            examples.c.input,
            examples.c.target,
            batches.c.source,
            batches.c.created_at,
            rank,
        )
        .join(batches)
        .where(*_accepted(service), examples.c.digest.in_(listed(connection, digests)))
        .subquery()
    )


def _accepted(service: str) -> tuple[Any, Any]:
    return examples.c.service == service, batches.c.number.is_not(None)


def _snapshots(service: str) -> Select[Any]:
    return (
        select(
            batches.c.number,
            batches.c.source,
            batches.c.rows,
            batches.c.account,
            (func.coalesce(uploads.c.size_bytes, 0) > 0).label("upload"),
            batches.c.created_at,
        )
        .outerjoin(uploads)
        .where(batches.c.service == service, batches.c.number.is_not(None))
    )


def _day(value: date | str) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value
