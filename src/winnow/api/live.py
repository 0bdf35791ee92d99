"""A service in use: its traffic, its live quality and drift, how two versions differ, and how reports evolve."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query, Request

from winnow.api.access import VIEWER, ServiceName, UseRuntime, UseWorkspace, as_answer, refusals
from winnow.api.live_schemas import CompareQuery, LiveQuery, ReportsQuery, TrafficQuery
from winnow.api.predict import caller_of
from winnow.client.live_answers import (
    Comparison,
    LivePage,
    Measurement,
    ReportsPage,
    RunReport,
    TrafficBucket,
    TrafficPage,
)
from winnow.serving.comparing import compare_versions

router = APIRouter(tags=["live"])


@router.get("/services/{service}/traffic", responses=refusals(404, 422, 503), dependencies=[VIEWER])
def show_traffic(
    service: ServiceName, workspace: UseWorkspace, query: Annotated[TrafficQuery, Query()]
) -> TrafficPage:
    """What was asked lately, in equal stretches of whole minutes, oldest first, the present minute last."""
    return TrafficPage(
        tuple(
            TrafficBucket(
                since=stretch.since,
                seconds=stretch.seconds,
                answered=stretch.totals.answered,
                refused=stretch.totals.refused,
                failed=stretch.totals.failed,
                overloaded=stretch.totals.overloaded,
                late=stretch.totals.late,
                p50_ms=stretch.totals.p50_ms,
                p95_ms=stretch.totals.p95_ms,
            )
            for stretch in workspace.traffic(service, query.hours, query.buckets)
        )
    )


@router.get("/services/{service}/live", responses=refusals(404, 422, 503), dependencies=[VIEWER])
def show_live(service: ServiceName, workspace: UseWorkspace, query: Annotated[LiveQuery, Query()]) -> LivePage:
    """How the champion does in use: its quality by what people corrected, and drift; now, and before, newest first.

    `latest` is null where the champion was not measured yet. `history` holds earlier champions too.
    """
    found = [as_answer(Measurement, measurement) for measurement in workspace.measurements(service, query.n)]
    champion = workspace.champion(service)
    of_champion = found and champion is not None and found[0].version == champion.number
    return LivePage(found[0] if of_champion else None, tuple(found))


@router.get("/services/{service}/compare", responses=refusals(404, 409, 422, 500, 503), dependencies=[VIEWER])
async def compare(
    service: ServiceName, runtime: UseRuntime, request: Request, query: Annotated[CompareQuery, Query()]
) -> Comparison:
    """Put the same held-out rows, at most five hundred, to two versions: who is right, and where they differ."""
    asked, database = runtime.service(service), runtime.workspace.database
    found = await compare_versions(asked, database, query.first, query.second, caller_of(request.scope))
    return Comparison(first=query.first, second=query.second, **asdict(found))


@router.get("/services/{service}/reports", responses=refusals(404, 422, 503), dependencies=[VIEWER])
def list_reports(
    service: ServiceName, workspace: UseWorkspace, query: Annotated[ReportsQuery, Query()]
) -> ReportsPage:
    """The reports of finished runs, newest first: how every candidate did from run to run."""
    return ReportsPage(tuple(as_answer(RunReport, entry) for entry in workspace.reports(service, query.n)))
