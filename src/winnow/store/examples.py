"""Examples: a service's dataset, append-only, in batches.

Rows arrive under a batch that has no number yet and are seen by nobody. Accepting the batch gives it the next
number, in one short transaction: a file of a million rows appears whole, or not at all, and no writer waits for
it. A snapshot is the dataset up to one batch number.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, or_, select, update

from winnow.domain import Example, Target, new_id, now
from winnow.store.schema import batches, examples


def digest(text: str) -> str:
    """What equal inputs share: 32 hexadecimal digits."""
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def open_batch(connection: Connection, service: str, source: str) -> str:
    """Start a batch whose rows nobody sees yet; returns its id."""
    batch = new_id()
    row = {"id": batch, "service": service, "source": source, "created_at": now()}
    connection.execute(insert(batches).values(row))
    return batch


def add(connection: Connection, service: str, batch: str, rows: Iterable[tuple[str, Example]]) -> list[str]:
    """Append (digest, example) pairs to a batch; returns their ids."""
    values = [
        {
            "id": new_id(),
            "service": service,
            "batch_id": batch,
            "line": example.line,
            "input": example.input,
            "target": example.target,
            "digest": key,
        }
        for key, example in rows
    ]
    if values:
        connection.execute(insert(examples), values)
    return [str(value["id"]) for value in values]


def accept(connection: Connection, batch: str, rows: int) -> int:
    """Let a batch be seen: give it the next number, and return that. Call it under the lock named "batches"."""
    number = (connection.scalar(select(func.max(batches.c.number))) or 0) + 1
    connection.execute(update(batches).where(batches.c.id == batch).values(number=number, rows=rows))
    return number


def add_one(connection: Connection, service: str, text: str, target: Target, source: str) -> str:
    """Add one example, to be seen at once; returns its id. Call it under the lock named "batches"."""
    batch = open_batch(connection, service, source)
    (example_id,) = add(connection, service, batch, [(digest(text), Example(text, target))])
    accept(connection, batch, 1)
    return example_id


def discard(connection: Connection, batch: str) -> None:
    """Forget a batch that was not accepted, with its rows."""
    connection.execute(delete(batches).where(batches.c.id == batch, batches.c.number.is_(None)))


def discard_abandoned(connection: Connection, older_than: timedelta) -> int:
    """Forget batches whose loading died; returns how many."""
    born_before: datetime = now() - older_than
    abandoned = batches.c.number.is_(None) & (batches.c.created_at < born_before)
    return connection.execute(delete(batches).where(abandoned)).rowcount


def known_targets(
    connection: Connection, service: str, batch: str | None, digests: Collection[str]
) -> set[tuple[str, str]]:
    """Which of these inputs are there, in accepted batches or this one, as (digest, target as JSON)."""
    seen = (
        batches.c.number.is_not(None)
        if batch is None
        else or_(batches.c.number.is_not(None), batches.c.id == batch)
    )
    query = (
        select(examples.c.digest, examples.c.target)
        .join(batches)
        .where(examples.c.service == service, examples.c.digest.in_(digests), seen)
    )
    return {(row.digest, target_key(row.target)) for row in connection.execute(query)}


def target_key(target: Target) -> str:
    """What equal targets share."""
    return json.dumps(target, ensure_ascii=False)


def latest_snapshot(connection: Connection, service: str) -> int | None:
    """The number of the service's newest batch; None where it has no examples."""
    newest: int | None = connection.scalar(select(func.max(batches.c.number)).where(batches.c.service == service))
    return newest


def dataset(connection: Connection, service: str, snapshot: int) -> Iterator[tuple[str, Target]]:
    """Distinct inputs of a snapshot with their targets, in order of arrival.

    Where one input has several targets, the newest counts: that is how a correction takes effect.
    """
    newest = (
        func.row_number()
        .over(
            partition_by=examples.c.digest,
            order_by=(batches.c.number.desc(), examples.c.line.desc(), examples.c.id.desc()),
        )
        .label("newest")
    )
    ranked = (
        select(examples.c.input, examples.c.target, batches.c.number, examples.c.line, examples.c.id, newest)
        .join(batches)
        .where(examples.c.service == service, batches.c.number <= snapshot)
        .subquery()
    )
    query = (
        select(ranked.c.input, ranked.c.target)
        .where(ranked.c.newest == 1)
        .order_by(ranked.c.number, ranked.c.line, ranked.c.id)
    )
    for row in connection.execution_options(yield_per=5000).execute(query):
        yield row.input, row.target


def count(connection: Connection, service: str) -> int:
    """How many examples the service has, repeated inputs included."""
    query = select(func.coalesce(func.sum(batches.c.rows), 0)).where(
        batches.c.service == service, batches.c.number.is_not(None)
    )
    return int(connection.scalar(query) or 0)


def page(connection: Connection, service: str, limit: int, before: str | None = None) -> list[Mapping[str, Any]]:
    """The newest examples first; `before` is the last id of the page before."""
    query: Select[Any] = (
        select(examples.c.id, examples.c.input, examples.c.target, batches.c.source, batches.c.created_at)
        .join(batches)
        .where(examples.c.service == service, batches.c.number.is_not(None))
        .order_by(examples.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(examples.c.id < before)
    return [dict(row) for row in connection.execute(query).mappings()]
