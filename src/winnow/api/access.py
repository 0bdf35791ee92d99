"""What the routes share: how they reach the runtime, ids in paths, answers from domain objects, and refusals."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Path, Request
from pydantic import AfterValidator

from winnow.errors import NotFound
from winnow.runtime import Runtime
from winnow.workspace import Workspace

T = TypeVar("T")

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that a route may answer with. `winnow.api.documentation` says what each of them means."""
    return {status: {} for status in statuses}


def as_answer(kind: type[T], thing: object) -> T:
    """What the API shows of a domain object: its attributes of the same names."""
    names = (field.name for field in fields(kind))  # type: ignore[arg-type]  # T is a dataclass of client.answers
    return kind(**{name: getattr(thing, name) for name in names})


def _runtime(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


def _workspace(request: Request) -> Workspace:
    return _runtime(request).workspace


def _known_form(given: str) -> str:
    """Refuse what no id looks like here: nothing can be found under it, and not every store can look for it."""
    if _ID.fullmatch(given) is None:
        raise NotFound(
            f"there is nothing with the id {given[:60]!r}: ids look like 01a2b3c4-d5e6-7f80-9a1b-2c3d4e5f6071"
        )
    return given


UseRuntime = Annotated[Runtime, Depends(_runtime)]
UseWorkspace = Annotated[Workspace, Depends(_workspace)]
ServiceName = Annotated[
    str, Path(description="Name of the service, as winnow.toml has it.", examples=["sentiment"])
]
RunId = Annotated[str, Path(description="Id of the run."), AfterValidator(_known_form)]
Ticket = Annotated[str, Path(description="Ticket of the job."), AfterValidator(_known_form)]
PredictionId = Annotated[str, Path(description="Id of the prediction."), AfterValidator(_known_form)]
