"""Snapshots: each act of adding examples, and the files that were kept of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import StreamingResponse

from winnow.api.access import ADMIN, EDITOR, ServiceName, UseWorkspace, as_answer, refusals
from winnow.api.data_schemas import SnapshotNumber, SnapshotsQuery
from winnow.api.results import attachment
from winnow.client.data_answers import Snapshot, SnapshotsPage
from winnow.store import example_counts, uploads

router = APIRouter(tags=["examples"])

_SENT: Mapping[int | str, dict[str, Any]] = {
    200: {
        "description": "The file.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.get("/services/{service}/snapshots", responses=refusals(404, 422, 503), dependencies=[EDITOR])
def list_snapshots(
    service: ServiceName, workspace: UseWorkspace, query: Annotated[SnapshotsQuery, Query()]
) -> SnapshotsPage:
    """Who added what when, newest first. Runs say by these numbers what they learned from."""
    workspace.config(service)
    with workspace.database.read() as connection:
        found = example_counts.snapshots(connection, service, query.n, query.before)
    return SnapshotsPage(tuple(as_answer(Snapshot, snapshot) for snapshot in found))


@router.get(
    "/services/{service}/snapshots/{number}/file",
    response_class=StreamingResponse,
    responses={**_SENT, **refusals(404, 410, 422, 503)},
    dependencies=[ADMIN],
)
def download_uploaded_file(
    service: ServiceName,
    number: Annotated[SnapshotNumber, Path(description="Number of the snapshot.")],
    workspace: UseWorkspace,
) -> StreamingResponse:
    """The file that made a snapshot, as it was sent; where rows were erased on request, with blanks in their place.

    `X-Upload-SHA256` is the hash of the file as it was sent.
    """
    workspace.config(service)
    with workspace.database.read() as connection:
        upload = uploads.get(connection, service, number)
    headers = {
        "Content-Disposition": attachment(upload.name),
        "Content-Length": str(upload.size_bytes),
        "X-Content-Type-Options": "nosniff",
        "X-Upload-SHA256": upload.sha256,
    }
    parts = uploads.parts(workspace.database, upload.batch_id)
    return StreamingResponse(parts, headers=headers, media_type="application/octet-stream")
