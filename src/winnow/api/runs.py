"""Runs: training in the background, with a state to poll."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from starlette.status import HTTP_202_ACCEPTED

from winnow.api.access import ADMIN, VIEWER, RunId, ServiceName, UseAudit, UseWorkspace, as_answer, refusals
from winnow.api.schemas import ShortPage, TrainRequest
from winnow.client.answers import Run, RunsPage

router = APIRouter(tags=["runs"])

_LOCATION = {"Location": {"description": "Where the run is to be polled.", "schema": {"type": "string"}}}


@router.post(
    "/services/{service}/train",
    status_code=HTTP_202_ACCEPTED,
    responses={202: {"headers": _LOCATION}, **refusals(404, 409, 422, 503)},
    dependencies=[ADMIN],
)
def train(
    service: ServiceName,
    workspace: UseWorkspace,
    audit: UseAudit,
    response: Response,
    request: TrainRequest | None = None,
) -> Run:
    """Train all candidates on the examples of this moment. Poll the run that `Location` names.

    With `promote` manual its best version waits: the report's decision names it as `chosen`.
    """
    promote = request.promote if request else None
    with audit("train", service=service, promote=promote):
        run = workspace.start_run(service, promote)
    response.headers["Location"] = f"/services/{service}/runs/{run.id}"
    return as_answer(Run, run)


@router.get("/services/{service}/runs", responses=refusals(404, 422, 503), dependencies=[VIEWER])
def list_runs(service: ServiceName, workspace: UseWorkspace, query: Annotated[ShortPage, Query()]) -> RunsPage:
    """The newest runs first, without their reports."""
    found = workspace.runs(service, query.n)
    return RunsPage(tuple(replace(as_answer(Run, run), report=None) for run in found))


@router.get("/services/{service}/runs/{run_id}", responses=refusals(404, 503), dependencies=[VIEWER])
def show_run(service: ServiceName, run_id: RunId, workspace: UseWorkspace) -> Run:
    """One run: how far it is, and its report once it is finished."""
    return as_answer(Run, workspace.run(service, run_id))


@router.delete("/services/{service}/runs/{run_id}", responses=refusals(404, 409, 503), dependencies=[ADMIN])
def cancel_run(service: ServiceName, run_id: RunId, workspace: UseWorkspace, audit: UseAudit) -> Run:
    """Cancel a run. Nothing of it is kept."""
    workspace.config(service)
    with audit("cancel-run", service=service, subject=run_id):
        return as_answer(Run, workspace.cancel_run(service, run_id))


@router.get("/services/{service}/report", responses=refusals(404, 503), dependencies=[VIEWER])
def show_report(service: ServiceName, workspace: UseWorkspace) -> dict[str, Any]:
    """The report of the newest finished run: every candidate beside the champion, on the same rows."""
    return dict(workspace.report(service))
