"""What the classic routes for images answer with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from pydantic import Field


@dataclass(frozen=True, slots=True)
class ClassicInfo:
    """What a form may offer: names of models, and names of images of the library."""

    models: Annotated[Sequence[str], Field(examples=[["pixels-linear", "pixels-svm"]])]
    images: Annotated[Sequence[str], Field(examples=[["7.png"]])]


@dataclass(frozen=True, slots=True)
class ClassicTicket:
    """The ticket of a classification."""

    job_id: Annotated[str, Field(examples=["01a2b3c4-d5e6-7f80-9a1b-2c3d4e5f6071"])]


@dataclass(frozen=True, slots=True)
class ClassicAnswer:
    """How far a classification is, and its labels with their percentages, most probable first."""

    task_status: Annotated[str, Field(description="queued, started, finished or failed.")]
    data: Annotated[
        Sequence[tuple[str, float]] | None,
        Field(examples=[[["goldfish", 97.1], ["tench", 1.4]]], description="Null until it is finished."),
    ] = None
    error: Annotated[str | None, Field(description="Why it failed; absent otherwise.")] = None

    def to_json(self) -> dict[str, Any]:
        """Itself as JSON, without the error that there is not."""
        return {key: value for key, value in asdict(self).items() if key != "error" or value is not None}
