"""What goes over the wire, for FastAPI's documentation and checks. Examples in it are real."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Target = Annotated[
    str | list[str], Field(description="The right label, or the list of labels where several may apply.")
]


class _Wire(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Problem(_Wire):
    """Why a request was refused (RFC 9457)."""

    type: str = Field(examples=["urn:winnow:problem:not-found"])
    title: str = Field(examples=["Not found"])
    status: int = Field(examples=[404])
    detail: str = Field(description="What was wrong, and what would be right.")
    instance: str = Field(description="The request's id, as the log has it.")
    error: str
    error_code: str
    message: str


class PredictRequest(_Request):
    """One input, or several: exactly one of the two keys."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"input": "It broke after two days."},
                {"inputs": ["It broke after two days.", "My best purchase this year."]},
            ]
        }
    )
    input: str | None = Field(None, description="One input.")
    inputs: list[str] | None = Field(None, description="Several inputs; each is answered or refused by itself.")


class PredictionOut(_Wire):
    """One answered input. Keep the id: feedback names it."""

    id: str
    label: str | None = Field(None, description="The most probable label.")
    labels: list[str] | None = Field(None, description="The labels that apply, where several may.")
    scores: dict[str, float] = Field(description="A probability for each label.")
    version: int = Field(description="The version of the model that answered.")


class PredictionsOut(_Wire):
    """One entry for each input, in order: its prediction, or `{"error": problem}`."""

    predictions: list[PredictionOut | dict[str, Problem]]


class HistoryEntry(_Wire):
    """A prediction as the history keeps it."""

    id: str
    input: str
    answer: dict[str, Any]
    version: int
    latency_ms: float
    request_id: str
    client: str
    created_at: datetime
    feedback: Target | None = Field(None, description="What a person said was right.")


class HistoryPage(_Wire):
    """Predictions, newest first. `before` of the next page is the last id of this one."""

    predictions: list[HistoryEntry]


class FeedbackRequest(_Request):
    """The right answer to a prediction."""

    target: Target = Field(examples=["positive"])


class ExampleRequest(_Request):
    """An input with its target."""

    input: str = Field(examples=["Arrived early, works as described."])
    target: Target = Field(examples=["positive"])


class ExampleOut(_Wire):
    """Whether the example is new; the same input with the same target is kept once."""

    id: str | None = Field(description="Id of the new example; null where it was there already.")
    added: bool


class ExampleEntry(_Wire):
    """An example as the dataset keeps it."""

    id: str
    input: str
    target: Target
    source: str = Field(examples=["upload:reviews.csv", "api", "feedback"])
    created_at: datetime


class ExamplesPage(_Wire):
    """Examples, newest first, and how many there are."""

    count: int
    examples: list[ExampleEntry]


class RunOut(_Wire):
    """A run: poll it until its status is finished, failed or cancelled."""

    id: str
    service: str
    status: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    snapshot: int | None
    progress: dict[str, Any] | None
    error: str | None


class RunWithReport(RunOut):
    """A run with its report, once it is finished."""

    report: dict[str, Any] | None


class RunsPage(_Wire):
    """Runs, newest first."""

    runs: list[RunOut]


class VersionOut(_Wire):
    """A trained model in the registry."""

    number: int
    champion: bool
    candidate: str
    parameters: dict[str, Any]
    metrics: dict[str, Any]
    gates: Sequence[Mapping[str, Any]]
    size_bytes: int
    sha256: str
    run_id: str
    created_at: datetime


class PromotionOut(_Wire):
    """One change of champion."""

    version: int
    previous: int | None
    kind: str = Field(description="promote or rollback.")
    reasons: Sequence[str]
    created_at: datetime


class VersionsPage(_Wire):
    """Versions and changes of champion, newest first."""

    versions: list[VersionOut]
    promotions: list[PromotionOut]


class PromoteRequest(_Request):
    """How to promote."""

    force: bool = Field(default=False, description="Promote although a gate is missed; the reasons will say so.")


class ServiceOut(_Wire):
    """What is served."""

    name: str
    task: str
    description: str
    state: str = Field(description="ready, or untrained, or degraded (the newest champion could not be loaded).")
    problem: str | None = None
    labels: list[str] | None
    several: bool = Field(description="Whether several labels may apply to one input.")
    champion: int | None = Field(description="The version that answers users.")
    candidates: list[str]
    gates: dict[str, str]
    examples: int


class ServicesPage(_Wire):
    """All services of the project."""

    project: str
    services: list[ServiceOut]
