"""The rules: what a person should know of. Each is a small function of facts; the facts are gathered once a round.

A rule gives a `Finding` where something is wrong, and None where nothing is, where the rule is off, and where too
little was seen to say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from winnow.domain import Measurement, Run, Status
from winnow.project import ProjectAlerts, ServiceConfig
from winnow.store.traffic import Totals

LEAST = 20
"""Inputs, or answers, of the last minutes that a share or a percentile of them is taken seriously from."""
ROLLED_BACK = "rolled-back"
"""The rule of an alert that no condition opens: the rollback itself does."""
_NAMED = 3
"""Candidates, or workers, that a sentence names one by one."""
_LONGEST = 500
"""Characters of somebody else's sentence that an alert repeats."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something is wrong. `value` is in the rule's own unit; `detail` is a sentence for people."""

    value: float | None
    requirement: str
    detail: str


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """What is known of one service in one round.

    `run` is the newest that finished or failed, `measurement` the champion's newest. `traffic` is that of the last
    minutes. `problem` is why the newest champion does not answer, where it could not be loaded.
    """

    config: ServiceConfig
    run: Run | None = None
    measurement: Measurement | None = None
    traffic: Totals = field(default_factory=Totals)
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class ProjectFacts:
    """What is known of the whole in one round.

    `waiting_s` is for how long the oldest job that may be started has waited, `silent_s` for how long nothing was
    heard of each worker; both in seconds. `free_gb` is what is left where database and models live.
    """

    requirements: ProjectAlerts
    waiting_s: float | None = None
    silent_s: Mapping[str, float] = field(default_factory=dict)
    free_gb: float | None = None


@dataclass(frozen=True, slots=True)
class ServiceRule:
    """A rule of each service. Where it is `at_once`, its alerts neither open nor end with a delay."""

    name: str
    find: Callable[[ServiceFacts], Finding | None]
    at_once: bool = False


@dataclass(frozen=True, slots=True)
class ProjectRule:
    """A rule of the whole project."""

    name: str
    find: Callable[[ProjectFacts], Finding | None]


def gates_missed(facts: ServiceFacts) -> Finding | None:
    """The newest run failed, or ended without a candidate that meets its gates."""
    if facts.run is None:
        return None
    if facts.run.status is Status.FAILED:
        return Finding(None, "a run that ends well", f"the newest run failed: {_short(facts.run.error or '')}")
    report = facts.run.report or {}
    fitted = [entry for entry in report.get("candidates", ()) if entry["status"] == "fitted"]
    if any(not _missed(entry) for entry in fitted):
        return None
    if not fitted:
        return Finding(None, "a candidate that learns", "no candidate of the newest run could learn")
    metric = report["primary_metric"]
    best, *_ = ranked = sorted(fitted, key=lambda entry: -(entry["metrics"][metric] or 0.0))
    gate = _missed(best)[0]
    told = "; ".join(f"{entry['name']}: {_missed(entry)[0]['reason']}" for entry in ranked[:_NAMED])
    return Finding(
        gate["figure"],
        f"{gate['gate']} {gate['requirement']}",
        f"no candidate of the newest run meets its gates: {told}{_more(ranked)}",
    )


def live_quality(facts: ServiceFacts) -> Finding | None:
    """The champion's accuracy, as people corrected it, is below its gate, even at the upper end of its interval."""
    measured, gate = facts.measurement, facts.config.gates.accuracy
    if measured is None or gate is None or measured.feedback < facts.config.alerts.feedback:
        return None
    accuracy, interval = measured.figures.get("accuracy"), measured.figures.get("interval")
    if accuracy is None or interval is None or gate.met_by(interval[1]):
        return None
    return Finding(
        accuracy,
        f"accuracy {gate}",
        f"version {measured.version} is right in {_share(accuracy)} of the {measured.feedback} predictions that "
        f"people spoke on (95 % interval {_share(interval[0])} to {_share(interval[1])}), and its gate is "
        f"accuracy {gate}",
    )


def drift(facts: ServiceFacts) -> Finding | None:
    """Labels or confidence have moved away from what they were at training."""
    measured, requirement = facts.measurement, facts.config.alerts.drift
    if measured is None or requirement is None:
        return None
    named = (("labels", "label_psi"), ("confidence", "confidence_psi"))
    moved = [(value, name) for name, key in named if (value := _beyond_chance(measured.figures, key)) is not None]
    if not moved or requirement.met_by(max(moved)[0]):
        return None
    value, name = max(moved)
    return Finding(
        value,
        str(requirement),
        f"the {name} of the last {measured.rows} predictions of version {measured.version} moved away from "
        f"training: a population stability index of {value:.2f}, where {requirement} is required",
    )


