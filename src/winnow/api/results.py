"""Results of jobs: JSON, or a file to download."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from winnow.api.access import EDITOR, Ticket, UseRuntime, refusals
from winnow.api.documentation import RETRY_AFTER
from winnow.api.problems import kept_problem, problem_of, problem_response
from winnow.client.answers import Prediction, PredictionsPage, TrainingResult
from winnow.domain import JobKind, Json
from winnow.errors import NotFinished
from winnow.jobs.desk import Desk

router = APIRouter(tags=["jobs"])

_COME_BACK_SECONDS = 1
_FILE = {"schema": {"type": "string", "format": "binary"}}
_FOUND: Mapping[int | str, dict[str, Any]] = {
    200: {
        "description": "What the job found: as predict's answer, or what training led to, or the scored file.",
        "content": {"text/csv": _FILE, "application/x-ndjson": _FILE},
    }
}
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]+")


@router.get(
    "/jobs/{ticket}/result",
    response_model=Prediction | PredictionsPage | TrainingResult,
    responses={**_FOUND, **refusals(404, 410, 503), 409: {"headers": {"Retry-After": RETRY_AFTER}}},
    dependencies=[EDITOR],
)
def show_result(ticket: Ticket, request: Request, runtime: UseRuntime) -> Response:
    """What a finished job found: predictions as predict answers them, what training led to, or a file to download.

    Where there is none: 409, with the job's own problem in `job_error` where it failed, and `Retry-After` where it
    has not ended; 410 where the result was kept for its time.
    """
    request_id: str = request.state.request_id
    desk = runtime.desk
    job = desk.job(ticket)
    try:
        if job.kind is JobKind.FILE:
            return _download(desk, ticket)
        return JSONResponse(_worded(desk.result(ticket), request_id))
    except NotFinished as error:
        headers = {} if job.status.final else {"Retry-After": str(_COME_BACK_SECONDS)}
        return problem_response(problem_of(error, request_id), headers)


def attachment(name: str) -> str:
    """The header that has a browser save a file under this name, and under no other (RFC 6266, RFC 5987)."""
    safe = _CONTROL.sub("", name.replace("\\", "/").rpartition("/")[2]).lstrip(".") or "result"
    plain = _UNSAFE.sub("_", safe)
    extended = "" if plain == safe else f"; filename*=UTF-8''{quote(safe, safe='')}"
    return f'attachment; filename="{plain}"{extended}'


def _download(desk: Desk, ticket: str) -> Response:
    """Stream a file part by part, each read in a thread and in a transaction of its own."""
    facts, parts = desk.result_file(ticket)
    headers = {
        "Content-Disposition": attachment(facts["name"]),
        "Content-Length": str(desk.result_size(ticket)),
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(parts, headers=headers, media_type=facts["media_type"])


def _worded(result: Json, request_id: str) -> Mapping[str, Any]:
    """The result with the errors of its rows as problems."""
    if "predictions" not in result:
        return dict(result)
    return {"predictions": list(_rows(result["predictions"], request_id))}


def _rows(rows: Json, request_id: str) -> Iterator[Json]:
    for row in rows:
        yield {"error": kept_problem(row["error"], request_id)} if "error" in row else row
