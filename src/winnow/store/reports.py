"""Reports: what finished runs came to, one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from winnow.domain import Status
from winnow.store.schema import runs


@dataclass(frozen=True, slots=True)
class RunReport:
    """The report of one run, and when that run was begun."""

    run: str
    created_at: datetime
    report: Mapping[str, Any]


def newest(connection: Connection, service: str, limit: int) -> list[RunReport]:
    """The newest reports first; runs that ended without one are passed over."""
    ended_well = runs.c.status == Status.FINISHED
    query = (
        select(runs.c.id, runs.c.created_at, runs.c.report)
        .where(runs.c.service == service, ended_well, runs.c.report.is_not(None))
        .order_by(runs.c.id.desc())
        .limit(limit)
    )
    return [RunReport(row.id, row.created_at, row.report) for row in connection.execute(query)]
