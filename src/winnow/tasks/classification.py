"""The figures of classification: how answers compare with targets, for one label per input or several.

A figure that cannot be measured (the recall of a label that no target has, say) is None, never 0: a gate on it
fails, an average leaves it out, a page shows a dash.

A row that the model refused is an answer without `label` or `labels`, as `UNANSWERED` is. It counts as wrong: no
label of its target was found. It has no confidence, so calibration leaves it out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from winnow.domain import Classification, Target
from winnow.models.base import Question

UNANSWERED = cast("Classification", MappingProxyType({"scores": MappingProxyType({})}))
"""What stands for an answer where the model had an error for the row."""

BINS = 10
RESAMPLES = 1000
_SEED = 20_240_229
_RESAMPLES_AT_ONCE = 50  # times the distinct rows is what a step of the bootstrap holds in memory

_Booleans = NDArray[np.bool_]
_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Decisions:
    """Targets and answers as arrays, rows by labels in the order of the question; `right` and `answered` by row."""

    truth: _Booleans
    given: _Booleans
    scores: _Floats
    right: _Booleans
    answered: _Booleans


def correct(targets: Sequence[Target], answers: Sequence[Classification]) -> list[bool]:
    """Which answers have exactly the right label, or exactly the right set of labels."""
    return [_is_right(target, answer) for target, answer in zip(targets, answers, strict=True)]


def metrics(question: Question, targets: Sequence[Target], answers: Sequence[Classification]) -> dict[str, Any]:
    """Compare answers with targets. The figures are JSON-ready.

    - `rows`, `unanswered`: how many there are, and how many of them the model refused
    - `accuracy`: share of rows answered exactly right
    - `f1_macro`: mean F1 over the labels that occur in targets or answers, so that a label without test rows does
      not distort it
    - `brier`: mean squared distance between scores and truth, summed over labels where one label applies (0 to 2)
      and averaged over them where several may (0 to 1); lower is better
    - `labels`: label → `precision`, `recall`, `f1`, `support` (targets that have it)
    - `confusion`: `labels` and `counts[target][answer]`; where several labels may apply, `by_label`: label → `tp`,
      `fp`, `fn`, `tn`
    - `calibration`: `ece`, the expected calibration error, and its ten `bins` of confidence, each with `from`,
      `to`, `count`, `confidence` (mean) and `accuracy`. Where several labels may apply, each label of each row is
      one decision
    """
    decisions = _decisions(question, targets, answers)
    by_label = _label_counts(decisions)
    return {
        "rows": len(targets),
        "unanswered": int((~decisions.answered).sum()),
        "accuracy": _ratio(decisions.right.sum(), len(targets)),
        "f1_macro": _optional(_f1_macro(by_label["tp"], by_label["fp"], by_label["fn"])),
        "brier": _brier(decisions, question),
        "labels": _label_figures(question, by_label),
        "confusion": _confusion(decisions, question, by_label),
        "calibration": _calibration(*_confidences(decisions, question, answers)),
    }


def intervals(
    question: Question, targets: Sequence[Target], answers: Sequence[Classification]
) -> dict[str, list[float] | None]:
    """95 % bootstrap intervals [low, high] of `accuracy` and `f1_macro`; the same rows give the same intervals.

    Rows that look alike (same target, same answer) are drawn together: how often each kind turns up in a resample
    is one multinomial draw, which is the same bootstrap at a fraction of its cost.
    """
    if not targets:
        return {"accuracy": None, "f1_macro": None}
    decisions = _decisions(question, targets, answers)
    rows = np.hstack([decisions.truth, decisions.given, decisions.right[:, None]])
    _, kinds, counts = np.unique(np.packbits(rows, axis=1), axis=0, return_index=True, return_counts=True)
    truth, given, right = decisions.truth[kinds], decisions.given[kinds], decisions.right[kinds]
    cells = {"tp": truth & given, "fp": ~truth & given, "fn": truth & ~given}
    random = np.random.default_rng(_SEED)
    accuracies, f1s = [], []
    for _ in range(RESAMPLES // _RESAMPLES_AT_ONCE):
        drawn = random.multinomial(len(targets), counts / len(targets), size=_RESAMPLES_AT_ONCE).astype(np.float64)
        accuracies.append(drawn @ right / len(targets))
        f1s.append(_f1_macro(*(drawn @ cells[cell] for cell in ("tp", "fp", "fn"))))
    return {"accuracy": _middle(np.concatenate(accuracies)), "f1_macro": _middle(np.concatenate(f1s))}


def _is_right(target: Target, answer: Classification) -> bool:
    if isinstance(target, str):
        return answer.get("label") == target
    return "labels" in answer and set(answer["labels"]) == set(target)


def _decisions(question: Question, targets: Sequence[Target], answers: Sequence[Classification]) -> _Decisions:
    """Labels that the question does not know, as an older version may answer them, have no column."""
    columns = {label: column for column, label in enumerate(question.labels)}
    shape = (len(targets), len(columns))
    truth, given, scores = np.zeros(shape, np.bool_), np.zeros(shape, np.bool_), np.zeros(shape)
    for row, (target, answer) in enumerate(zip(targets, answers, strict=True)):
        truth[row, _known(columns, _labels(target))] = True
        given[row, _known(columns, _answered_labels(answer))] = True
        scores[row] = [answer["scores"].get(label, 0.0) for label in question.labels]
    return _Decisions(
        truth,
        given,
        scores,
        right=np.array(correct(targets, answers), np.bool_),
        answered=np.array(["label" in answer or "labels" in answer for answer in answers], np.bool_),
    )


def _labels(target: Target) -> list[str]:
    return [target] if isinstance(target, str) else target


def _answered_labels(answer: Classification) -> list[str]:
    return [answer["label"]] if "label" in answer else answer.get("labels", [])


def _known(columns: Mapping[str, int], labels: Sequence[str]) -> list[int]:
    return [columns[label] for label in labels if label in columns]


def _label_counts(decisions: _Decisions) -> dict[str, NDArray[np.int64]]:
    """Per label: true and false positives and negatives. An unanswered row is nobody's true negative."""
    truth, given = decisions.truth, decisions.given
    return {
        "tp": (truth & given).sum(axis=0),
        "fp": (~truth & given).sum(axis=0),
        "fn": (truth & ~given).sum(axis=0),
        "tn": (~truth & ~given & decisions.answered[:, None]).sum(axis=0),
    }


