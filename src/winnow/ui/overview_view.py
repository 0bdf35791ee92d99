"""What the overview says of a service: pure functions over what the API answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from winnow.client.answers import Run, Service, Version
from winnow.client.live_answers import LivePage, TrafficBucket
from winnow.domain import Status
from winnow.ui.words import NOTHING, ago, counted, decimals, gates_words, milliseconds, number, percent

_STATES: Mapping[str, str] = {
    "untrained": "No version answers yet.",
    "degraded": "The newest champion could not be loaded; the one before it answers.",
}


def state_words(service: Service) -> str | None:
    """What is wrong with a service, in a sentence; None where nothing is."""
    return service.problem or _STATES.get(service.state)


def next_step(service: Service, newest: Run | None = None) -> str:
    """What to do about a service that has no champion (Markdown). `newest` is its newest run."""
    if newest is not None and newest.status is Status.FINISHED:
        return "The last training promoted nobody: the page **Reports** says why."
    if service.examples == 0:
        return "Bring labelled examples in on the page **Data**, then start a training on the page **Models**."
    return (
        f"There are {counted(service.examples, 'example')} to learn from: start a training on the page **Models**."
    )


def champion_figures(version: Version) -> dict[str, str]:
    """The champion and how good it was on the test rows of its run."""
    metrics = version.metrics
    return {
        "Champion": f"version {version.number}",
        "Accuracy": percent(metrics.get("accuracy"), 1),
        "Macro F1": decimals(metrics.get("f1_macro")),
        "Gates": gates_words(version.gates),
    }


def missed_gates(gates: Sequence[Mapping[str, Any]]) -> list[str]:
    """Why a version does not meet its gates, one sentence for each that it misses."""
    return [str(gate["reason"]) for gate in gates if not gate["passed"]]


def use_figures(service: Service, traffic: Sequence[TrafficBucket], live: LivePage | None) -> dict[str, str]:
    """How a service is used: answers of the last day, how fast, its examples, and how often it is right."""
    return {
        "Answered, 24 h": number(sum(bucket.answered for bucket in traffic)),
        "Latency, 95 %": milliseconds(slowest_p95(traffic)),
        "Examples": number(service.examples),
        "Right in use": live_words(live),
    }


def slowest_p95(traffic: Sequence[TrafficBucket]) -> float | None:
    """The highest 95th percentile of any stretch of time, in milliseconds; None where nothing was answered."""
    return max((bucket.p95_ms for bucket in traffic if bucket.p95_ms is not None), default=None)


def live_words(live: LivePage | None) -> str:
    """How often the champion is right where people said so; a dash where too few did."""
    latest = live.latest if live else None
    accuracy = latest.figures.get("accuracy") if latest else None
    return NOTHING if accuracy is None else percent(accuracy, 1)


def interval_words(live: LivePage | None) -> str | None:
    """Between what the live accuracy may lie, in a sentence; None where it was not measured."""
    latest = live.latest if live else None
    interval = latest.figures.get("interval") if latest else None
    if latest is None or not interval:
        return None
    low, high = interval
    return (
        f"Right in use: measured on {counted(latest.feedback, 'corrected or confirmed prediction')}, "
        f"between {percent(low, 1)} and {percent(high, 1)}. People mostly speak up about what is wrong, so the "
        "true share is often higher."
    )


def run_words(run: Run | None) -> str:
    """How the newest run stands, in a sentence."""
    if run is None:
        return "Never trained here."
    when = ago(run.finished_at or run.started_at or run.created_at)
    match run.status:
        case Status.QUEUED:
            return "A training waits for its turn."
        case Status.STARTED:
            done = (run.progress or {}).get("done")
            return f"Being trained now{'' if done is None else f', {percent(done)} done'}."
        case Status.FAILED:
            return f"The last training failed {when}: {run.error}"
        case _:
            return f"Last trained {when}." if run.status is Status.FINISHED else f"Last training cancelled {when}."
