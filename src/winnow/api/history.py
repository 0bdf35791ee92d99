"""The history of predictions, and feedback on them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from winnow.api.access import Before, Limit, UseWorkspace, refusals
from winnow.api.schemas import FeedbackRequest, HistoryEntry, HistoryPage
from winnow.store.predictions import HistoryFilter

router = APIRouter(tags=["history"])


@router.get("/services/{service}/history", responses=refusals(404, 422))
def show_history(  # noqa: PLR0913, PLR0917  (one parameter for each filter)
    service: str,
    workspace: UseWorkspace,
    n: Limit = 100,
    before: Before = None,
    label: Annotated[str | None, Query(description="Only answers with this label.")] = None,
    version: Annotated[int | None, Query(description="Only answers of this version.")] = None,
    text: Annotated[str | None, Query(description="Only inputs that contain this, in any case.")] = None,
    since: Annotated[datetime | None, Query(description="Only from this moment on.")] = None,
    until: Annotated[datetime | None, Query(description="Only before this moment.")] = None,
) -> HistoryPage:
    """The newest predictions first."""
    only = HistoryFilter(before=before, label=label, version=version, text=text, since=since, until=until)
    return HistoryPage.model_validate({"predictions": workspace.history(service, n, only)})


@router.post("/predictions/{prediction_id}/feedback", responses=refusals(404, 422))
def give_feedback(prediction_id: str, request: FeedbackRequest, workspace: UseWorkspace) -> HistoryEntry:
    """Say what the right answer is. It becomes an example, and the next run learns from it."""
    return HistoryEntry.model_validate(workspace.give_feedback(prediction_id, request.target))