def _f1_macro(tp: NDArray[Any], fp: NDArray[Any], fn: NDArray[Any]) -> Any:
    """Mean F1 along the last axis over the labels that occur; nan where none does."""
    occurrences = 2 * tp + fp + fn
    occurring = occurrences > 0
    f1 = np.where(occurring, 2 * tp / np.maximum(occurrences, 1), 0.0)
    labels = occurring.sum(axis=-1)
    return np.where(labels > 0, f1.sum(axis=-1) / np.maximum(labels, 1), np.nan)


def _label_figures(question: Question, counts: Mapping[str, NDArray[np.int64]]) -> dict[str, Any]:
    figures = {}
    for column, label in enumerate(question.labels):
        tp, fp, fn = (int(counts[cell][column]) for cell in ("tp", "fp", "fn"))
        figures[label] = {
            "precision": _ratio(tp, tp + fp),
            "recall": _ratio(tp, tp + fn),
            "f1": _ratio(2 * tp, 2 * tp + fp + fn),
            "support": tp + fn,
        }
    return figures


def _confusion(
    decisions: _Decisions, question: Question, counts: Mapping[str, NDArray[np.int64]]
) -> dict[str, Any]:
    if not question.several:
        matrix = decisions.truth.astype(np.int64).T @ decisions.given.astype(np.int64)
        return {"labels": list(question.labels), "counts": matrix.tolist()}
    return {
        "by_label": {
            label: {cell: int(counts[cell][column]) for cell in ("tp", "fp", "fn", "tn")}
            for column, label in enumerate(question.labels)
        }
    }


def _brier(decisions: _Decisions, question: Question) -> float | None:
    distances = (decisions.scores - decisions.truth)[decisions.answered] ** 2
    if not distances.size:
        return None
    return float(distances.mean() if question.several else distances.sum(axis=1).mean())


def _confidences(
    decisions: _Decisions, question: Question, answers: Sequence[Classification]
) -> tuple[_Floats, _Booleans]:
    """How sure each decision was, and whether it was right."""
    if question.several:
        scores, given = decisions.scores[decisions.answered], decisions.given[decisions.answered]
        sure = np.where(given, scores, 1.0 - scores)
        return sure.ravel(), (given == decisions.truth[decisions.answered]).ravel()
    sure = np.array([answer["scores"][answer["label"]] for answer in answers if "label" in answer], np.float64)
    return sure, decisions.right[decisions.answered]


def _calibration(confidences: _Floats, right: _Booleans) -> dict[str, Any]:
    places = np.clip((confidences * BINS).astype(np.int64), 0, BINS - 1)
    counts = np.bincount(places, minlength=BINS)
    confidence_sums = np.bincount(places, weights=confidences, minlength=BINS)
    right_sums = np.bincount(places, weights=right, minlength=BINS)
    return {
        "ece": _ratio(np.abs(confidence_sums - right_sums).sum(), len(confidences)),
        "bins": [
            {
                "from": place / BINS,
                "to": (place + 1) / BINS,
                "count": int(counts[place]),
                "confidence": _ratio(confidence_sums[place], counts[place]),
                "accuracy": _ratio(right_sums[place], counts[place]),
            }
            for place in range(BINS)
        ],
    }


def _middle(figures: _Floats) -> list[float] | None:
    """Where the middle 95 % of the resamples lie; resamples in which the figure has no meaning are left out."""
    measured = figures[~np.isnan(figures)]
    return [float(bound) for bound in np.percentile(measured, [2.5, 97.5])] if measured.size else None


def _ratio(part: float | np.number[Any], whole: float | np.number[Any]) -> float | None:
    return float(part / whole) if whole else None


def _optional(figure: Any) -> float | None:
    return None if np.isnan(figure) else float(figure)
