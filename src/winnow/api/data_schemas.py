"""What requests about a service's data carry. As `winnow.api.schemas`, of which this is a part."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from winnow.api.schemas import STORABLE, HistoryQuery, Page, RequestModel, UploadQuery, VersionNumber

SnapshotNumber = VersionNumber


class ExamplesQuery(Page):
    """Which examples to answer with; filters narrow each other."""

    text: Annotated[
        str | None, Field(None, pattern=STORABLE, description="Only inputs that contain this, in any case.")
    ]
    label: Annotated[
        str | None,
        Field(None, pattern=STORABLE, description="Only examples with this label, or with it among others."),
    ]
    source: Annotated[
        str | None,
        Field(
            None,
            pattern=STORABLE,
            description="Only from here: `upload`, `api` or `feedback`, or one file: `upload:reviews.csv`.",
            examples=["upload"],
        ),
    ]


class LoadQuery(UploadQuery):
    """What to do with a file."""

    dry_run: bool = Field(
        default=False,
        description="Read and report as if it were added, and keep nothing. With `keep_good` the report says what "
        "would be added of a file that has bad rows.",
    )


class SnapshotsQuery(RequestModel):
    """Which part of the snapshots to answer with."""

    n: Annotated[int, Field(20, ge=1, le=1000, description="How many to answer with at most.")]
    before: Annotated[SnapshotNumber | None, Field(None, description="Only snapshots before this number.")]


class DisagreementsQuery(RequestModel):
    """How many disagreements to answer with."""

    n: Annotated[int, Field(50, ge=1, le=1000, description="How many to answer with at most.")]


class ExportQuery(RequestModel):
    """What to export, and how."""

    snapshot: Annotated[
        SnapshotNumber | None, Field(None, description="The dataset up to this snapshot; else all of it.")
    ]
    format: Annotated[Literal["csv", "jsonl"], Field("csv", description="The format of the file.")]


class HistoryExportQuery(HistoryQuery):
    """Which predictions to export; filters narrow each other."""

    n: Annotated[int | None, Field(None, ge=1, description="How many at most, newest first; else all.")]  # type: ignore[assignment]


class ErasureRequest(RequestModel):
    """A text that is to be erased wherever it is kept."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"text": "Jane Doe", "contains": True, "dry_run": True}]}
    )
    text: Annotated[str, Field(min_length=1, description="An input as it was asked, or a part of inputs.")]
    service: Annotated[str | None, Field(None, description="Only where this service keeps it; else everywhere.")]
    contains: bool = Field(
        default=False,
        description="Erase whatever has the text in it, in any case; it needs at least 3 characters. Else only "
        "inputs that are exactly this text.",
    )
    dry_run: bool = Field(default=False, description="Only say what would be erased.")
