"""What the API answers about a service in use. As `winnow.client.answers`, of which this is a part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from winnow.client.answers import Id
from winnow.domain import AlertState, Target


@dataclass(frozen=True, slots=True)
class TrafficBucket:
    """What was asked in one stretch of time, by inputs. The percentiles are of answers, in milliseconds."""

    since: datetime
    seconds: int
    answered: int
    refused: Annotated[int, Field(description="The row's own error.")]
    failed: Annotated[int, Field(description="The model or the store failed.")]
    overloaded: Annotated[int, Field(description="Refused for load.")]
    late: Annotated[int, Field(description="Let go at the deadline.")]
    p50_ms: float | None
    p95_ms: float | None


@dataclass(frozen=True, slots=True)
class TrafficPage:
    """Traffic of one service, oldest first, without gaps."""

    buckets: Sequence[TrafficBucket]


@dataclass(frozen=True, slots=True)
class Measurement:
    """How a version does in use, at one moment. What could not be measured is null.

    `figures`: `accuracy` on the predictions that people spoke on, with its 95 % `interval`, `f1_macro` and `recall`
    by label; `labels` and `reference_labels`, the share of each label now and on the test rows, and
    `reference_targets`, that of the right ones there; `confidence` and `reference_confidence`, in ten bins;
    `label_psi`, `label_js`, `confidence_psi` and `vocabulary_js`, how far labels, confidence and words have moved
    from training; `label_psi_by_chance` and `confidence_psi_by_chance`, what the two would stay below in 19 of 20
    cases if nothing had moved; `unseen`, the share of words that were not frequent in training, and
    `reference_unseen`; `drift_unknown`, why there are no figures of drift; and `gates`, what each gate that
    can be put to these figures says now.
    """

    id: Id
    service: str
    version: int
    rows: Annotated[int, Field(description="Predictions that were looked at.")]
    feedback: Annotated[int, Field(description="Predictions that people spoke on.")]
    figures: Mapping[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class LivePage:
    """How the champion does in use: now (null where nothing was measured yet), and before, newest first."""

    latest: Measurement | None
    history: Sequence[Measurement]


@dataclass(frozen=True, slots=True)
class Alert:
    """A condition that a person should know of."""

    id: Id
    rule: Annotated[str, Field(examples=["drift"])]
    service: Annotated[str, Field(description="Empty for what concerns the whole project.")]
    state: AlertState
    detail: Annotated[str, Field(description="What is wrong, in a sentence.")]
    value: float | None
    requirement: Annotated[str, Field(examples=["<= 0.25"])]
    since: datetime
    opened_at: datetime | None
    resolved_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None


@dataclass(frozen=True, slots=True)
class AlertsPage:
    """Alerts, newest first. `before` of the next page is the last id of this one."""

    alerts: Sequence[Alert]


@dataclass(frozen=True, slots=True)
class Difference:
    """A test row that two versions answer differently."""

    input: str
    target: Target
    first: Annotated[Mapping[str, Any], Field(description="The first version's answer.")]
    second: Annotated[Mapping[str, Any], Field(description="The second version's answer.")]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two versions on the same held-out rows: how often each alone is right, and rows on which they differ."""

    first: int
    second: int
    rows: Annotated[int, Field(description="Held-out rows of the present dataset that both were asked about.")]
    first_right: int
    second_right: int
    only_first_right: int
    only_second_right: int
    differences: Annotated[
        Sequence[Difference], Field(description="Rows with different answers, at most a hundred.")
    ]


@dataclass(frozen=True, slots=True)
class RunReport:
    """The report of one run, and when that was."""

    run: Id
    created_at: datetime
    report: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ReportsPage:
    """Reports of finished runs, newest first."""

    reports: Sequence[RunReport]
