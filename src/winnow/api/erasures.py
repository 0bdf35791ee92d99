"""Erasures: a person's text is erased wherever it is kept."""

from __future__ import annotations

from fastapi import APIRouter

from winnow.api.access import ADMIN, UseAudit, UseWorkspace, refusals
from winnow.api.data_schemas import ErasureRequest
from winnow.client.data_answers import Erasure
from winnow.lifecycle.erasure import Asked, Erased
from winnow.store.examples import digest

router = APIRouter(tags=["examples"])


@router.post("/erasures", responses=refusals(404, 409, 422, 503), dependencies=[ADMIN])
def erase_text(request: ErasureRequest, workspace: UseWorkspace, audit: UseAudit) -> Erasure:
    """Erase a person's text: from examples and their files, history, feedback, jobs and models' self-tests.

    Refused while a service is being trained. What it says of the text in the audit trail is its digest. Run it
    again where it did not end: what is gone already does no harm.
    """
    asked = Asked(request.text, request.service, request.contains)
    if request.dry_run:
        return _worded(workspace.erase(asked, dry_run=True), dry_run=True)
    subject = f"text {digest(asked.text)}"
    with audit("erase", service=asked.service, subject=subject, contains=asked.contains):
        return _worded(workspace.erase(asked), dry_run=False)


def _worded(erased: Erased, *, dry_run: bool) -> Erasure:
    return Erasure(
        dry_run=dry_run,
        examples=erased.examples,
        predictions=erased.predictions,
        feedback=erased.feedback,
        jobs=erased.jobs,
        uploads=erased.uploads,
        versions=erased.versions,
    )
