"""From an answer that is a refusal to the error that the service raised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import httpx2

from winnow import errors

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:winnow:problem:"
"""Of a problem's `type`; what follows is the `kind` of its error."""
_MEMBERS = ("type", "title", "status", "instance", "error", "error_code", "message")
"""What every problem has beside its detail, and an error has not."""


def error_of(response: httpx2.Response) -> errors.WinnowError:
    """Word a refusal as the error of `winnow.errors` that its problem names, with the id of the request."""
    problem = _problem(response)
    error = _unexpected(response) if problem is None else _rebuild(problem, response.status_code)
    error.request_id = response.headers.get("x-request-id")
    return error


def _problem(response: httpx2.Response) -> Mapping[str, Any] | None:
    if not response.headers.get("content-type", "").startswith(MEDIA_TYPE):
        return None
    try:
        content = response.json()
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _rebuild(problem: Mapping[str, Any], status: int) -> errors.WinnowError:
    """Make the error again. What only makes sense inside the service is an `UnexpectedAnswer` to its caller."""
    kind = str(problem.get("type", "")).removeprefix(TYPE_PREFIX)
    detail = str(problem.get("detail") or problem.get("title") or f"HTTP status {status}")
    match kind:
        case "overloaded":
            return errors.Overloaded(detail, _seconds(problem.get("retry_after")))
        case "gate-refused":
            return errors.GateRefused(detail, problem.get("failures", ()))
        case "file-refused":
            return errors.FileRefused(detail, problem.get("report"))
        case "job-failed":
            return errors.JobFailed(detail, _kept(problem.get("job_error")))
    known = {error.kind(): error for error in _of_one_sentence(errors.WinnowError)}
    return known[kind](detail) if kind in known else errors.UnexpectedAnswer(detail, status)


def _kept(problem: object) -> Mapping[str, Any]:
    """The error of a job as the job itself has it: its kind, its sentence and its facts."""
    if not isinstance(problem, dict):
        return {}
    facts = {name: value for name, value in problem.items() if name not in _MEMBERS}
    return {"kind": str(problem.get("type", "")).removeprefix(TYPE_PREFIX), **facts}


def _of_one_sentence(root: type[errors.WinnowError]) -> Iterator[type[errors.WinnowError]]:
    """The errors of the tree that are made of their sentence alone."""
    for error in root.__subclasses__():
        if error.__init__ is Exception.__init__:
            yield error
        yield from _of_one_sentence(error)


def _unexpected(response: httpx2.Response) -> errors.UnexpectedAnswer:
    request = response.request
    shown = f"{request.method} {request.url} was answered with {response.status_code} {response.reason_phrase}"
    where = response.headers.get("location")
    if where is not None:
        return errors.UnexpectedAnswer(
            f"{shown} and sent to {where}: is this Winnow's address?", response.status_code
        )
    kind = response.headers.get("content-type", "nothing").partition(";")[0]
    return errors.UnexpectedAnswer(f"{shown} and {kind}: that was not Winnow", response.status_code)


def _seconds(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 1.0
