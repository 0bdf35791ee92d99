"""What the routes share: how they reach the runtime, their bounds, and the refusals that all of them document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Query, Request

from winnow.api.schemas import Problem
from winnow.runtime import Runtime
from winnow.workspace import Workspace


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that a route may answer with, for the documentation."""
    return {status: {"model": Problem, "description": _MEANING[status]} for status in statuses}


def _runtime(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


def _workspace(request: Request) -> Workspace:
    return _runtime(request).workspace


UseRuntime = Annotated[Runtime, Depends(_runtime)]
UseWorkspace = Annotated[Workspace, Depends(_workspace)]
Limit = Annotated[int, Query(ge=1, le=1000, description="How many to answer with at most.")]
Before = Annotated[
    str | None, Query(description="Only what is older than this id: the last one of the page before.")
]

_MEANING: Mapping[int, str] = {
    404: "There is no such thing; the detail names what is close.",
    409: "The present state forbids it.",
    413: "The body is too large.",
    422: "The request, or what it carries, cannot be used as it was sent.",
    429: "Refused before any work: come back after the seconds in `Retry-After`.",
    503: "No champion yet, or the history could not be written.",
    504: "No answer within the service's time.",
}
