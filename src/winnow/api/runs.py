"""Runs: training in the background, with a state to poll."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from starlette.status import HTTP_202_ACCEPTED

from winnow.api.access import Limit, UseWorkspace, refusals
from winnow.api.schemas import RunOut, RunsPage, RunWithReport

router = APIRouter(tags=["runs"])


@router.post("/services/{service}/train", status_code=HTTP_202_ACCEPTED, responses=refusals(404, 409))
def train(service: str, workspace: UseWorkspace, response: Response) -> RunOut:
    """Train all candidates on the examples of this moment. Poll the run that `Location` names."""
    run = workspace.start_run(service)
    response.headers["Location"] = f"/services/{service}/runs/{run.id}"
    return RunOut.model_validate(run)


@router.get("/services/{service}/runs", responses=refusals(404))
def list_runs(service: str, workspace: UseWorkspace, n: Limit = 20) -> RunsPage:
    """The newest runs first."""
    return RunsPage.model_validate({"runs": workspace.runs(service, n)})


@router.get("/services/{service}/runs/{run_id}", responses=refusals(404))
def show_run(service: str, run_id: str, workspace: UseWorkspace) -> RunWithReport:
    """One run: how far it is, and its report once it is finished."""
    return RunWithReport.model_validate(workspace.run(service, run_id))


@router.delete("/services/{service}/runs/{run_id}", responses=refusals(404, 409))
def cancel_run(service: str, run_id: str, workspace: UseWorkspace) -> RunOut:
    """Cancel a run. Nothing of it is kept."""
    return RunOut.model_validate(workspace.cancel_run(service, run_id))


@router.get("/services/{service}/report", responses=refusals(404))
def show_report(service: str, workspace: UseWorkspace) -> dict[str, Any]:
    """The report of the newest finished run: every candidate beside the champion, on the same rows."""
    return dict(workspace.report(service))
