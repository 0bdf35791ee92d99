"""How a run ends well: candidates judged, report and versions kept, the best promoted. All of it, or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from winnow.domain import PromoteMode, Version, now
from winnow.errors import Cancelled
from winnow.lifecycle.contenders import Champion, Failed, Fitted
from winnow.lifecycle.folders import Staging
from winnow.lifecycle.gates import GateResult, check_gates, failed, regression
from winnow.lifecycle.report import CandidateReport, ChampionReport, Decision, Report
from winnow.project import ServiceConfig
from winnow.store import Database, profiles, runs, versions


@dataclass(frozen=True, slots=True)
class Judged:
    """A candidate that learned, its figures with `regression` among them, and what the gates say of it."""

    contender: Fitted
    figures: Mapping[str, Any]
    gates: Sequence[GateResult]
    number: int

    @property
    def passed(self) -> bool:
        """Whether it meets every gate."""
        return not failed(self.gates)

    @property
    def name(self) -> str:
        """The candidate's name in reports."""
        return self.contender.spec.name

    def score(self, metric: str) -> float:
        """The figure by which candidates are ranked; one that could not be measured comes last."""
        figure = self.figures[metric]
        return float("-inf") if figure is None else float(figure)


def conclude(
    database: Database,
    config: ServiceConfig,
    staging: Staging,
    draft: Report,
    contenders: Sequence[Fitted | Failed],
    champion: Champion | None,
) -> Report | None:
    """Finish the run, register what learned and promote the best, in one transaction.

    None where the champion is no longer the one that the candidates were compared with: compare again.
    `Cancelled` where the run was ended meanwhile; nothing is kept then.
    """
    service = draft["service"]
    with database.write() as connection:
        database.lock(connection, service)
        current = versions.champion(connection, service)
        if (current and current.number) != (champion and champion.number):
            return None
        judged = _judge(config, contenders, champion, versions.next_number(connection, service))
        mode = runs.get(connection, service, draft["run"]).promote
        decision = _decide(judged, champion, draft["primary_metric"], _kept_back(config, mode))
        report = _complete(draft, contenders, judged, champion, decision)
        if not runs.finish(connection, draft["run"], report):
            raise Cancelled("the run was cancelled before its versions were registered")
        for entry in judged:
            versions.add(connection, _version(draft, staging, entry))
            profiles.add(connection, service, entry.number, entry.contender.profile.to_json())
        if decision["promoted"] is not None:
            versions.promote(connection, service, decision["promoted"], reasons=decision["reasons"])
    return report


def describe(contender: Fitted | Failed, judged: Judged | None = None) -> CandidateReport:
    """A candidate's part of the report; without a judgement (the baseline's) it has no gates and no version."""
    spec = contender.spec
    if isinstance(contender, Failed):
        return {
            "name": spec.name, "family": spec.family, "parameters": dict(spec.parameters),
            "status": "failed", "error": contender.error, "version": None,
            "metrics": None, "interval": None, "fit_seconds": None, "predict": None, "size_mb": None,
            "gates": [], "reasons": [contender.error],
        }  # fmt: skip
    evaluation = contender.evaluation
    gates = judged.gates if judged else []
    return {
        "name": spec.name, "family": spec.family, "parameters": dict(contender.parameters),
        "status": "fitted", "error": None, "version": judged.number if judged else None,
        "metrics": evaluation.metrics, "interval": evaluation.interval, "fit_seconds": contender.fit_seconds,
        "predict": asdict(evaluation.predict), "size_mb": evaluation.size_mb,
        "gates": [gate.to_json() for gate in gates], "reasons": [gate.reason for gate in gates],
    }  # fmt: skip


def _judge(
    config: ServiceConfig, contenders: Sequence[Fitted | Failed], champion: Champion | None, first: int
) -> list[Judged]:
    before = champion.evaluation.to_json() if champion and champion.evaluation else None
    judged: list[Judged] = []
    for contender in contenders:
        if isinstance(contender, Fitted):
            figures = contender.evaluation.to_json()
            figures["regression"] = regression(figures, before)
            gates = check_gates(config.gates, figures)
            judged.append(Judged(contender, figures, gates, first + len(judged)))
    return judged


def _kept_back(config: ServiceConfig, told: PromoteMode | None) -> str | None:
    """Why the best version does not take over by itself; None where it does."""
    if (told or config.retrain.promote) == "automatic":
        return None
    return "promotion is manual: a person decides" if told is None else "this run was told to promote nothing"


def _decide(judged: Sequence[Judged], champion: Champion | None, metric: str, kept_back: str | None) -> Decision:
    passing = [entry for entry in judged if entry.passed]
    if not passing:
        reasons = ["no candidate meets its gates"]
        reasons += [f"{entry.name}: {gate.reason}" for entry in judged for gate in failed(entry.gates)]
        return {"promoted": None, "chosen": None, "reasons": reasons}
    best = max(passing, key=lambda entry: entry.score(metric))
    of_whom = "of those that meet their gates" if len(passing) < len(judged) else "of all candidates"
    reasons = [f"version {best.number} ({best.name}) has the best {metric} {of_whom}: {best.score(metric):.4g}"]
    reasons += [gate.reason for gate in best.gates]
    reasons += _comparison(champion, metric)
    if kept_back is not None:
        return {"promoted": None, "chosen": best.number, "reasons": [kept_back, *reasons]}
    return {"promoted": best.number, "chosen": best.number, "reasons": reasons}


def _comparison(champion: Champion | None, metric: str) -> list[str]:
    if champion is None:
        return ["there was no champion"]
    if champion.evaluation is None:
        return [f"the champion was not compared: {champion.error}"]
    figure = champion.evaluation.metrics[metric]
    known = "no figure" if figure is None else f"{figure:.4g}"
    return [f"the champion, version {champion.number}, has {metric} {known} on the same test rows"]


def _complete(
    draft: Report,
    contenders: Sequence[Fitted | Failed],
    judged: Sequence[Judged],
    champion: Champion | None,
    decision: Decision,
) -> Report:
    by_name = {entry.name: entry for entry in judged}
    return {
        **draft,
        "candidates": [describe(contender, by_name.get(contender.spec.name)) for contender in contenders],
        "champion": _describe_champion(champion),
        "decision": decision,
    }


def _describe_champion(champion: Champion | None) -> ChampionReport | None:
    if champion is None:
        return None
    evaluation = champion.evaluation
    return {
        "version": champion.number,
        "metrics": evaluation.metrics if evaluation else None,
        "interval": evaluation.interval if evaluation else None,
        "predict": asdict(evaluation.predict) if evaluation else None,
        "error": champion.error,
    }


def _version(draft: Report, staging: Staging, judged: Judged) -> Version:
    contender = judged.contender
    return Version(
        service=draft["service"],
        number=judged.number,
        run_id=draft["run"],
        candidate=judged.name,
        parameters=contender.parameters,
        metrics=judged.figures,
        gates=[gate.to_json() for gate in judged.gates],
        path=staging.registered_path(contender.bundle.folder),
        sha256=contender.bundle.sha256,
        size_bytes=contender.bundle.size_bytes,
        champion=False,
        created_at=now(),
    )
