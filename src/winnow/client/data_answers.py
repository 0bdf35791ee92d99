"""What the API answers about a service's data. As `winnow.client.answers`, of which this is a part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from winnow.client.answers import Id
from winnow.domain import Target


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The dataset up to one act of adding."""

    number: Annotated[int, Field(description="What `export` and runs name it by.")]
    source: Annotated[str, Field(examples=["upload:reviews.csv", "api", "feedback"])]
    rows: Annotated[int, Field(description="Examples that were added by it.")]
    account: Annotated[str | None, Field(description="Who added them.")]
    upload: Annotated[bool, Field(description="Whether the file is kept as it was sent.")]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SnapshotsPage:
    """Snapshots, newest first. `before` of the next page is the last number of this one."""

    snapshots: Sequence[Snapshot]


@dataclass(frozen=True, slots=True)
class ExampleCount:
    """How many examples came on one day from one kind of source with one label (in UTC)."""

    day: date
    source: Annotated[str, Field(description="upload, api or feedback.")]
    label: Annotated[str, Field(description="Where several labels apply, the example counts for each.")]
    examples: int


@dataclass(frozen=True, slots=True)
class ExampleCounts:
    """How the dataset grew."""

    examples: Annotated[int, Field(description="All of them, repeated inputs included.")]
    inputs: Annotated[int, Field(description="Different inputs.")]
    counts: Sequence[ExampleCount]


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one example says of an input."""

    id: Id
    target: Target
    source: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An input that examples say different things of. The newest counts."""

    input: str
    opinions: Annotated[Sequence[Opinion], Field(description="Newest first.")]


@dataclass(frozen=True, slots=True)
class DisagreementsPage:
    """Inputs with several targets, the newest disagreement first, and how many there are in all."""

    count: int
    disagreements: Sequence[Disagreement]


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was erased, or would be. `versions` are those whose files hold the text and had to be changed."""

    dry_run: bool
    examples: int
    predictions: int
    feedback: int
    jobs: int
    uploads: int
    versions: Sequence[int]
