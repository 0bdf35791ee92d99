"""The history of predictions, and feedback on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from winnow.api.access import (
    EDITOR,
    VIEWER,
    PredictionId,
    ServiceName,
    UseIdentity,
    UseWorkspace,
    as_answer,
    refusals,
)
from winnow.api.data_schemas import HistoryExportQuery
from winnow.api.results import attachment
from winnow.api.schemas import FeedbackRequest, HistoryQuery
from winnow.client.answers import HistoryEntry, HistoryPage
from winnow.lifecycle.exporting import history_head, history_rows
from winnow.store.predictions import HistoryFilter
from winnow.workspace import Workspace

router = APIRouter(tags=["history"])

_EXPORT_PAGE = 1_000
_EXPORTED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The predictions.",
        "content": {"text/csv": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.get("/services/{service}/history", responses=refusals(404, 422, 503), dependencies=[VIEWER])
def show_history(
    service: ServiceName, workspace: UseWorkspace, query: Annotated[HistoryQuery, Query()]
) -> HistoryPage:
    """The newest predictions first. Filters narrow each other; `before` goes back from page to page."""
    only = HistoryFilter(**query.model_dump(exclude={"n"}))
    found = workspace.history(service, query.n, only)
    return HistoryPage(tuple(as_answer(HistoryEntry, prediction) for prediction in found))


@router.get(
    "/services/{service}/history/export",
    response_class=StreamingResponse,
    responses={**_EXPORTED, **refusals(404, 422, 503)},
    dependencies=[VIEWER],
)
def export_history(
    service: ServiceName, workspace: UseWorkspace, query: Annotated[HistoryExportQuery, Query()]
) -> StreamingResponse:
    """The history as CSV, newest first. Filters narrow each other.

    It is for people: a cell that a spreadsheet would carry out as a formula begins with an apostrophe.
    """
    workspace.config(service)
    only = HistoryFilter(**query.model_dump(exclude={"n"}))
    headers = {"Content-Disposition": attachment(f"{service}-history.csv"), "X-Content-Type-Options": "nosniff"}
    rows = _exported(workspace, service, only, query.n)
    return StreamingResponse(rows, headers=headers, media_type="text/csv; charset=utf-8")


def _exported(workspace: Workspace, service: str, only: HistoryFilter, most: int | None) -> Iterator[bytes]:
    """The file page by page, each read in a transaction of its own: a download may take as long as it likes."""
    yield history_head()
    left = most
    while left is None or left > 0:
        page = _EXPORT_PAGE if left is None else min(left, _EXPORT_PAGE)
        found = workspace.history(service, page, only)
        yield history_rows(found)
        if len(found) < page:
            return
        only = replace(only, before=found[-1].id)
        left = None if left is None else left - page


@router.post("/predictions/{prediction_id}/feedback", responses=refusals(404, 422, 503), dependencies=[EDITOR])
def give_feedback(
    prediction_id: PredictionId, request: FeedbackRequest, workspace: UseWorkspace, identity: UseIdentity
) -> HistoryEntry:
    """Say what the right answer is. It becomes an example, and the next run learns from it."""
    return as_answer(HistoryEntry, workspace.give_feedback(prediction_id, request.target, identity.name))
