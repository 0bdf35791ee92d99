"""Measurements: live quality and drift over time, and the predictions that they are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select

from winnow.domain import Classification, Measurement, Target
from winnow.store.schema import feedback, measurements, predictions

_LOOKED_THROUGH = 10_000
"""How many of the newest predictions are looked through for those of one version."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Some of the newest predictions of one version, newest first. `texts` is empty where inputs are files."""

    answers: Sequence[Classification]
    texts: Sequence[str]


@dataclass(frozen=True, slots=True)
class Judged:
    """Predictions of one version that people spoke on, newest first: what they said, and what it had answered."""

    targets: Sequence[Target]
    answers: Sequence[Classification]


def add(connection: Connection, measurement: Measurement) -> None:
    """Keep a measurement."""
    values = {column.name: getattr(measurement, column.name) for column in measurements.c}
    connection.execute(insert(measurements).values(**values | {"figures": dict(measurement.figures)}))


def newest(connection: Connection, service: str, limit: int) -> list[Measurement]:
    """The newest measurements of a service first."""
    query = select(measurements).where(measurements.c.service == service)
    rows = connection.execute(query.order_by(measurements.c.id.desc()).limit(limit)).mappings()
    return [Measurement(**row) for row in rows]


def of_champions(connection: Connection, champions: Mapping[str, int]) -> list[Measurement]:
    """The newest measurement of each service whose champion has one; `champions` is service → version."""
    found = [entry for service in champions for entry in newest(connection, service, 1)]
    return [entry for entry in found if entry.version == champions[entry.service]]


def prune(connection: Connection, service: str, keep: int) -> int:
    """Forget all but the newest measurements of a service; returns how many were forgotten."""
    of_service = measurements.c.service == service
    first = select(measurements.c.id).where(of_service).order_by(measurements.c.id.desc()).offset(keep).limit(1)
    too_old = measurements.c.id <= first.scalar_subquery()
    return connection.execute(delete(measurements).where(of_service, too_old)).rowcount


def sample(
    connection: Connection, service: str, version: int, limit: int, since: datetime, *, characters: int
) -> Sample:
    """The newest predictions of a version since a moment; of texts, so many of their first characters.

    Of the service's newest ten thousand, so that it costs the same however long the history is. With 0
    `characters` no inputs are read.
    """
    columns: list[ColumnElement[Any]] = [predictions.c.answer]
    if characters:
        columns.append(func.substr(predictions.c.input, 1, characters).label("input"))
    newest_first = predictions.c.id.desc()
    looked_through = (
        select(predictions.c.id, predictions.c.version, predictions.c.created_at, *columns)
        .where(predictions.c.service == service)
        .order_by(newest_first)
        .limit(_LOOKED_THROUGH)
        .subquery()
    )
    wanted = [column for column in looked_through.c if column.name in ("answer", "input")]
    query = (
        select(*wanted)
        .where(looked_through.c.version == version, looked_through.c.created_at >= since)
        .order_by(looked_through.c.id.desc())
        .limit(limit)
    )
    rows = connection.execute(query).all()
    return Sample([row[0] for row in rows], [row[1] for row in rows] if characters else [])


def judged(connection: Connection, service: str, version: int, limit: int, since: datetime | None = None) -> Judged:
    """The newest predictions of a version that people spoke on; with `since`, only those answered from then on.

    Of the newest ten thousand that people spoke on at all, so that it costs the same however many there are.
    """
    answered = select(predictions.c.answer).where(
        predictions.c.id == feedback.c.prediction_id,
        predictions.c.service == service,
        predictions.c.version == version,
    )
    if since is not None:
        answered = answered.where(predictions.c.created_at >= since)
    # A value of each row, not a join: that may go through all predictions to find the few of a new champion.
    looked_through = (
        select(feedback.c.prediction_id, feedback.c.target, answered.scalar_subquery().label("answer"))
        .order_by(feedback.c.prediction_id.desc())
        .limit(_LOOKED_THROUGH)
        .subquery()
    )
    query = (
        select(looked_through.c.target, looked_through.c.answer)
        .where(looked_through.c.answer.is_not(None))
        .order_by(looked_through.c.prediction_id.desc())
        .limit(limit)
    )
    rows = connection.execute(query).all()
    return Judged([row.target for row in rows], [row.answer for row in rows])
