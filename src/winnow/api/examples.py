"""Examples: the labelled inputs that a service learns from."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, UploadFile
from starlette.status import HTTP_201_CREATED

from winnow.api.access import Before, Limit, UseWorkspace, refusals
from winnow.api.schemas import ExampleOut, ExampleRequest, ExamplesPage

router = APIRouter(tags=["examples"])


@router.get("/services/{service}/examples", responses=refusals(404))
def list_examples(service: str, workspace: UseWorkspace, n: Limit = 100, before: Before = None) -> ExamplesPage:
    """The newest examples first."""
    rows = workspace.examples(service, n, before)
    return ExamplesPage.model_validate({"count": workspace.example_count(service), "examples": rows})


@router.post("/services/{service}/examples", status_code=HTTP_201_CREATED, responses=refusals(404, 422))
def add_example(service: str, request: ExampleRequest, workspace: UseWorkspace) -> ExampleOut:
    """Add one labelled input. Adding the same one again changes nothing."""
    return ExampleOut.model_validate(workspace.add_example(service, request.input, request.target))


@router.post("/services/{service}/examples/upload", responses=refusals(404, 413, 422))
def upload_examples(
    service: str,
    file: UploadFile,
    workspace: UseWorkspace,
    keep_good: Annotated[bool, Query(description="Keep the good rows of a file that has bad ones.")] = False,
) -> dict[str, Any]:
    """Add a CSV or JSONL file: all of its rows or none, unless `keep_good`. Answers with the row-by-row report."""
    report = workspace.load(service, file.file, name=file.filename or "upload.csv", keep_good=keep_good)
    return dict(report.to_json())
