"""What the API answers with. The one declaration of it: the client reads it, the API writes and documents it.

All are frozen dataclasses. Members that an answer has beyond these are passed over, so that an older client goes on
working with a newer Winnow. Times are UTC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from winnow.domain import JobKind, PromoteMode, Status, Target

Id = Annotated[str, Field(examples=["01a2b3c4-d5e6-7f80-9a1b-2c3d4e5f6071"])]


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a request, or one row of it, was refused (RFC 9457).

    A problem of its type may say more: `retry_after` (seconds), `failures` (the gates that were missed), `report`
    (a file, row by row), `job_error` (the problem of a job that failed).
    """

    type: Annotated[str, Field(examples=["urn:winnow:problem:not-found"], description="What programs switch on.")]
    title: Annotated[str, Field(examples=["Not found"], description="The type in words.")]
    status: Annotated[int, Field(examples=[404], description="The HTTP status.")]
    detail: Annotated[str, Field(description="What was wrong, and what would be right.")]
    instance: Annotated[str, Field(description="The request's id, as the log has it: `urn:request:...`.")]
    error: Annotated[str, Field(description="The detail again, for clients of other wire formats.")]
    error_code: Annotated[str, Field(examples=["RESOURCE_DOES_NOT_EXIST"], description="For clients of MLflow.")]
    message: Annotated[str, Field(description="The detail again, for clients of other wire formats.")]


@dataclass(frozen=True, slots=True)
class Service:
    """What is served: a question, its labels, who answers it and how it is doing."""

    name: Annotated[str, Field(examples=["sentiment"])]
    task: Annotated[str, Field(examples=["text-classification"])]
    description: Annotated[str, Field(description="The question in a sentence.")]
    state: Annotated[
        str, Field(description="ready, or untrained, or degraded (the newest champion could not be loaded).")
    ]
    problem: Annotated[str | None, Field(description="Why the newest champion does not answer, where it does not.")]
    labels: Annotated[Sequence[str] | None, Field(description="Null where the examples decide.")]
    several: Annotated[bool, Field(description="Whether several labels may apply to one input.")]
    champion: Annotated[int | None, Field(description="The version that answers users.")]
    candidates: Annotated[Sequence[str], Field(description="The ways to learn that a run compares.")]
    gates: Annotated[Mapping[str, str], Field(examples=[{"accuracy": ">= 0.8"}])]
    examples: Annotated[int, Field(description="How many examples there are to learn from.")]


@dataclass(frozen=True, slots=True)
class ServicesPage:
    """All services of the project."""

    project: Annotated[str, Field(description="The project's name.")]
    services: Sequence[Service]


@dataclass(frozen=True, slots=True)
class LibraryImage:
    """An image of a service's library, which `{"input": {"library": name}}` asks about."""

    name: Annotated[str, Field(examples=["7.png"])]
    url: Annotated[str, Field(examples=["/services/digits/library/7.png"], description="Where the image is.")]
    thumbnail: Annotated[
        str, Field(examples=["/services/digits/library/7.png/thumbnail"], description="Where a small one of it is.")
    ]


@dataclass(frozen=True, slots=True)
class LibraryPage:
    """All images of a service's library, by name."""

    images: Sequence[LibraryImage]


@dataclass(frozen=True, slots=True)
class Prediction:
    """One answered input. Keep the id: feedback names it."""

    id: Id
    scores: Annotated[
        Mapping[str, float],
        Field(description="A probability for each label.", examples=[{"negative": 0.93, "positive": 0.07}]),
    ]
    version: Annotated[int, Field(description="The version of the model that answered.", examples=[3])]
    label: Annotated[str | None, Field(description="The most probable label.", examples=["negative"])] = None
    labels: Annotated[Sequence[str] | None, Field(description="Those that apply, where several may.")] = None


@dataclass(frozen=True, slots=True)
class RowError:
    """One input that could not be answered, among others that could."""

    error: Problem


@dataclass(frozen=True, slots=True)
class PredictionsPage:
    """One entry for each input, in order."""

    predictions: Sequence[Prediction | RowError]


@dataclass(frozen=True, slots=True)
class Job:
    """Work for later. Its id is the ticket."""

    id: Id
    service: Annotated[str, Field(examples=["sentiment"])]
    kind: Annotated[JobKind, Field(description="What is done: predict, file or train.")]
    status: Annotated[Status, Field(description="The last three are final.")]
    attempt: Annotated[int, Field(description="How often a worker has taken it up.")]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    expires_at: Annotated[datetime | None, Field(description="Until when its result is kept.")]
    progress: Annotated[
        Mapping[str, Any] | None, Field(description="How far it is.", examples=[{"done": 0.4, "rows": 40_000}])
    ]
    error: Annotated[
        Mapping[str, Any] | None,
        Field(
            description="Why the last attempt failed.",
            examples=[{"kind": "model-failed", "detail": "the model broke on this input: ValueError"}],
        ),
    ]
    position: Annotated[
        int | None,
        Field(
            description="How many are started before it, of one that is queued. Lists and new tickets have none."
        ),
    ] = None
    estimated_wait: Annotated[
        float | None, Field(description="Seconds until it may be its turn, where jobs were finished lately.")
    ] = None


