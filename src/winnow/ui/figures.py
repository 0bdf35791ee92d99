"""The figures of a version: what each is called, where it stands in an answer, and which way is better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from winnow.ui.words import NOTHING, gates_words

Metrics = Mapping[str, Any]
"""A version's figures as the registry has them: those of its task, `predict`, `size_mb` and `regression`."""

Row = dict[str, Any]
"""One line of a table: column → value."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. `path` is where it stands in the metrics, `gate` the name by which it can be a gate."""

    title: str
    path: tuple[str, ...]
    gate: str | None = None
    more_is_better: bool = True
    digits: int = 3

    def read(self, metrics: Metrics | None) -> float | None:
        """The figure, rounded to its digits; None where it was not measured."""
        found: Any = metrics
        for step in self.path:
            found = found.get(step) if isinstance(found, Mapping) else None
        return round(float(found), self.digits) if isinstance(found, int | float) else None

    def better(self, first: float | None, second: float | None) -> int:
        """1 where the first is better, 2 where the second is, 0 where neither is or one is missing."""
        if first is None or second is None or first == second:
            return 0
        return 1 if (first > second) == self.more_is_better else 2


def standard_figures(labels: Sequence[str] = ()) -> list[Figure]:
    """Those that every version has, and the recall of each of these labels."""
    return [
        Figure("Accuracy", ("accuracy",), gate="accuracy"),
        Figure("F1, labels alike", ("f1_macro",), gate="f1_macro"),
        *(Figure(f"Recall of {label}", ("labels", label, "recall"), gate=f"recall.{label}") for label in labels),
        Figure("Brier score", ("brier",), more_is_better=False),
        Figure("Calibration error", ("calibration", "ece"), more_is_better=False),
        Figure("Milliseconds (95 %)", ("predict", "p95_ms"), gate="latency_p95_ms", more_is_better=False, digits=2),
        Figure("Megabytes", ("size_mb",), gate="size_mb", more_is_better=False, digits=2),
    ]


def labels_of(metrics: Metrics | None) -> list[str]:
    """The labels that these metrics tell of, in the service's order."""
    return [] if metrics is None else list(metrics.get("labels", {}))


def threshold(requirement: str | None) -> float | None:
    """The number of a requirement such as `>= 0.8`; None where there is none."""
    return None if requirement is None else float(requirement.lstrip("<>= "))


def gate_title(gate: str) -> str:
    """A gate in words: `recall.negative` is "Recall of negative"."""
    if gate.startswith("recall."):
        return f"Recall of {gate.removeprefix('recall.')}"
    if gate == "regression":
        return "Loss against the champion"
    return next((figure.title for figure in standard_figures() if figure.gate == gate), gate)


def gates_in_words(gates: Sequence[Mapping[str, Any]]) -> str:
    """How many gates are met, in a few words, with a sign that needs no colour."""
    if not gates:
        return gates_words(gates)
    return f"{'✓' if all(gate['passed'] for gate in gates) else '✗'} {gates_words(gates)}"


def gate_rows(gates: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Each gate: what is required, what was measured, and whether that is enough or by how much it is not."""
    return [
        {
            "Gate": gate_title(gate["gate"]),
            "Required": gate["requirement"],
            "Measured": measured(gate),
            "Verdict": verdict(gate),
        }
        for gate in gates
    ]


def measured(gate: Mapping[str, Any]) -> str:
    """The figure that a gate was put to."""
    return NOTHING if gate["figure"] is None else f"{gate['figure']:.4g}"


def verdict(gate: Mapping[str, Any]) -> str:
    """Whether a gate is met, or by how much it is missed."""
    if gate["figure"] is None:
        return "– nothing to compare with" if gate["passed"] else "✗ could not be measured"
    return "✓ met" if gate["passed"] else f"✗ missed by {gate['short_by']:.2g}"


def label_rows(metrics: Metrics) -> list[Row]:
    """Precision, recall and F1 of each label, and how many test rows have it."""
    return [
        {
            "Label": label,
            "Precision": _rounded(figures.get("precision")),
            "Recall": _rounded(figures.get("recall")),
            "F1": _rounded(figures.get("f1")),
            "Test rows": figures.get("support"),
        }
        for label, figures in metrics.get("labels", {}).items()
    ]


def confusion_rows(metrics: Metrics) -> list[Row]:
    """One line for each pair of what is right and what was answered, with how many test rows that is.

    `Share` is of the test rows that have the right label. Empty where several labels may apply: see `mistake_rows`.
    """
    confusion = metrics.get("confusion", {})
    labels, rows = confusion.get("labels", []), []
    for right, counts in zip(labels, confusion.get("counts", []), strict=True):
        whole = sum(counts)
        rows += [
            {"Right": right, "Answered": answered, "Rows": n, "Share": round(n / whole, 4) if whole else 0.0}
            for answered, n in zip(labels, counts, strict=True)
        ]
    return rows


def confusion_table(metrics: Metrics) -> list[Row]:
    """The confusion matrix as a table: what is right goes down, what was answered goes across."""
    confusion = metrics.get("confusion", {})
    labels = confusion.get("labels", [])
    return [
        {"Right": right, **{f"answered {label}": n for label, n in zip(labels, counts, strict=True)}}
        for right, counts in zip(labels, confusion.get("counts", []), strict=True)
    ]


def mistake_rows(metrics: Metrics) -> list[Row]:
    """Where several labels may apply: how often each was found, missed, wrongly given and rightly left out."""
    columns = {"Found": "tp", "Missed": "fn", "Wrongly given": "fp", "Rightly left out": "tn"}
    return [
        {"Label": label, **{title: cells[cell] for title, cell in columns.items()}}
        for label, cells in metrics.get("confusion", {}).get("by_label", {}).items()
    ]


def _rounded(figure: float | None) -> float | None:
    return None if figure is None else round(figure, 3)
