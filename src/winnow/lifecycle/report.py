"""The report of a run: what `Run.report` holds and `GET /services/{s}/runs/{r}` answers. JSON-ready."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict


class LabelCount(TypedDict):
    """Examples of one label."""

    train: int
    test: int


class Counts(TypedDict):
    """Examples of the snapshot: distinct inputs, each with its newest target.

    `left_out`: label → examples that have it although winnow.toml names it no more; they were not used.
    """

    examples: int
    train: int
    test: int
    labels: dict[str, LabelCount]
    left_out: dict[str, int]


class SplitReport(TypedDict):
    """How the examples were split."""

    rule: str
    test_share: float


class CandidateReport(TypedDict):
    """One candidate. A failed one has its `error`, and None for whatever it did not get to.

    `metrics` are those of the task (see `winnow.tasks.classification.metrics`) on the test rows, and `interval` the
    95 % bootstrap intervals of accuracy and f1_macro, [low, high]. `predict` is {p50_ms, p95_ms, per_second},
    `size_mb` the bundle in 10^6 bytes. `gates` are as in `winnow.lifecycle.gates.GateResult`, `reasons` their
    sentences. `version` is its number in the registry; None where it failed, and for the baseline.
    """

    name: str
    family: str
    parameters: Mapping[str, Any]
    status: Literal["fitted", "failed"]
    error: str | None
    version: int | None
    metrics: Mapping[str, Any] | None
    interval: Mapping[str, Sequence[float] | None] | None
    fit_seconds: float | None
    predict: Mapping[str, float] | None
    size_mb: float | None
    gates: list[dict[str, Any]]
    reasons: list[str]


class ChampionReport(TypedDict):
    """The champion on the same test rows. Where it could not be used, `error` says why, and the rest is None."""

    version: int
    metrics: Mapping[str, Any] | None
    interval: Mapping[str, Sequence[float] | None] | None
    predict: Mapping[str, float] | None
    error: str | None


class Decision(TypedDict):
    """Which version took over, if one did, and why, or why none.

    `chosen` is the best version of those that meet their gates, whether it took over or waits for a person; None
    where no candidate meets them.
    """

    promoted: int | None
    chosen: int | None
    reasons: list[str]


class Report(TypedDict):
    """The whole.

    `baseline` is the candidate `majority`, which is measured in every run and registered only where
    winnow.toml lists it. `seconds` is the time of the whole run, `libraries` the versions that it ran with.
    """

    run: str
    service: str
    task: str
    snapshot: int
    primary_metric: str
    counts: Counts
    split: SplitReport
    candidates: list[CandidateReport]
    baseline: CandidateReport
    champion: ChampionReport | None
    decision: Decision
    seconds: float
    libraries: dict[str, str]
