"""Errors over HTTP: one shape for all of them (RFC 9457), and the one place where they get their status.

The members `error`, `error_code` and `message` repeat the sentence for clients of other wire formats, which look
for it there.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from starlette.responses import Response

from winnow import errors

MEDIA_TYPE = "application/problem+json"

_STATUS: Mapping[type[errors.WinnowError], tuple[HTTPStatus, str]] = MappingProxyType(
    {
        errors.InvalidInput: (HTTPStatus.UNPROCESSABLE_ENTITY, "INVALID_PARAMETER_VALUE"),
        errors.FileRefused: (HTTPStatus.UNPROCESSABLE_ENTITY, "INVALID_PARAMETER_VALUE"),
        errors.NotFound: (HTTPStatus.NOT_FOUND, "RESOURCE_DOES_NOT_EXIST"),
        errors.Conflict: (HTTPStatus.CONFLICT, "RESOURCE_CONFLICT"),
        errors.TrainingFailed: (HTTPStatus.CONFLICT, "RESOURCE_CONFLICT"),
        errors.NotReady: (HTTPStatus.SERVICE_UNAVAILABLE, "TEMPORARILY_UNAVAILABLE"),
        errors.StoreFailed: (HTTPStatus.SERVICE_UNAVAILABLE, "TEMPORARILY_UNAVAILABLE"),
        errors.Overloaded: (HTTPStatus.TOO_MANY_REQUESTS, "REQUEST_LIMIT_EXCEEDED"),
        errors.DeadlineExceeded: (HTTPStatus.GATEWAY_TIMEOUT, "DEADLINE_EXCEEDED"),
        errors.WinnowError: (HTTPStatus.INTERNAL_SERVER_ERROR, "INTERNAL_ERROR"),
    }
)
_CODE_OF_STATUS: Mapping[int, str] = MappingProxyType({400: "BAD_REQUEST", 404: "RESOURCE_DOES_NOT_EXIST"})


def problem_of(error: errors.WinnowError, request_id: str) -> dict[str, Any]:
    """Word an error as a problem."""
    status, code = next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)
    return {**problem(status, str(error), request_id, kind=_kind(error), code=code), **error.details()}


def problem(
    status: int, detail: str, request_id: str, *, kind: str | None = None, code: str | None = None
) -> dict[str, Any]:
    """Word a refusal that is HTTP's own (no such route, a body that is not JSON) in the same shape."""
    phrase = HTTPStatus(status).phrase
    return {
        "type": f"urn:winnow:problem:{kind or phrase.lower().replace(' ', '-')}",
        "title": (kind or phrase).replace("-", " ").capitalize(),
        "status": int(status),
        "detail": detail,
        "instance": f"urn:request:{request_id}",
        "error": detail,
        "error_code": code or _CODE_OF_STATUS.get(status, phrase.upper().replace(" ", "_")),
        "message": detail,
    }


def problem_response(content: Mapping[str, Any]) -> Response:
    """Answer with a problem, its status and, where there is one, when to come back."""
    headers = {}
    if "retry_after" in content:
        headers["Retry-After"] = str(math.ceil(content["retry_after"]))
    body = json.dumps(content, ensure_ascii=False, default=str)
    return Response(body, status_code=content["status"], headers=headers, media_type=MEDIA_TYPE)


def _kind(error: errors.WinnowError) -> str:
    """`NotFound` → `not-found`."""
    name = type(error).__name__
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")
