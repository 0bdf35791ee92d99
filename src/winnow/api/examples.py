"""Examples: the labelled inputs that a service learns from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from tempfile import SpooledTemporaryFile
from typing import IO, Annotated, Any, BinaryIO, cast

from fastapi import APIRouter, Query, UploadFile
from fastapi.responses import StreamingResponse
from starlette.status import HTTP_201_CREATED

from winnow.api.access import (
    ADMIN,
    EDITOR,
    ServiceName,
    UseAudit,
    UseIdentity,
    UseWorkspace,
    as_answer,
    refusals,
)
from winnow.api.data_schemas import DisagreementsQuery, ExamplesQuery, ExportQuery, LoadQuery
from winnow.api.results import attachment
from winnow.api.schemas import ExampleRequest
from winnow.client.answers import AddedExample, ExamplesPage, LoadReport, StoredExample
from winnow.client.data_answers import Disagreement, DisagreementsPage, ExampleCount, ExampleCounts, Opinion
from winnow.store import example_counts
from winnow.store.examples import ExampleFilter

router = APIRouter(tags=["examples"])

FILE: Mapping[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_IN_MEMORY = 8_000_000
_PIECE = 256_000
_EXPORTED: dict[int | str, dict[str, Any]] = {
    200: {"description": "The dataset.", "content": {"text/csv": FILE, "application/jsonl": FILE}}
}
_MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}


@router.get("/services/{service}/examples", responses=refusals(404, 422, 503), dependencies=[EDITOR])
def list_examples(
    service: ServiceName, workspace: UseWorkspace, query: Annotated[ExamplesQuery, Query()]
) -> ExamplesPage:
    """The newest examples first, and how many there are. Filters narrow each other; `before` goes back."""
    only = ExampleFilter(**query.model_dump(exclude={"n"}))
    rows = workspace.examples(service, query.n, only)
    return ExamplesPage(workspace.example_count(service, only), tuple(StoredExample(**row) for row in rows))


@router.post(
    "/services/{service}/examples",
    status_code=HTTP_201_CREATED,
    responses=refusals(404, 422, 503),
    dependencies=[EDITOR],
)
def add_example(
    service: ServiceName, request: ExampleRequest, workspace: UseWorkspace, identity: UseIdentity
) -> AddedExample:
    """Add one labelled input. Adding the same one again changes nothing.

    Where examples disagree on an input, adding it with the right target settles that: the newest counts.
    """
    added = workspace.add_example(service, request.input, request.target, account=identity.name)
    return as_answer(AddedExample, added)


@router.post(
    "/services/{service}/examples/upload",
    response_model=LoadReport,
    responses=refusals(404, 422, 503),
    dependencies=[ADMIN],
)
def upload_examples(
    service: ServiceName,
    file: UploadFile,
    workspace: UseWorkspace,
    audit: UseAudit,
    query: Annotated[LoadQuery, Query()],
) -> Mapping[str, Any]:
    """Add a CSV or JSONL file: all of its rows or none, unless `keep_good`. Answers with the row-by-row report.

    The columns are those that winnow.toml names. The ending of the file's name tells the formats apart. Images may
    come as a ZIP with a folder for each label, or in base64 in the rows of a table. The file is kept as it was
    sent. With `dry_run` there is only the report.
    """
    name = file.filename or "upload.csv"
    stream = file.file
    if query.dry_run:
        return workspace.load(service, stream, name=name, keep_good=query.keep_good, dry_run=True).to_json()
    with audit("upload", service=service, subject=name[:200], keep_good=query.keep_good):
        report = workspace.load(service, stream, name=name, keep_good=query.keep_good, account=audit.actor)
    return report.to_json()


@router.get("/services/{service}/examples/counts", responses=refusals(404, 503), dependencies=[EDITOR])
def count_examples(service: ServiceName, workspace: UseWorkspace) -> ExampleCounts:
    """How the dataset grew: examples by day, kind of source and label."""
    workspace.config(service)
    with workspace.database.read() as connection:
        counts = example_counts.by_day(connection, service)
        inputs = example_counts.inputs(connection, service)
    total = workspace.example_count(service)
    return ExampleCounts(total, inputs, tuple(ExampleCount(*count) for count in counts))


@router.get("/services/{service}/examples/disagreements", responses=refusals(404, 422, 503), dependencies=[EDITOR])
def list_disagreements(
    service: ServiceName, workspace: UseWorkspace, query: Annotated[DisagreementsQuery, Query()]
) -> DisagreementsPage:
    """Inputs that examples say different things of, newest first, each with its newest opinions.

    One whose newest example was added by itself, with POST, is settled: somebody has chosen.
    """
    workspace.config(service)
    with workspace.database.read() as connection:
        count, found = example_counts.disagreements(connection, service, query.n)
    worded = [Disagreement(text, tuple(Opinion(*opinion) for opinion in opinions)) for text, opinions in found]
    return DisagreementsPage(count, tuple(worded))


@router.get(
    "/services/{service}/examples/export",
    response_class=StreamingResponse,
    responses={**_EXPORTED, **refusals(404, 422, 503)},
    dependencies=[EDITOR],
)
def export_examples(
    service: ServiceName, workspace: UseWorkspace, query: Annotated[ExportQuery, Query()]
) -> StreamingResponse:
    """The dataset at a snapshot as a file: each input once, with the target that counts, as a run learns from it.

    The columns are those that winnow.toml names, so the file can be uploaded again. Images are in base64.
    """
    file = cast("IO[bytes]", SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115  (closed once it is sent)
    try:
        workspace.export(service, cast("BinaryIO", file), snapshot=query.snapshot, kind=query.format)
        size = file.tell()
        file.seek(0)
    except BaseException:
        file.close()
        raise
    name = service if query.snapshot is None else f"{service}-{query.snapshot}"
    headers = {
        "Content-Disposition": attachment(f"{name}.{query.format}"),
        "Content-Length": str(size),
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(_pieces(file), headers=headers, media_type=_MEDIA_TYPES[query.format])


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(_PIECE):
            yield piece
