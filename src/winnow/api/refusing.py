"""What FastAPI refuses or fails at, worded as every other problem; and what it says of methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from winnow.api.problems import http_problem, problem_of, problem_response
from winnow.errors import InvalidInput, WinnowError

BUG = "Winnow failed on this request: its log says why"
_METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")


async def refuse_known(request: Request, error: Exception) -> Response:
    """Word an error of Winnow's own."""
    assert isinstance(error, WinnowError)
    return problem_response(problem_of(error, request.state.request_id))


async def refuse_invalid(request: Request, error: Exception) -> Response:
    """Word what FastAPI finds wrong with a request, in one sentence for each key."""
    assert isinstance(error, RequestValidationError)
    sentences = dict.fromkeys(_sentence(entry) for entry in error.errors())
    return problem_response(problem_of(InvalidInput("; ".join(sentences)), request.state.request_id))


async def refuse_http(request: Request, error: Exception) -> Response:
    """Word what HTTP refuses by itself: no such route, wrong method, a body that cannot be taken apart."""
    assert isinstance(error, HTTPException)
    request_id = request.state.request_id
    match error.status_code:
        case 405:
            return _refuse_method(request)
        case 404:
            detail = f"there is no route {request.scope['path']}: /docs lists them all"
            return problem_response(http_problem(404, detail, request_id))
        case 400:  # FastAPI says so of any body that broke on the way; what broke it is the cause
            cause = error.__cause__
            known = cause if isinstance(cause, WinnowError) else _unusable(cause or error.detail)
            return problem_response(problem_of(known, request_id))
        case _:
            return problem_response(http_problem(error.status_code, error.detail, request_id))


async def answer_for_bug(request: Request, _error: Exception) -> Response:
    """Answer for a bug; the edge, which sees the error next, logs it."""
    return problem_response(http_problem(500, BUG, request.state.request_id))


def _refuse_method(request: Request) -> Response:
    """Name the methods that the path has; OPTIONS asks for nothing else."""
    allow = {"Allow": ", ".join(_methods(request))}
    if request.method == "OPTIONS":
        return Response(status_code=204, headers=allow)
    detail = f"{request.scope['path']} has no {request.method}, only {allow['Allow']}"
    return problem_response(http_problem(405, detail, request.state.request_id), allow)


def _methods(request: Request) -> Sequence[str]:
    """Of all routes that share the path; HEAD goes wherever GET does."""
    routes = request.app.routes
    has = [
        method
        for method in _METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)
    ]
    return sorted([*has, "OPTIONS", *(["HEAD"] if "GET" in has else [])])


def _unusable(reason: object) -> InvalidInput:
    return InvalidInput(f"the body cannot be read: {reason}")


def _sentence(entry: Mapping[str, Any]) -> str:
    """Name the place, and say what should be there."""
    loc = entry["loc"]
    match entry["type"]:
        case "json_invalid":
            return f"the body is not JSON: {entry['ctx']['error']} at character {loc[-1]}"
        case "extra_forbidden":
            return f"{_place(loc)}: there is no such {'key' if loc[0] == 'body' else 'parameter'}"
        case _ if loc == ("body", "file"):
            return "the body should be a form (multipart/form-data) with a file named 'file'"
        case _ if loc == ("body",):
            return "the body should be a JSON object, sent as application/json"
        case _:
            sentence = entry["msg"].removeprefix("Value error, ")
            return f"{_place(loc)}: {sentence[:1].lower()}{sentence[1:]}"


def _place(loc: Sequence[str | int]) -> str:
    return ".".join(str(part) for part in loc)
