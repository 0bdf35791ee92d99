"""Predictions: the history, and what people said of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, func, insert, literal, or_, select, text, update

from winnow.domain import Prediction, Target, now
from winnow.errors import NotFound
from winnow.store import blobs
from winnow.store.schema import feedback, predictions

_NAMES = (
    "id",
    "service",
    "version",
    "input",
    "answer",
    "latency_ms",
    "request_id",
    "client",
    "ticket",
    "created_at",
)

# One statement with one parameter for the whole batch: it is parsed and stored while Python's lock is free. A
# statement for each row would fight the event loop for that lock at every row.
_APPEND_SQLITE = text(
    f"INSERT INTO predictions ({', '.join(_NAMES)}) SELECT "  # noqa: S608  (names from above)
    + ", ".join(f"json_extract(value, '$[{i}]')" for i in range(9))
    + ", substr(json_extract(value, '$[9]'), 1, 26) FROM json_each(:rows)"
)
_APPEND_POSTGRESQL = text(
    f"INSERT INTO predictions ({', '.join(_NAMES)}) "  # noqa: S608  (names from above)
    "SELECT value ->> 0, value ->> 1, (value ->> 2)::int, value ->> 3, value -> 4, (value ->> 5)::float, "
    "value ->> 6, value ->> 7, value ->> 8, (value ->> 9)::timestamptz "
    "FROM json_array_elements(CAST(:rows AS json))"
)


def append(connection: Connection, rows: Sequence[Prediction]) -> None:
    """Add predictions to the history, in one statement."""
    values = [
        (p.id, p.service, p.version, p.input, p.answer, p.latency_ms, p.request_id, p.client, p.ticket,
         p.created_at.isoformat(" ", "microseconds"))
        for p in rows
    ]  # fmt: skip
    statement = _APPEND_SQLITE if connection.dialect.name == "sqlite" else _APPEND_POSTGRESQL
    connection.execute(statement, {"rows": json.dumps(values, ensure_ascii=False, allow_nan=False)})
    blobs.keep(connection, [(row.id, row.blob) for row in rows if row.blob is not None])


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """Which predictions to show; None lets all pass. `before` is the last id of the page before."""

    before: str | None = None
    label: str | None = None
    version: int | None = None
    text: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def apply(self, query: Select[Any], dialect: str) -> Select[Any]:
        """Narrow a query on predictions."""
        if self.before is not None:
            query = query.where(predictions.c.id < self.before)
        if self.version is not None:
            query = query.where(predictions.c.version == self.version)
        if self.text is not None:
            query = query.where(predictions.c.input.icontains(self.text, autoescape=True))
        if self.since is not None:
            query = query.where(predictions.c.created_at >= self.since)
        if self.until is not None:
            query = query.where(predictions.c.created_at < self.until)
        if self.label is not None:
            one = predictions.c.answer["label"].as_string() == self.label
            query = query.where(or_(one, literal(self.label).in_(_labels(dialect))))
        return query


def _labels(dialect: str) -> Select[Any]:
    """The labels of an answer that has several, as rows; no rows for other answers."""
    if dialect == "sqlite":
        rows = func.json_each(predictions.c.answer, "$.labels")
    else:
        rows = func.json_array_elements_text(predictions.c.answer["labels"])
    return select(rows.table_valued("value").c.value).correlate(predictions)


def newest(connection: Connection, service: str, limit: int, only: HistoryFilter) -> list[Prediction]:
    """The newest predictions first."""
    query = only.apply(_with_feedback().where(predictions.c.service == service), connection.dialect.name)
    rows = connection.execute(query.order_by(predictions.c.id.desc()).limit(limit)).mappings()
    return [_prediction(row) for row in rows]


def get(connection: Connection, prediction_id: str) -> Prediction:
    """One prediction; `NotFound` otherwise."""
    row = connection.execute(_with_feedback().where(predictions.c.id == prediction_id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no prediction '{prediction_id}' in the history")
    return _prediction(row)


def set_feedback(
    connection: Connection, prediction_id: str, target: Target, example_id: str, account: str | None = None
) -> None:
    """Keep the right target for a prediction; a second word on it replaces the first."""
    values = {"target": target, "example_id": example_id, "account": account, "created_at": now()}
    again = update(feedback).where(feedback.c.prediction_id == prediction_id).values(values)
    if connection.execute(again).rowcount == 0:
        connection.execute(insert(feedback).values(prediction_id=prediction_id, **values))


def _with_feedback() -> Select[Any]:
    return select(predictions, feedback.c.target.label("feedback")).outerjoin(feedback)


def _prediction(row: RowMapping) -> Prediction:
    return Prediction(**row)
