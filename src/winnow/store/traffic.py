"""Traffic: what each process answered in each minute, and what that makes together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from winnow.domain import now
from winnow.store import latency
from winnow.store.schema import traffic

MINUTE = timedelta(minutes=1)
_COUNTS = ("answered", "refused", "failed", "overloaded", "late")


@dataclass(frozen=True, slots=True)
class Minute:
    """What one process answered for one service in one minute, by inputs; `latency` is bucket → answers."""

    minute: datetime
    service: str
    process: str
    answered: int
    refused: int
    failed: int
    overloaded: int
    late: int
    latency: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Totals:
    """What all processes answered for one service in some stretch of time, by inputs.

    `latency` is bucket → answers: of requests only, because nobody waits for a job's answers.
    """

    answered: int = 0
    refused: int = 0
    failed: int = 0
    overloaded: int = 0
    late: int = 0
    latency: Mapping[int, int] = field(default_factory=dict)

    @property
    def inputs(self) -> int:
        """How many inputs there were, whatever became of them."""
        return self.answered + self.refused + self.failed + self.overloaded + self.late

    @property
    def answers(self) -> int:
        """How many answers the percentiles are of."""
        return sum(self.latency.values())

    @property
    def p50_ms(self) -> float | None:
        """Milliseconds, median; None without answers."""
        return latency.percentile(self.latency, 0.5)

    @property
    def p95_ms(self) -> float | None:
        """Milliseconds, 95th percentile; None without answers."""
        return latency.percentile(self.latency, 0.95)


@dataclass(frozen=True, slots=True)
class Stretch:
    """What was answered in so many seconds from `since` on."""

    since: datetime
    seconds: int
    totals: Totals


def write(connection: Connection, minutes: Sequence[Minute]) -> None:
    """Keep what was counted; a minute that is written again replaces what was known of it."""
    if not minutes:
        return
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(traffic)
    changing = {name: statement.excluded[name] for name in (*_COUNTS, "latency")}
    rows = [
        {column.name: getattr(minute, column.name) for column in traffic.c} | {"latency": dict(minute.latency)}
        for minute in minutes
    ]
    connection.execute(
        statement.on_conflict_do_update(index_elements=["minute", "service", "process"], set_=changing), rows
    )


def recent(connection: Connection, service: str, since: datetime) -> Totals:
    """What was answered since a moment. Minutes are whole: the one that the moment lies in counts."""
    return _total(_rows(connection, service, _whole(since)))


def lately(connection: Connection, service: str, span: timedelta, most: int) -> list[Stretch]:
    """The last hours in at most so many equal stretches of whole minutes, oldest first, without gaps.

    The last stretch ends with the present minute, the first begins with the span or a little before.
    """
    minutes = ceil(span / MINUTE)
    each = ceil(minutes / most)
    count = ceil(minutes / each)
    since = _whole(now()) + MINUTE - count * each * MINUTE
    gathered: list[list[Any]] = [[] for _ in range(count)]
    for row in _rows(connection, service, since):
        place = (row.minute - since) // (each * MINUTE)
        if place < count:  # another process may be a minute further already
            gathered[place].append(row)
    return [Stretch(since + place * each * MINUTE, 60 * each, _total(rows)) for place, rows in enumerate(gathered)]


def prune(connection: Connection, older_than: timedelta) -> int:
    """Forget minutes that are so long ago; returns how many rows that were."""
    return connection.execute(delete(traffic).where(traffic.c.minute < now() - older_than)).rowcount


def _whole(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def _rows(connection: Connection, service: str, since: datetime) -> Iterable[Any]:
    query = select(traffic).where(traffic.c.minute >= since, traffic.c.service == service)
    return connection.execute(query).all()


def _total(rows: Iterable[Any]) -> Totals:
    found = list(rows)
    counts = {name: sum(getattr(row, name) for row in found) for name in _COUNTS}
    return Totals(**counts, latency=latency.add_up(row.latency for row in found))
