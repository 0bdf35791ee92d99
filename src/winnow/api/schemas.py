"""What requests carry, for FastAPI's checks and documentation. Examples in it are real: a test sends each.

What the API answers with is declared in `winnow.client.answers`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SkipValidation

from winnow.domain import Target

Input = Annotated[str, Field(min_length=1, pattern=r"\S"), SkipValidation]
Right = Annotated[
    Target,
    SkipValidation,
    Field(description="The right label, or the list of labels where several may apply.", examples=["positive"]),
]
"""What is wrong with an input or a target is for the service's task to say: it knows the labels."""

_LARGEST_INTEGER = 2**31 - 1  # of the databases' column
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_STORABLE = r"^[^\x00]*$"  # PostgreSQL has no text with a NUL character


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


class _Request(BaseModel):
    """A misspelt key is refused rather than passed over."""

    model_config = ConfigDict(extra="forbid")


class OneInput(_Request):
    """One input, answered with one prediction."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"input": "It broke after two days."}]})
    input: Input


class SeveralInputs(_Request):
    """Several inputs, each of which is answered or refused by itself."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"inputs": ["It broke after two days.", "My best purchase this year."]}]}
    )
    inputs: Annotated[
        list[Any], Field(min_length=1, description="Texts; what else is among them is refused alone.")
    ]


class FeedbackRequest(_Request):
    """The right answer to a prediction."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"target": "positive"}]})
    target: Right


class ExampleRequest(_Request):
    """An input with its target."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"input": "Arrived early, works as described.", "target": "positive"}]}
    )
    input: Input
    target: Right


class PromoteRequest(_Request):
    """How to promote."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"force": True}]})
    force: bool = Field(default=False, description="Promote although a gate is missed; the reasons will say so.")


class Page(_Request):
    """Which part of a list to answer with."""

    n: Annotated[int, Field(100, ge=1, le=1000, description="How many to answer with at most.")]
    before: Annotated[
        str | None,
        Field(None, pattern=_STORABLE, description="Only what is older than this id: the last of the page before."),
    ]


class ShortPage(_Request):
    """How much of a list to answer with."""

    n: Annotated[int, Field(20, ge=1, le=1000, description="How many to answer with at most.")]


class HistoryQuery(Page):
    """Which predictions to answer with; filters narrow each other."""

    label: Annotated[str | None, Field(None, pattern=_STORABLE, description="Only answers with this label.")]
    version: Annotated[VersionNumber | None, Field(None, description="Only answers of this version.")]
    text: Annotated[
        str | None, Field(None, pattern=_STORABLE, description="Only inputs that contain this, in any case.")
    ]
    since: Annotated[Moment | None, Field(None, description="Only from this moment on; UTC where it has no zone.")]
    until: Annotated[Moment | None, Field(None, description="Only before this moment; UTC where it has no zone.")]


class UploadQuery(_Request):
    """What to do with a file that has bad rows."""

    keep_good: bool = Field(default=False, description="Keep the good rows of a file that has bad ones.")


def predict_body() -> dict[str, Any]:
    """The body of a predict request, which is decoded by hand, for the documentation."""
    schemas = [kind.model_json_schema() for kind in (OneInput, SeveralInputs)]
    return {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"title": "PredictRequest", "oneOf": schemas},
                    "examples": {
                        schema["title"]: {"summary": schema["description"], "value": schema["examples"][0]}
                        for schema in schemas
                    },
                }
            },
        }
    }