@dataclass(frozen=True, slots=True)
class JobsPage:
    """Jobs, newest first. `before` of the next page is the last id of this one."""

    jobs: Sequence[Job]


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What a job found that trained a service."""

    run: Annotated[str, Field(description="Id of the run, which has the report.")]
    promoted: Annotated[int | None, Field(description="The version that answers users now, if it is a new one.")]
    reasons: Annotated[Sequence[str], Field(description="Why it was promoted, or was not.")]
    chosen: Annotated[int | None, Field(description="The best version that meets its gates, promoted or not.")] = (
        None
    )


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """A prediction as the history keeps it. `latency_ms` runs from admission to the model's answer."""

    id: Id
    service: Annotated[str, Field(examples=["sentiment"])]
    input: str
    answer: Annotated[
        Mapping[str, Any],
        Field(
            description="`label`, or `labels` where several may apply, and `scores`, as in a prediction.",
            examples=[{"label": "negative", "scores": {"negative": 0.93, "positive": 0.07}}],
        ),
    ]
    version: int
    latency_ms: float
    request_id: str
    client: Annotated[str, Field(description="The address that asked.", examples=["127.0.0.1"])]
    created_at: datetime
    feedback: Annotated[Target | None, Field(description="What a person said was right.")] = None


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Predictions, newest first. `before` of the next page is the last id of this one."""

    predictions: Sequence[HistoryEntry]


@dataclass(frozen=True, slots=True)
class AddedExample:
    """What became of an example: its id, or null and `added` false where the same one was there already."""

    id: str | None
    added: bool


@dataclass(frozen=True, slots=True)
class StoredExample:
    """An example as the dataset keeps it."""

    id: Id
    input: str
    target: Target
    source: Annotated[str, Field(examples=["upload:reviews.csv", "api", "feedback"])]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ExamplesPage:
    """Examples, newest first, and how many there are. `before` of the next page is the last id of this one."""

    count: int
    examples: Sequence[StoredExample]


@dataclass(frozen=True, slots=True)
class Refusal:
    """One row of a file that was refused, and why. `line` counts from 1, as an editor does.

    Of a folder or a ZIP, a row is one file: `line` says which in order, and `file` its name.
    """

    line: int
    reason: str
    file: Annotated[str | None, Field(examples=["7/0123.png"])] = None


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What became of a file's rows.

    `rows` = `accepted` + `duplicates` + `refused`. The first thousand refusals and duplicates are listed; all are
    counted, the refused ones in `reasons` by what was wrong.
    """

    file: Annotated[str, Field(examples=["reviews.csv"])]
    format: Annotated[str, Field(examples=["csv"])]
    encoding: str | None
    separator: str | None
    rows: int
    accepted: int
    duplicates: int
    refused: int
    duplicate_lines: Sequence[int]
    refusals: Sequence[Refusal]
    reasons: Mapping[str, int]
    labels: Annotated[Mapping[str, int], Field(description="How many accepted rows have each label.")]
    batch: Annotated[int | None, Field(description="The number by which snapshots name what was added.")]


@dataclass(frozen=True, slots=True)
class Run:
    """A run: queued, started, then finished, failed or cancelled."""

    id: Id
    service: Annotated[str, Field(examples=["sentiment"])]
    status: Status
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    snapshot: Annotated[int | None, Field(description="The batch up to which it learned.")]
    progress: Annotated[
        Mapping[str, Any] | None,
        Field(examples=[{"stage": "fitting", "candidate": "linear-svm", "done": 0.4, "candidates": {}}]),
    ]
    error: Annotated[str | None, Field(description="Why it failed.")]
    report: Annotated[
        Mapping[str, Any] | None,
        Field(description="Every candidate beside the champion, on the same rows. Lists of runs leave it out."),
    ] = None
    promote: Annotated[
        PromoteMode | None, Field(description="What this run was told; winnow.toml says where it is null.")
    ] = None


@dataclass(frozen=True, slots=True)
class RunsPage:
    """Runs, newest first, without their reports."""

    runs: Sequence[Run]


@dataclass(frozen=True, slots=True)
class Version:
    """A trained model in the registry. Numbers count from 1 in each service."""

    number: int
    champion: Annotated[bool, Field(description="Whether it answers users.")]
    candidate: Annotated[str, Field(examples=["linear-svm"])]
    parameters: Mapping[str, Any]
    metrics: Annotated[Mapping[str, Any], Field(description="Its figures on the test rows of its run.")]
    gates: Annotated[
        Sequence[Mapping[str, Any]], Field(description="What each gate said of it, with figure and reason.")
    ]
    size_bytes: int
    sha256: Annotated[str, Field(description="Of its bundle's description, which holds the hash of each file.")]
    run_id: Id
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Promotion:
    """One change of champion, with its reasons."""

    version: int
    previous: Annotated[int | None, Field(description="The version that it took over from.")]
    kind: Annotated[str, Field(description="promote or rollback.")]
    reasons: Sequence[str]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class VersionsPage:
    """Versions and changes of champion, newest first."""

    versions: Sequence[Version]
    promotions: Sequence[Promotion]


@dataclass(frozen=True, slots=True)
class Live:
    """The process answers."""

    status: Annotated[str, Field(examples=["live"])]


@dataclass(frozen=True, slots=True)
class Ready:
    """Every champion answers."""

    status: Annotated[str, Field(examples=["ready"])]
    services: Annotated[Sequence[str], Field(description="Those that have a champion.")]
