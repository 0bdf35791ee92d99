"""The figures of classification against scikit-learn's, and the cases that it has no word for."""

from __future__ import annotations

import json
import math
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from winnow.domain import Classification, Target
from winnow.models.base import Question
from winnow.tasks.classification import UNANSWERED, correct, intervals, metrics

LABELS = ("a", "b", "c", "d")
ONE = Question(LABELS)
SEVERAL = Question(LABELS, several=True)


def answered(question: Question, raw: list[float]) -> Classification:
    total = sum(raw) or 1.0
    return question.answer(raw if question.several else [value / total for value in raw])


RAW = st.lists(st.floats(0.01, 1.0), min_size=4, max_size=4)
ONE_ROWS = st.lists(st.tuples(st.sampled_from(LABELS), RAW), min_size=1, max_size=60)
SUBSETS = st.sets(st.sampled_from(LABELS)).map(sorted)
SEVERAL_ROWS = st.lists(st.tuples(SUBSETS, RAW), min_size=1, max_size=60)


def same(ours: float | None, theirs: float) -> bool:
    return math.isnan(theirs) if ours is None else math.isclose(ours, theirs, abs_tol=1e-12)


def assert_label_figures(figures: dict[str, Any], truth: Any, given: Any, labels: list[Any]) -> None:
    theirs = reference.precision_recall_fscore_support(truth, given, labels=labels, zero_division=np.nan)
    for column, label in enumerate(LABELS):
        ours = figures["labels"][label]
        for name, values in zip(("precision", "recall", "f1"), theirs[:3], strict=True):
            assert same(ours[name], float(values[column])), (label, name)
        assert ours["support"] == theirs[3][column]


