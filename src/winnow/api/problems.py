"""Errors over HTTP: one shape for all of them (RFC 9457), and the one place where they get their status.

The members `error`, `error_code` and `message` repeat the sentence for clients of other wire formats, which look
for it there.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from starlette.responses import Response

from winnow import errors
from winnow.client.problems import MEDIA_TYPE, TYPE_PREFIX

_STATUS: Mapping[type[errors.WinnowError], tuple[HTTPStatus, str]] = MappingProxyType(
    {
        errors.InvalidInput: (HTTPStatus.UNPROCESSABLE_ENTITY, "INVALID_PARAMETER_VALUE"),
        errors.TooLarge: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "INVALID_PARAMETER_VALUE"),
        errors.FileRefused: (HTTPStatus.UNPROCESSABLE_ENTITY, "INVALID_PARAMETER_VALUE"),
        errors.Unauthenticated: (HTTPStatus.UNAUTHORIZED, "UNAUTHENTICATED"),
        errors.Forbidden: (HTTPStatus.FORBIDDEN, "PERMISSION_DENIED"),
        errors.NotFound: (HTTPStatus.NOT_FOUND, "RESOURCE_DOES_NOT_EXIST"),
        errors.Expired: (HTTPStatus.GONE, "RESOURCE_DOES_NOT_EXIST"),
        errors.Conflict: (HTTPStatus.CONFLICT, "RESOURCE_CONFLICT"),
        errors.TrainingFailed: (HTTPStatus.CONFLICT, "RESOURCE_CONFLICT"),
        errors.NotReady: (HTTPStatus.SERVICE_UNAVAILABLE, "TEMPORARILY_UNAVAILABLE"),
        errors.StoreFailed: (HTTPStatus.SERVICE_UNAVAILABLE, "TEMPORARILY_UNAVAILABLE"),
        errors.Overloaded: (HTTPStatus.TOO_MANY_REQUESTS, "REQUEST_LIMIT_EXCEEDED"),
        errors.DeadlineExceeded: (HTTPStatus.GATEWAY_TIMEOUT, "DEADLINE_EXCEEDED"),
        errors.WinnowError: (HTTPStatus.INTERNAL_SERVER_ERROR, "INTERNAL_ERROR"),
    }
)
_HTTP_OWN: Mapping[int, tuple[str, str]] = MappingProxyType(
    {
        404: ("not-found", "RESOURCE_DOES_NOT_EXIST"),
        405: ("method-not-allowed", "BAD_REQUEST"),
        500: ("internal-error", "INTERNAL_ERROR"),
    }
)
"""What HTTP refuses by itself: kind and code. A bug is among them."""


CHALLENGE = 'Basic realm="winnow", charset="UTF-8"'
"""How to sign in, as HTTP says it. Browsers ask for a name and password then."""


def problem_of(error: errors.WinnowError, request_id: str) -> dict[str, Any]:
    """Word an error as a problem."""
    status, code = _status_of(type(error))
    details = dict(error.details())
    if isinstance(error, errors.JobFailed):
        details["job_error"] = kept_problem(error.error, request_id)
    return {**_problem(status, error.kind(), code, str(error), request_id), **details}


def kept_problem(words: Mapping[str, Any], request_id: str) -> dict[str, Any]:
    """Word an error as a problem that was kept as `WinnowError.to_json` has it: of a job, or of one row of it."""
    kind = str(words.get("kind", "internal-error"))
    error = next((error for error in _tree(errors.WinnowError) if error.kind() == kind), errors.WinnowError)
    status, code = _status_of(error)
    detail = str(words.get("detail", "nobody knows why"))
    facts = {name: value for name, value in words.items() if name not in ("kind", "detail")}
    return {**_problem(status, kind, code, detail, request_id), **facts}


def http_problem(status: int, detail: str, request_id: str) -> dict[str, Any]:
    """Word a refusal that is HTTP's own (no such route, wrong method) in the same shape."""
    kind, code = _HTTP_OWN.get(status, ("bad-request", "BAD_REQUEST"))
    return _problem(status, kind, code, detail, request_id)


def problem_response(content: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """Answer with a problem, its status and, where that applies, when to come back or how to sign in."""
    sent = dict(headers or {})
    if "retry_after" in content:
        sent["Retry-After"] = str(math.ceil(content["retry_after"]))
    if content["status"] == HTTPStatus.UNAUTHORIZED:
        sent["WWW-Authenticate"] = CHALLENGE
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":"), default=str)
    # a sentence may quote half of a surrogate pair, which UTF-8 has no form for
    return Response(body.encode(errors="replace"), content["status"], sent, MEDIA_TYPE)


def _status_of(error: type[errors.WinnowError]) -> tuple[HTTPStatus, str]:
    return next(_STATUS[kind] for kind in error.__mro__ if kind in _STATUS)


def _tree(root: type[errors.WinnowError]) -> Iterator[type[errors.WinnowError]]:
    yield root
    for below in root.__subclasses__():
        yield from _tree(below)


def _problem(status: int, kind: str, code: str, detail: str, request_id: str) -> dict[str, Any]:
    return {
        "type": f"{TYPE_PREFIX}{kind}",
        "title": kind.replace("-", " ").capitalize(),
        "status": int(status),
        "detail": detail,
        "instance": f"urn:request:{request_id}",
        "error": detail,
        "error_code": code,
        "message": detail,
    }
