"""What the page Reports shows: figures over runs, over data, beside their gates, as rows of charts and tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from winnow.client import live_answers
from winnow.ui.figures import Figure, Metrics, Row, gate_title, gates_in_words, measured, standard_figures, verdict
from winnow.ui.words import NOTHING, moment, percent

BASELINE = "baseline (majority)"
"""What always answers the commonest label: a candidate that is not above it has learned nothing."""

Report = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Learner:
    """One candidate of one run. `number` counts runs from 1, oldest first."""

    number: int
    run: live_answers.RunReport
    name: str
    entry: Mapping[str, Any]

    @property
    def metrics(self) -> Metrics:
        """Its figures, as a version has them."""
        return {
            **(self.entry["metrics"] or {}),
            "predict": self.entry["predict"] or {},
            "size_mb": self.entry["size_mb"],
        }


def learners(reports: Sequence[live_answers.RunReport]) -> list[Learner]:
    """Every candidate that learned, and the baseline, of every run, oldest run first. Reports come newest first."""
    return [learner for number, run in enumerate(reversed(reports), start=1) for learner in _of_run(number, run)]


def ranked(found: Sequence[Learner]) -> list[Learner]:
    """The same candidates, the best by their run's primary metric first."""
    return sorted(found, key=lambda learner: -(learner.metrics[learner.run.report["primary_metric"]] or 0.0))


def figures_of(reports: Sequence[live_answers.RunReport]) -> list[Figure]:
    """The figures that the newest run measured, with the recall of each of its labels."""
    return standard_figures(list(reports[0].report["counts"]["labels"]))


def points(reports: Sequence[live_answers.RunReport], figure: Figure) -> list[Row]:
    """One figure of every candidate in every run: one line of a table, one point of a chart."""
    rows = []
    for learner in learners(reports):
        value = figure.read(learner.metrics)
        if value is not None:
            rows.append(
                {
                    "Run": learner.number,
                    "Finished": moment(learner.run.created_at),
                    "Learned from": learner.run.report["counts"]["train"],
                    "Candidate": learner.name,
                    "Value": value,
                    "Gate": _gate_word(learner.entry["gates"], figure),
                }
            )
    return rows


def newest_first(rows: Sequence[Row], figure: Figure) -> list[Row]:
    """The same points as a table for people: the newest run first, the figure under its name."""
    renamed = {"Value": figure.title}
    return [
        {renamed.get(column, column): value for column, value in row.items()}
        for row in sorted(rows, key=lambda row: -row["Run"])
    ]


def missed_gates(report: Report) -> list[Row]:
    """Every gate that a candidate of this run missed: figure, requirement, and by how much."""
    return [
        {
            "Candidate": entry["name"],
            "Gate": gate_title(gate["gate"]),
            "Required": gate["requirement"],
            "Measured": measured(gate),
            "Verdict": verdict(gate),
        }
        for entry in report["candidates"]
        for gate in entry["gates"]
        if not gate["passed"]
    ]


def candidate_rows(report: Report) -> list[Row]:
    """The candidates of one run side by side, best first, then the champion and the baseline on the same rows."""
    ranked = sorted(_fitted(report), key=lambda entry: -(entry["metrics"][report["primary_metric"]] or 0.0))
    rows = [_candidate_row(entry["name"], entry, gates_in_words(entry["gates"])) for entry in ranked]
    champion, baseline = report["champion"], report["baseline"]
    if champion is not None and champion["metrics"] is not None:
        rows.append(_candidate_row(f"champion before (version {champion['version']})", champion, ""))
    if baseline["status"] == "fitted":
        rows.append(_candidate_row(BASELINE, baseline, ""))
    return rows


def failures(report: Report) -> list[str]:
    """The candidates that could not learn, with why."""
    failed = (entry for entry in report["candidates"] if entry["status"] == "failed")
    return [f"{entry['name']} could not learn: {entry['error']}" for entry in failed]


def calibration_rows(metrics: Metrics) -> list[Row]:
    """Bins of confidence that hold rows: how sure the model was, and how often it was right."""
    return [
        {
            "From": percent(bin_["from"]),
            "To": percent(bin_["to"]),
            "Sure": round(bin_["confidence"], 3),
            "Right": round(bin_["accuracy"], 3),
            "Rows": bin_["count"],
        }
        for bin_ in metrics.get("calibration", {}).get("bins", [])
        if bin_["count"]
    ]


def calibration_sentence(metrics: Metrics) -> str:
    """What the calibration error means."""
    error = metrics.get("calibration", {}).get("ece")
    if error is None:
        return "How sure it is could not be measured."
    return (
        f"What it says of how sure it is, and how often it is right, are {percent(error, 1)} apart on average "
        "(expected calibration error). On the dashed line they are the same."
    )


def data_sentence(report: Report) -> str:
    """What a run learned from."""
    counts = report["counts"]
    text = (
        f"Learned from {counts['train']:,} examples and measured on {counts['test']:,} others, "
        f"in {report['seconds']:.1f} s (snapshot {report['snapshot']})."
    )
    left_out = [f"{rows:,} of '{label}'" for label, rows in counts["left_out"].items()]
    if not left_out:
        return text
    return f"{text} Left out, as winnow.toml names their label no more: {', '.join(left_out)}."


def decision_sentence(report: Report) -> str:
    """What was decided at the end of a run."""
    promoted = report["decision"]["promoted"]
    return "No version was promoted." if promoted is None else f"Version {promoted} was promoted to champion."


def _of_run(number: int, run: live_answers.RunReport) -> Iterator[Learner]:
    for entry in _fitted(run.report):
        yield Learner(number, run, entry["name"], entry)
    if run.report["baseline"]["status"] == "fitted":
        yield Learner(number, run, BASELINE, run.report["baseline"])


def _fitted(report: Report) -> list[Mapping[str, Any]]:
    return [entry for entry in report["candidates"] if entry["status"] == "fitted"]


def _gate_word(gates: Sequence[Mapping[str, Any]], figure: Figure) -> str:
    return next((verdict(gate) for gate in gates if gate["gate"] == figure.gate), "")


def _candidate_row(name: str, entry: Mapping[str, Any], gates: str) -> Row:
    metrics, interval = entry["metrics"], (entry["interval"] or {}).get("accuracy")
    version = entry.get("version")
    return {
        "Candidate": name,
        "Version": NOTHING if version is None else str(version),
        "Accuracy": _rounded(metrics["accuracy"]),
        "95 % interval": "–" if interval is None else f"{interval[0]:.3f} to {interval[1]:.3f}",
        "F1": _rounded(metrics["f1_macro"]),
        "Milliseconds (95 %)": round(entry["predict"]["p95_ms"], 2),
        "Gates": gates,
    }


def _rounded(figure: float | None) -> float | None:
    return None if figure is None else round(figure, 3)