@settings(deadline=None)
@given(ONE_ROWS)
def test_figures_of_one_label_are_those_of_scikit_learn(rows: list[tuple[str, list[float]]]) -> None:
    targets: list[Target] = [target for target, _ in rows]
    answers = [answered(ONE, raw) for _, raw in rows]
    figures = metrics(ONE, targets, answers)
    truth = [target for target, _ in rows]
    given = [answer["label"] for answer in answers]
    probabilities = np.array([[answer["scores"][label] for label in LABELS] for answer in answers])
    assert same(figures["accuracy"], reference.accuracy_score(truth, given))
    assert same(figures["f1_macro"], float(reference.f1_score(truth, given, average="macro")))
    assert figures["confusion"] == {
        "labels": list(LABELS),
        "counts": reference.confusion_matrix(truth, given, labels=list(LABELS)).tolist(),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        brier = reference.brier_score_loss(truth, probabilities, labels=list(LABELS), scale_by_half=False)
    assert same(figures["brier"], float(brier))
    assert_label_figures(figures, truth, given, list(LABELS))


@settings(deadline=None)
@given(SEVERAL_ROWS)
def test_figures_of_several_labels_are_those_of_scikit_learn(rows: list[tuple[list[str], list[float]]]) -> None:
    targets: list[Target] = [target for target, _ in rows]
    answers = [answered(SEVERAL, raw) for _, raw in rows]
    figures = metrics(SEVERAL, targets, answers)
    truth = np.array([[label in target for label in LABELS] for target in targets])
    given = np.array([[label in answer["labels"] for label in LABELS] for answer in answers])
    scores = np.array([[answer["scores"][label] for label in LABELS] for answer in answers])
    assert same(figures["accuracy"], reference.accuracy_score(truth, given))
    assert same(figures["brier"], float(((scores - truth) ** 2).mean()))
    occurring = [column for column in range(4) if truth[:, column].any() or given[:, column].any()]
    if occurring:
        f1s = reference.f1_score(truth, given, average=None, zero_division=0)
        assert same(figures["f1_macro"], float(np.mean([f1s[column] for column in occurring])))
    else:
        assert figures["f1_macro"] is None
    for column, (tn, fp, fn, tp) in enumerate(
        matrix.ravel().tolist() for matrix in reference.multilabel_confusion_matrix(truth, given)
    ):
        assert figures["confusion"]["by_label"][LABELS[column]] == {"tp": tp, "fp": fp, "fn": fn, "tn": tn}
    assert_label_figures(figures, truth, given, list(range(4)))


@settings(deadline=None)
@given(ONE_ROWS)
def test_calibration_adds_up(rows: list[tuple[str, list[float]]]) -> None:
    answers = [answered(ONE, raw) for _, raw in rows]
    targets: list[Target] = [target for target, _ in rows]
    calibration = metrics(ONE, targets, answers)["calibration"]
    sure = np.array([max(answer["scores"].values()) for answer in answers])
    right = np.array(correct(targets, answers))
    assume(abs(sure * 10 - np.round(sure * 10)).min() > 1e-9)  # on the edge of a bin, rounding decides
    expected = 0.0
    for place, found in enumerate(calibration["bins"]):
        inside = (sure >= place / 10) & ((sure < (place + 1) / 10) | (place == 9))
        assert found["count"] == inside.sum()
        if inside.any():
            expected += abs(sure[inside].sum() - right[inside].sum()) / len(rows)
            assert found["confidence"] == pytest.approx(sure[inside].mean())
            assert found["accuracy"] == pytest.approx(right[inside].mean())
        else:
            assert found["confidence"] is None
    assert calibration["ece"] == pytest.approx(expected)


def test_confident_and_right_is_well_calibrated() -> None:
    figures = metrics(ONE, ["a", "b"], [ONE.answer([1, 0, 0, 0]), ONE.answer([0, 1, 0, 0])])
    assert figures["calibration"]["ece"] == 0.0
    assert figures["brier"] == 0.0
    surest = figures["calibration"]["bins"][9]
    assert surest == {"from": 0.9, "to": 1.0, "count": 2, "confidence": 1.0, "accuracy": 1.0}


def test_a_label_without_test_rows_has_no_recall_and_does_not_distort_the_mean() -> None:
    figures = metrics(ONE, ["a", "b"], [ONE.answer([1, 0, 0, 0]), ONE.answer([0, 1, 0, 0])])
    assert figures["labels"]["c"] == {"precision": None, "recall": None, "f1": None, "support": 0}
    assert figures["f1_macro"] == 1.0


def test_a_refused_row_is_wrong() -> None:
    figures = metrics(ONE, ["a", "a"], [ONE.answer([1, 0, 0, 0]), UNANSWERED])
    assert figures["unanswered"] == 1
    assert figures["accuracy"] == 0.5
    assert figures["labels"]["a"]["recall"] == 0.5
    assert figures["confusion"]["counts"][0] == [1, 0, 0, 0]
    assert sum(entry["count"] for entry in figures["calibration"]["bins"]) == 1


def test_a_refused_row_is_wrong_even_where_no_label_applies() -> None:
    assert correct([[], []], [SEVERAL.answer([0, 0, 0, 0]), UNANSWERED]) == [True, False]
    figures = metrics(SEVERAL, [[], []], [SEVERAL.answer([0, 0, 0, 0]), UNANSWERED])
    assert figures["confusion"]["by_label"]["a"] == {"tp": 0, "fp": 0, "fn": 0, "tn": 1}


def test_an_older_version_may_answer_a_label_that_is_no_longer_asked_for() -> None:
    old: Classification = {"label": "gone", "scores": {"gone": 0.8, "a": 0.2}}
    figures = metrics(ONE, ["a"], [old])
    assert figures["accuracy"] == 0.0
    assert figures["labels"]["a"]["recall"] == 0.0


@pytest.mark.parametrize("question", [ONE, SEVERAL])
def test_no_rows_have_no_figures(question: Question) -> None:
    figures = metrics(question, [], [])
    assert figures["accuracy"] is None
    assert figures["f1_macro"] is None
    assert figures["brier"] is None
    assert figures["calibration"]["ece"] is None
    assert intervals(question, [], []) == {"accuracy": None, "f1_macro": None}


@settings(max_examples=20, deadline=None)
@given(ONE_ROWS)
def test_figures_are_ready_for_json(rows: list[tuple[str, list[float]]]) -> None:
    targets: list[Target] = [target for target, _ in rows]
    answers = [answered(ONE, raw) for _, raw in rows]
    json.dumps([metrics(ONE, targets, answers), intervals(ONE, targets, answers)], allow_nan=False)


def plain_bootstrap(targets: list[Target], answers: list[Classification]) -> dict[str, list[float]]:
    """The bootstrap as it is taught: draw rows, compute the figures again."""
    random = np.random.default_rng(1)
    found: dict[str, list[float]] = {"accuracy": [], "f1_macro": []}
    for _ in range(1000):
        rows = random.integers(0, len(targets), len(targets))
        figures = metrics(ONE, [targets[row] for row in rows], [answers[row] for row in rows])
        for name, values in found.items():
            values.append(figures[name])
    return {name: np.percentile(values, [2.5, 97.5]).tolist() for name, values in found.items()}


def test_intervals_are_those_of_the_plain_bootstrap() -> None:
    random = np.random.default_rng(0)
    targets: list[Target] = random.choice(LABELS, 150).tolist()
    answers = []
    for target in targets:
        raw = random.random(4)
        raw[LABELS.index(str(target))] += 0.5
        answers.append(answered(ONE, raw.tolist()))
    ours, plain = intervals(ONE, targets, answers), plain_bootstrap(targets, answers)
    for name in ("accuracy", "f1_macro"):
        assert ours[name] == pytest.approx(plain[name], abs=0.015)
    assert ours == intervals(ONE, targets, answers)


def test_intervals_hold_the_figure_they_are_about() -> None:
    random = np.random.default_rng(3)
    targets: list[Target] = [[label for label in LABELS if random.random() < 0.3] for _ in range(300)]
    answers = [
        SEVERAL.answer([random.random() * 0.6 + 0.4 * (label in target) for label in LABELS]) for target in targets
    ]
    figures, found = metrics(SEVERAL, targets, answers), intervals(SEVERAL, targets, answers)
    for name in ("accuracy", "f1_macro"):
        low, high = found[name] or []
        assert low <= figures[name] <= high
        assert high - low < 0.2
