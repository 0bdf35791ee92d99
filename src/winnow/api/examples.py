"""Examples: the labelled inputs that a service learns from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, UploadFile
from starlette.status import HTTP_201_CREATED

from winnow.api.access import ADMIN, EDITOR, ServiceName, UseWorkspace, as_answer, refusals
from winnow.api.schemas import ExampleRequest, Page, UploadQuery
from winnow.client.answers import AddedExample, ExamplesPage, LoadReport, StoredExample

router = APIRouter(tags=["examples"])


@router.get("/services/{service}/examples", responses=refusals(404, 422, 503), dependencies=[EDITOR])
def list_examples(service: ServiceName, workspace: UseWorkspace, query: Annotated[Page, Query()]) -> ExamplesPage:
    """The newest examples first, and how many there are."""
    rows = workspace.examples(service, query.n, query.before)
    return ExamplesPage(workspace.example_count(service), tuple(StoredExample(**row) for row in rows))


@router.post(
    "/services/{service}/examples",
    status_code=HTTP_201_CREATED,
    responses=refusals(404, 422, 503),
    dependencies=[EDITOR],
)
def add_example(service: ServiceName, request: ExampleRequest, workspace: UseWorkspace) -> AddedExample:
    """Add one labelled input. Adding the same one again changes nothing."""
    return as_answer(AddedExample, workspace.add_example(service, request.input, request.target))


@router.post(
    "/services/{service}/examples/upload",
    response_model=LoadReport,
    responses=refusals(404, 422, 503),
    dependencies=[ADMIN],
)
def upload_examples(
    service: ServiceName, file: UploadFile, workspace: UseWorkspace, query: Annotated[UploadQuery, Query()]
) -> Mapping[str, Any]:
    """Add a CSV or JSONL file: all of its rows or none, unless `keep_good`. Answers with the row-by-row report.

    The columns are those that winnow.toml names. The ending of the file's name tells the formats apart. Images may
    come as a ZIP with a folder for each label, or in base64 in the rows of a table.
    """
    name = file.filename or "upload.csv"
    return workspace.load(service, file.file, name=name, keep_good=query.keep_good).to_json()
