"""The history of predictions, and feedback on them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from winnow.api.access import EDITOR, VIEWER, PredictionId, ServiceName, UseWorkspace, as_answer, refusals
from winnow.api.schemas import FeedbackRequest, HistoryQuery
from winnow.client.answers import HistoryEntry, HistoryPage
from winnow.store.predictions import HistoryFilter

router = APIRouter(tags=["history"])


@router.get("/services/{service}/history", responses=refusals(404, 422, 503), dependencies=[VIEWER])
def show_history(
    service: ServiceName, workspace: UseWorkspace, query: Annotated[HistoryQuery, Query()]
) -> HistoryPage:
    """The newest predictions first. Filters narrow each other; `before` goes back from page to page."""
    only = HistoryFilter(**query.model_dump(exclude={"n"}))
    found = workspace.history(service, query.n, only)
    return HistoryPage(tuple(as_answer(HistoryEntry, prediction) for prediction in found))


@router.post("/predictions/{prediction_id}/feedback", responses=refusals(404, 422, 503), dependencies=[EDITOR])
def give_feedback(prediction_id: PredictionId, request: FeedbackRequest, workspace: UseWorkspace) -> HistoryEntry:
    """Say what the right answer is. It becomes an example, and the next run learns from it."""
    return as_answer(HistoryEntry, workspace.give_feedback(prediction_id, request.target))
