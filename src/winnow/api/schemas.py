"""What requests carry, for FastAPI's checks and documentation. Examples in it are real: a test sends each.

What the API answers with is declared in `winnow.client.answers`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SkipValidation

from winnow.domain import JobKind, PromoteMode, Status, Target

Input = Annotated[str, Field(min_length=1, pattern=r"\S"), SkipValidation]
Right = Annotated[
    Target,
    SkipValidation,
    Field(description="The right label, or the list of labels where several may apply.", examples=["positive"]),
]
"""What is wrong with an input or a target is for the service's task to say: it knows the labels."""

_LARGEST_INTEGER = 2**31 - 1  # of the databases' column
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
WEBHOOK = "An address that is told of the job's end, by a signed request."
PROMOTE = (
    "Whether the best version of this run that meets its gates takes over by itself (automatic) or waits (manual). "
    "winnow.toml says where it is left out."
)
STORABLE = r"^[^\x00]*$"  # PostgreSQL has no text with a NUL character


def _as_written(value: object) -> object:
    """Refuse bare numbers, which would be read as seconds since 1970: `20261120` is meant as a day."""
    if not isinstance(value, str) or not _DATE.match(value):
        raise ValueError("should be a moment such as 2026-11-20T15:30:00Z")
    return value


def _in_utc(moment: datetime) -> datetime:
    """Read a moment without a zone as UTC, as answers give them."""
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("is too close to the end of time") from None


Moment = Annotated[datetime, BeforeValidator(_as_written), AfterValidator(_in_utc)]
VersionNumber = Annotated[int, Field(ge=1, le=_LARGEST_INTEGER)]


class RequestModel(BaseModel):
    """A misspelt key is refused rather than passed over."""

    model_config = ConfigDict(extra="forbid")


class FeedbackRequest(RequestModel):
    """The right answer to a prediction."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"target": "positive"}]})
    target: Right


class ExampleRequest(RequestModel):
    """An input with its target."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"input": "Arrived early, works as described.", "target": "positive"}]}
    )
    input: Input
    target: Right


class PromoteRequest(RequestModel):
    """How to promote."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"force": True}]})
    force: bool = Field(default=False, description="Promote although a gate is missed; the reasons will say so.")


class TrainRequest(RequestModel):
    """How to train."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"promote": "manual"}]})
    promote: PromoteMode | None = Field(default=None, description=PROMOTE)


class Page(RequestModel):
    """Which part of a list to answer with."""

    n: Annotated[int, Field(100, ge=1, le=1000, description="How many to answer with at most.")]
    before: Annotated[
        str | None,
        Field(None, pattern=STORABLE, description="Only what is older than this id: the last of the page before."),
    ]


class ShortPage(RequestModel):
    """How much of a list to answer with."""

    n: Annotated[int, Field(20, ge=1, le=1000, description="How many to answer with at most.")]


class HistoryQuery(Page):
    """Which predictions to answer with; filters narrow each other."""

    label: Annotated[str | None, Field(None, pattern=STORABLE, description="Only answers with this label.")]
    version: Annotated[VersionNumber | None, Field(None, description="Only answers of this version.")]
    text: Annotated[
        str | None, Field(None, pattern=STORABLE, description="Only inputs that contain this, in any case.")
    ]
    since: Annotated[Moment | None, Field(None, description="Only from this moment on; UTC where it has no zone.")]
    until: Annotated[Moment | None, Field(None, description="Only before this moment; UTC where it has no zone.")]


class JobsQuery(Page):
    """Which jobs to answer with; filters narrow each other."""

    service: Annotated[str | None, Field(None, pattern=STORABLE, description="Only jobs of this service.")]
    status: Annotated[Status | None, Field(None, description="Only jobs that stand like this.")]
    kind: Annotated[JobKind | None, Field(None, description="Only jobs of this kind.")]


class WaitQuery(RequestModel):
    """How long to wait for the end of a job."""

    wait: Annotated[
        float,
        Field(
            0.0,
            ge=0,
            le=60,
            allow_inf_nan=False,
            description="Seconds to wait for the end. The answer comes as soon as the job has ended, or else then.",
        ),
    ]


class FileQuery(RequestModel):
    """How to answer the rows of a file. Fields of the form say the same."""

    version: Annotated[
        str | None,
        Field(
            None,
            min_length=1,
            max_length=200,
            pattern=r"^[ -~]+$",
            description="Number of the version to ask, or a candidate's name for its newest; else the champion.",
        ),
    ]
    top_k: Annotated[
        int | None,
        Field(None, ge=1, le=_LARGEST_INTEGER, description="How many labels to answer with, most probable first."),
    ]
    webhook: Annotated[str | None, Field(None, pattern=STORABLE, description=WEBHOOK)]


class UploadQuery(RequestModel):
    """What to do with a file that has bad rows."""

    keep_good: bool = Field(default=False, description="Keep the good rows of a file that has bad ones.")
