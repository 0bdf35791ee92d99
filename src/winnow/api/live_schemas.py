"""What requests about a service in use carry. As `winnow.api.schemas`."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from winnow.api.schemas import VersionNumber


class _Query(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TrafficQuery(_Query):
    """Which traffic to answer with, and how finely."""

    hours: Annotated[
        float, Field(24.0, ge=0.05, le=720, allow_inf_nan=False, description="The last so many hours.")
    ]
    buckets: Annotated[
        int,
        Field(
            48,
            ge=1,
            le=1000,
            description="Equal stretches of time; fewer where they would not be whole minutes.",
        ),
    ]


class LiveQuery(_Query):
    """How much of the measurements to answer with."""

    n: Annotated[int, Field(100, ge=1, le=1000, description="How many to answer with at most.")]


class ReportsQuery(_Query):
    """How many reports to answer with."""

    n: Annotated[int, Field(20, ge=1, le=200, description="How many to answer with at most.")]


class CompareQuery(_Query):
    """Which versions to compare."""

    first: Annotated[VersionNumber, Field(description="Number of one version.")]
    second: Annotated[VersionNumber, Field(description="Number of another version.")]
