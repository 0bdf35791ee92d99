"""What the page Models shows: versions, two of them side by side, and the history of champions, as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from winnow.client import answers, live_answers
from winnow.domain import Target
from winnow.ui.figures import Row, gate_title, gates_in_words, labels_of, standard_figures
from winnow.ui.words import answer_words, moment, target_words


def version_rows(versions: Sequence[answers.Version]) -> list[Row]:
    """One line for each version, newest first."""
    return [
        {
            "Version": version.number,
            "Champion": "★ champion" if version.champion else "",
            "Candidate": version.candidate,
            "Accuracy": _figure(version.metrics, "accuracy"),
            "F1": _figure(version.metrics, "f1_macro"),
            "Gates": gates_in_words(version.gates),
            "Milliseconds (95 %)": _milliseconds(version.metrics),
            "Megabytes": round(version.size_bytes / 1e6, 2),
            "Trained": moment(version.created_at),
        }
        for version in versions
    ]


def promotion_rows(promotions: Sequence[answers.Promotion]) -> list[Row]:
    """Each change of champion, newest first, with its first reason."""
    return [
        {
            "Since": moment(promotion.created_at),
            "Champion": f"version {promotion.version}",
            "Before": "none" if promotion.previous is None else f"version {promotion.previous}",
            "How": "rolled back" if promotion.kind == "rollback" else "promoted",
            "Why": "; ".join(promotion.reasons),
        }
        for promotion in promotions
    ]


def comes_back(promotions: Sequence[answers.Promotion]) -> int | None:
    """The version that a rollback gives the place back to; None where the champion took over from no other.

    `promotions` are the changes of champion, newest first. As the registry does, it passes over rollbacks.
    """
    reigns: list[int] = []
    for promotion in reversed(promotions):
        if promotion.kind == "rollback" and promotion.version in reigns:
            del reigns[reigns.index(promotion.version) + 1 :]
        elif not reigns or reigns[-1] != promotion.version:
            reigns.append(promotion.version)
    return reigns[-2] if len(reigns) > 1 else None


def named(version: answers.Version) -> str:
    """A version in a list to choose from."""
    return f"{version.number} · {version.candidate}{' · champion' if version.champion else ''}"


def metric_rows(first: answers.Version, second: answers.Version) -> list[Row]:
    """The figures of two versions side by side, with the difference and which is better."""
    rows = []
    labels = [label for label in labels_of(first.metrics) if label in labels_of(second.metrics)]
    for figure in standard_figures(labels):
        one, other = figure.read(first.metrics), figure.read(second.metrics)
        if one is None and other is None:
            continue
        better = {0: "alike", 1: f"version {first.number}", 2: f"version {second.number}"}
        rows.append(
            {
                "Figure": figure.title,
                f"Version {first.number}": one,
                f"Version {second.number}": other,
                "Difference": None if one is None or other is None else round(other - one, figure.digits),
                "Better": "–" if one is None or other is None else better[figure.better(one, other)],
            }
        )
    return rows


def label_comparison_rows(first: answers.Version, second: answers.Version) -> list[Row]:
    """Recall and precision of each label, of two versions side by side."""
    rows = []
    known: Mapping[str, Any] = first.metrics.get("labels", {})
    others: Mapping[str, Any] = second.metrics.get("labels", {})
    for label in dict.fromkeys([*known, *others]):
        row: Row = {"Label": label}
        for name in ("recall", "precision", "f1"):
            title = {"recall": "Recall", "precision": "Precision", "f1": "F1"}[name]
            row[f"{title} {first.number}"] = _figure(known.get(label, {}), name)
            row[f"{title} {second.number}"] = _figure(others.get(label, {}), name)
        rows.append(row)
    return rows


def difference_rows(comparison: live_answers.Comparison) -> list[Row]:
    """The examples on which two versions differ, with who is right."""
    return [
        {
            "Input": difference.input,
            "Right": target_words(difference.target),
            f"Version {comparison.first}": answered(difference.first),
            f"Version {comparison.second}": answered(difference.second),
            "Who is right": _who(comparison, difference),
        }
        for difference in comparison.differences
    ]


def comparison_sentence(comparison: live_answers.Comparison) -> str:
    """How often each of the two is right on the same rows."""
    if not comparison.rows:
        return "There are no held-out examples that both could be asked about."
    first, second = comparison.first, comparison.second
    return (
        f"Of {comparison.rows:,} held-out examples, version {first} has {comparison.first_right:,} right "
        f"and version {second} has {comparison.second_right:,}. Only version {first} is right on "
        f"{comparison.only_first_right:,}, only version {second} on {comparison.only_second_right:,}."
    )


def failure_sentences(failures: Sequence[Mapping[str, Any]]) -> list[str]:
    """Why a version may not be promoted: each gate that it misses, and by how much."""
    return [f"{gate_title(failure['gate'])}: {failure['reason']}" for failure in failures]


def answered(answer: Mapping[str, Any]) -> str:
    """An answer in words, with how sure it was."""
    return answer_words(answer) if _has_answer(answer) else "no answer"


def _has_answer(answer: Mapping[str, Any]) -> bool:
    return answer.get("label") is not None or answer.get("labels") is not None


def _who(comparison: live_answers.Comparison, difference: live_answers.Difference) -> str:
    right = [
        f"version {number}"
        for number, answer in ((comparison.first, difference.first), (comparison.second, difference.second))
        if _is_right(answer, difference.target)
    ]
    return " and ".join(right) or "neither"


def _is_right(answer: Mapping[str, Any], target: Target) -> bool:
    if isinstance(target, str):
        return answer.get("label") == target
    return _has_answer(answer) and set(answer["labels"]) == set(target)


def _figure(metrics: Mapping[str, Any], name: str) -> float | None:
    found = metrics.get(name)
    return None if found is None else round(float(found), 3)


def _milliseconds(metrics: Mapping[str, Any]) -> float | None:
    return _figure(metrics.get("predict", {}), "p95_ms")
