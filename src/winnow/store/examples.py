"""Examples: a service's dataset, append-only, in batches.

Rows arrive under a batch that has no number yet and are seen by nobody. Accepting the batch gives it the next
number, in one short transaction: a file of a million rows appears whole, or not at all, and no writer waits for
it. A snapshot is the dataset up to one batch number.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, case, delete, func, insert, literal, or_, select, text, update

from winnow.domain import Example, Target, new_id, now
from winnow.store import blobs
from winnow.store.listed import listed
from winnow.store.schema import batches, examples

_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

# One statement with one parameter for the whole batch, as in `predictions.append`: it runs while Python's lock is
# free, so that loading a file does not hold up the requests that the same process answers.
_ADD = "INSERT INTO examples (service, batch_id, id, line, input, target, digest) SELECT :service, :batch, "
_ADD_SQLITE = text(_ADD + ", ".join(f"json_extract(value, '$[{i}]')" for i in range(5)) + " FROM json_each(:rows)")
_ADD_POSTGRESQL = text(
    _ADD + "value ->> 0, (value ->> 1)::bigint, value ->> 2, (value ->> 3)::json, value ->> 4 "
    "FROM json_array_elements(CAST(:rows AS json))"
)


def digest(content: str) -> str:
    """What equal inputs share: 32 hexadecimal digits."""
    return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()


def open_batch(connection: Connection, service: str, source: str, account: str | None = None) -> str:
    """Start a batch whose rows nobody sees yet; returns its id. `account` is who adds it."""
    batch = new_id()
    row = {"id": batch, "service": service, "source": source, "account": account, "created_at": now()}
    connection.execute(insert(batches).values(row))
    return batch


def add(connection: Connection, service: str, batch: str, rows: Iterable[tuple[str, Example]]) -> list[str]:
    """Append (digest, example) pairs to a batch, in one statement; returns their ids, in step and rising."""
    given = list(rows)
    ids = sorted(new_id() for _ in given)
    values = [
        (example_id, example.line, example.input, target_key(example.target), key)
        for example_id, (key, example) in zip(ids, given, strict=True)
    ]
    if values:
        statement = _ADD_SQLITE if connection.dialect.name == "sqlite" else _ADD_POSTGRESQL
        connection.execute(statement, {"service": service, "batch": batch, "rows": _json(values)})
    pairs = zip(ids, (example.blob for _, example in given), strict=True)
    blobs.keep(connection, [(example_id, blob) for example_id, blob in pairs if blob is not None])
    return ids


def accept(connection: Connection, batch: str, rows: int) -> int:
    """Let a batch be seen: give it the next number, and return that. Call it under the lock named "batches"."""
    number = (connection.scalar(select(func.max(batches.c.number))) or 0) + 1
    present = batches.c.rows + rows  # before it is accepted, `rows` is less what was erased of it meanwhile
    connection.execute(update(batches).where(batches.c.id == batch).values(number=number, rows=present))
    return number


def add_one(connection: Connection, service: str, example: Example, source: str, account: str | None = None) -> str:
    """Add one example, to be seen at once; returns its id. Call it under the lock named "batches"."""
    batch = open_batch(connection, service, source, account)
    (example_id,) = add(connection, service, batch, [(digest(example.input), example)])
    accept(connection, batch, 1)
    return example_id


def discard(connection: Connection, batch: str) -> None:
    """Forget a batch that was not accepted, with its rows."""
    connection.execute(delete(batches).where(batches.c.id == batch, batches.c.number.is_(None)))


def discard_rows(connection: Connection, batch: str, limit: int) -> int:
    """Forget some rows of a batch that was not accepted; returns how many, and fewer than `limit` at the end.

    For batches so large that to forget them at once would hold up every other writer for seconds.
    """
    waiting = select(batches.c.id).where(batches.c.id == batch, batches.c.number.is_(None))
    some = select(examples.c.id).where(examples.c.batch_id.in_(waiting)).limit(limit)
    ids = connection.scalars(some).all()
    blobs.release(connection, ids)
    return connection.execute(delete(examples).where(examples.c.id.in_(listed(connection, ids)))).rowcount


def abandoned(connection: Connection, older_than: timedelta) -> list[str]:
    """Batches whose loading must have died: begun so long ago, and not accepted."""
    born_before: datetime = now() - older_than
    waiting = batches.c.number.is_(None) & (batches.c.created_at < born_before)
    return list(connection.scalars(select(batches.c.id).where(waiting)))


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
        .where(examples.c.service == service, examples.c.digest.in_(listed(connection, digests)), seen)
    )
    return {(row.digest, target_key(row.target)) for row in connection.execute(query)}


def current_target(connection: Connection, service: str, content: str) -> Target | None:
    """The target that counts for this input, which is its newest one; None where the input is not there."""
    query = (
        select(examples.c.target)
        .join(batches)
        .where(examples.c.service == service, examples.c.digest == digest(content), batches.c.number.is_not(None))
        .order_by(batches.c.number.desc(), examples.c.line.desc(), examples.c.id.desc())
        .limit(1)
    )
    found: Target | None = connection.scalar(query)
    return found


def target_key(target: Target) -> str:
    """What equal targets share: their JSON, as it is stored."""
    return _json(target)


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


@dataclass(frozen=True, slots=True)
class ExampleFilter:
    """Which examples to show; None lets all pass. `before` is the last id of the page before.

    `label` is the target, or one of its labels. `source` is a kind (`upload`, `api`, `feedback`), or exactly what
    a batch has, such as `upload:reviews.csv`.
    """

    before: str | None = None
    text: str | None = None
    label: str | None = None
    source: str | None = None

    @property
    def narrows(self) -> bool:
        """Whether anything but the page is chosen."""
        return any(value is not None for value in (self.text, self.label, self.source))

    def apply(self, query: Select[Any], dialect: str) -> Select[Any]:
        """Narrow a query on examples that are joined with their batches. Pages are for the caller to turn."""
        if self.text is not None:
            query = query.where(examples.c.input.icontains(self.text, autoescape=True))
        if self.label is not None:
            query = query.where(literal(self.label).in_(select(labels_of(dialect)).correlate(examples)))
        if self.source is not None:
            of_kind = batches.c.source.startswith(f"{self.source}:", autoescape=True)
            query = query.where(or_(batches.c.source == self.source, of_kind))
        return query


def labels_of(dialect: str) -> Any:
    """The labels of an example's target, as rows of one column, whether it is one label or a list of them."""
    if dialect == "sqlite":
        return func.json_each(examples.c.target).table_valued("value").c.value
    target = examples.c.target
    whole = case((func.json_typeof(target) == "array", target), else_=func.json_build_array(target))
    return func.json_array_elements_text(whole).table_valued("value").c.value


def page(
    connection: Connection, service: str, limit: int, only: ExampleFilter | None = None
) -> list[Mapping[str, Any]]:
    """The newest examples first."""
    chosen = only or ExampleFilter()
    query = (
        select(examples.c.id, examples.c.input, examples.c.target, batches.c.source, batches.c.created_at)
        .join(batches)
        .where(examples.c.service == service, batches.c.number.is_not(None))
        .order_by(examples.c.id.desc())
        .limit(limit)
    )
    if chosen.before is not None:
        query = query.where(examples.c.id < chosen.before)
    rows = connection.execute(chosen.apply(query, connection.dialect.name)).mappings()
    return [dict(row) for row in rows]


def count_those(connection: Connection, service: str, only: ExampleFilter) -> int:
    """How many examples pass a filter, on all of its pages."""
    if not only.narrows:
        return count(connection, service)
    query = select(func.count()).select_from(examples.join(batches))
    query = query.where(examples.c.service == service, batches.c.number.is_not(None))
    return connection.scalar(only.apply(query, connection.dialect.name)) or 0
