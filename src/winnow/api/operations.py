"""Operations: is it alive, is it ready, how is it doing."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST

from winnow.api.access import PUBLIC, VIEWER, UseRuntime, refusals
from winnow.client.answers import Live, Ready
from winnow.errors import NotReady
from winnow.store import alerts, job_counts, measurements, versions

router = APIRouter(tags=["operations"])


@router.get("/health/live", dependencies=[PUBLIC])
async def live() -> Live:
    """Whether the process answers at all. Restart it where this fails."""
    return Live("live")


@router.get("/health/ready", responses=refusals(503), dependencies=[PUBLIC])
def ready(runtime: UseRuntime) -> Ready:
    """Whether every champion is loaded and the store answers. Send no traffic where this fails."""
    with runtime.workspace.database.read() as connection:
        champions = versions.champions(connection)
    services = [name for name in runtime.workspace.project.services if name in champions]
    waiting = [name for name in services if runtime.loader.version(name) is None]
    if waiting:
        reasons = "; ".join(runtime.loader.problem(name) or f"'{name}' is being loaded" for name in waiting)
        raise NotReady(f"not every champion answers: {reasons}")
    return Ready("ready", tuple(services))


@router.get("/metrics", response_class=PlainTextResponse, responses=refusals(503), dependencies=[VIEWER])
def metrics(runtime: UseRuntime) -> Response:
    """Figures for Prometheus, of all serving processes together."""
    with runtime.workspace.database.read() as connection:
        champions, backlog = versions.champions(connection), job_counts.backlog(connection)
        measured = measurements.of_champions(connection, champions)
        opened = alerts.open_counts(connection)
    figures = runtime.metrics.render(champions, backlog, measured, opened)
    return Response(figures, media_type=CONTENT_TYPE_LATEST)