def error_rate(facts: ServiceFacts) -> Finding | None:
    """Too many inputs of the last minutes got no answer though nothing was wrong with them."""
    traffic, requirement = facts.traffic, facts.config.alerts.error_rate
    lost = traffic.failed + traffic.overloaded + traffic.late
    if requirement is None or traffic.inputs < LEAST or requirement.met_by(lost / traffic.inputs):
        return None
    return Finding(
        lost / traffic.inputs,
        str(requirement),
        f"{lost} of {traffic.inputs} inputs of the last minutes got no answer: {traffic.failed} failed, "
        f"{traffic.overloaded} were refused for load, {traffic.late} were late",
    )


def latency(facts: ServiceFacts) -> Finding | None:
    """Answers take too long."""
    traffic, requirement = facts.traffic, facts.config.alerts.latency_p95_ms
    value = traffic.p95_ms
    if requirement is None or value is None or traffic.answers < LEAST or requirement.met_by(value):
        return None
    return Finding(
        value,
        f"{requirement} ms",
        f"one answer in twenty took {value:.0f} ms or longer in the last minutes ({traffic.answers} answers)",
    )


def degraded(facts: ServiceFacts) -> Finding | None:
    """The newest champion could not be loaded."""
    if facts.problem is None:
        return None
    return Finding(None, "a champion that loads", f"the newest champion does not answer: {_short(facts.problem)}")


def queue_age(facts: ProjectFacts) -> Finding | None:
    """A job has waited for too long."""
    waited = facts.waiting_s
    requirement = facts.requirements.queue_age_s
    if waited is None or requirement is None or requirement.met_by(waited):
        return None
    return Finding(waited, f"{requirement} s", f"the oldest job that may be started has waited for {_time(waited)}")


def worker_silent(facts: ProjectFacts) -> Finding | None:
    """A worker was not heard of for too long, and did not say that it ends."""
    requirement = facts.requirements.worker_silent_s
    if requirement is None:
        return None
    silent = [(seconds, name) for name, seconds in facts.silent_s.items() if not requirement.met_by(seconds)]
    if not silent:
        return None
    silent.sort(reverse=True)
    told = ", ".join(f"{name} for {_time(seconds)}" for seconds, name in silent[:_NAMED])
    return Finding(silent[0][0], f"{requirement} s", f"nothing was heard of workers: {told}{_more(silent)}")


def disk(facts: ProjectFacts) -> Finding | None:
    """The disk is nearly full."""
    requirement = facts.requirements.disk_free_gb
    if facts.free_gb is None or requirement is None or requirement.met_by(facts.free_gb):
        return None
    return Finding(
        facts.free_gb,
        f"{requirement} GB",
        f"{facts.free_gb:.1f} GB are left where database and models live",
    )


SERVICE_RULES = (
    ServiceRule("gates-missed", gates_missed, at_once=True),
    ServiceRule("live-quality", live_quality),
    ServiceRule("drift", drift),
    ServiceRule("error-rate", error_rate),
    ServiceRule("latency", latency),
    ServiceRule("degraded", degraded),
)
PROJECT_RULES = (
    ProjectRule("queue-age", queue_age),
    ProjectRule("worker-silent", worker_silent),
    ProjectRule("disk", disk),
)
AT_ONCE = frozenset({ROLLED_BACK, *(rule.name for rule in SERVICE_RULES if rule.at_once)})
"""Rules about something that happened, which is not waited for."""


def _missed(candidate: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The gates that a candidate of a report does not meet."""
    return [gate for gate in candidate["gates"] if not gate["passed"]]


def _beyond_chance(figures: Mapping[str, Any], key: str) -> float | None:
    """An index; None where it was not measured, and where as few rows could show as much by chance."""
    value = figures.get(key)
    return None if value is None or value <= (figures.get(f"{key}_by_chance") or 0.0) else float(value)


def _more(things: Sequence[object]) -> str:
    return f", and {len(things) - _NAMED} more" if len(things) > _NAMED else ""


def _share(value: float) -> str:
    return f"{value:.1%}".replace("%", " %")


def _time(seconds: float) -> str:
    """A stretch of time in the unit that one would say it in."""
    for unit, size in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"


def _short(sentence: str) -> str:
    return sentence if len(sentence) <= _LONGEST else f"{sentence[:_LONGEST]}…"
