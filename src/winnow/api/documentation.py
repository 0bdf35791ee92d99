"""The OpenAPI document: what FastAPI finds in the routes, and what it cannot know of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from fastapi import FastAPI
from pydantic import TypeAdapter

from winnow.api.doors import Door, doors_of
from winnow.api.problems import CHALLENGE
from winnow.client.answers import Problem
from winnow.client.problems import MEDIA_TYPE
from winnow.domain import Role

_MEANING: Mapping[int, str] = MappingProxyType(
    {
        401: "Nobody knows who sent this: there are no credentials, or wrong ones.",
        403: "The sender's role is too low, or a page of another site sent it.",
        404: "There is no such thing; the detail names what is close.",
        409: "The present state forbids it. Where gates do, `failures` says which and by how much; where a job "
        "failed, `job_error` is its own problem.",
        410: "The result was kept for its time, and is gone.",
        413: "The body has more bytes than the process reads.",
        422: "The request, or what it carries, cannot be used as it was sent. A refused file has its `report`.",
        429: "Refused before any work: come back after the seconds in `Retry-After`.",
        500: "Winnow, or the model, failed on this request; the log has the reason under the request's id.",
        503: "There is no champion yet, or the store did not answer.",
        504: "No answer within the service's time.",
    }
)
_REQUEST_ID = {
    "description": "The request's id in the log: the one that was sent in this header, or a new one.",
    "schema": {"type": "string"},
}
_SIGN_IN = {"description": "How to sign in.", "schema": {"type": "string", "examples": [CHALLENGE]}}
_SCHEMES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "bearer": {"type": "http", "scheme": "bearer", "description": "A token, or the session of somebody."},
        "basic": {"type": "http", "scheme": "basic", "description": "The name and the password of an account."},
    }
)
RETRY_AFTER = {"description": "Seconds after which to come back.", "schema": {"type": "integer", "minimum": 1}}

TAGS = [
    {"name": "services", "description": "What is served, and the question put to it."},
    {"name": "jobs", "description": "Work for later: a ticket at once, and the result when it is ready."},
    {"name": "library", "description": "Images: those to pick from, and those that were asked about."},
    {"name": "history", "description": "Every answered input, and what people said of it."},
    {"name": "examples", "description": "The labelled inputs that a service learns from."},
    {"name": "runs", "description": "Training in the background, with a state to poll and a report at the end."},
    {"name": "versions", "description": "The registry: trained models, and who of them answers users."},
    {"name": "live", "description": "How a service does in use: traffic, quality, drift."},
    {"name": "alerts", "description": "Conditions that a person should know of."},
    {"name": "accounts", "description": "Who may do what, and who did."},
    {"name": "classic", "description": "The routes of older systems, where winnow.toml names a service for them."},
    {"name": "operations", "description": "Is it alive, is it ready, how is it doing."},
]


class DocumentedAPI(FastAPI):
    """A FastAPI application whose document says how Winnow refuses."""

    def openapi(self) -> dict[str, Any]:
        """Return the document, which is made once."""
        if self.openapi_schema is None:
            doors = {door.route.name: door for door in doors_of(self)}
            self.openapi_schema = _complete(super().openapi(), doors)
        return self.openapi_schema


def _complete(document: dict[str, Any], doors: Mapping[str, Door]) -> dict[str, Any]:
    document["components"]["securitySchemes"] = dict(_SCHEMES)
    schemas = document["components"]["schemas"]
    schemas["Problem"] = TypeAdapter(Problem).json_schema()
    for name in ("HTTPValidationError", "ValidationError"):  # FastAPI's own shape, which nothing answers with
        schemas.pop(name, None)
    for method, operation in _operations(document):
        responses = operation["responses"]
        role = doors[operation["operationId"]].role
        _say_who(operation, role)
        responses.setdefault("401", {})
        if method != "get" or role is not None:
            responses.setdefault("403", {})
        responses.setdefault("500", {})
        if "requestBody" in operation:
            responses.setdefault("413", {})
        for status, response in responses.items():
            response.setdefault("headers", {})["X-Request-ID"] = _REQUEST_ID
            if int(status) >= 400:
                _refuses(int(status), response)
        operation["responses"] = dict(sorted(responses.items()))
    return document


def _say_who(operation: dict[str, Any], role: Role | None) -> None:
    """Say which role an operation takes, and how one shows that one has it."""
    operation["security"] = [] if role is None else [{name: []} for name in _SCHEMES]
    if role is not None:
        operation["description"] += f"\n\nTakes the role `{role}`."


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for methods in document["paths"].values():
        yield from methods.items()


def _refuses(status: int, response: dict[str, Any]) -> None:
    response["description"] = _MEANING[status]
    response["content"] = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    if status == 401:
        response["headers"]["WWW-Authenticate"] = _SIGN_IN
    if status == 429:
        response["headers"]["Retry-After"] = RETRY_AFTER
