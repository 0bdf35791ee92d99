"""Gates say in plain words whether a version may answer users."""

from __future__ import annotations

from typing import Any

import pytest

from winnow.lifecycle.gates import check_gates, failed, regression
from winnow.project import Gates

FIGURES: dict[str, Any] = {
    "accuracy": 0.71,
    "f1_macro": 0.912,
    "labels": {"negative": {"recall": 0.6}, "rare": {"recall": None}},
    "predict": {"p50_ms": 0.1, "p95_ms": 12.5},
    "size_mb": 3.25,
    "regression": None,
}


def only(gates: dict[str, Any], **changed: Any) -> tuple[bool, str]:
    """What the one gate that is named here says; `regression`, which is always asked, comes last."""
    result, *_ = check_gates(Gates.model_validate(gates), {**FIGURES, **changed})
    return result.passed, result.reason


@pytest.mark.parametrize(
    ("gates", "expected"),
    [
        ({"f1_macro": ">= 0.8"}, (True, "f1_macro 0.912 meets >= 0.8")),
        ({"accuracy": ">= 0.80"}, (False, "accuracy 0.71 misses >= 0.8 by 0.09")),
        ({"recall": {"negative": ">= 0.5"}}, (True, "recall.negative 0.6 meets >= 0.5")),
        ({"recall": {"negative": "> 0.75"}}, (False, "recall.negative 0.6 misses > 0.75 by 0.15")),
        ({"latency_p95_ms": "<= 50"}, (True, "latency_p95_ms 12.5 meets <= 50")),
        ({"latency_p95_ms": "< 10"}, (False, "latency_p95_ms 12.5 misses < 10 by 2.5")),
        ({"size_mb": "<= 3"}, (False, "size_mb 3.25 misses <= 3 by 0.25")),
    ],
)
def test_reasons_are_plain(gates: dict[str, Any], expected: tuple[bool, str]) -> None:
    assert only(gates) == expected


@pytest.mark.parametrize("label", ["rare", "unheard-of"])
def test_what_cannot_be_measured_is_not_met(label: str) -> None:
    result, _ = check_gates(Gates.model_validate({"recall": {label: ">= 0.1"}}), FIGURES)
    assert not result.passed
    assert result.figure is None
    assert result.short_by is None
    expected = "could not be measured, so >= 0.1 is not met: no test row has that label"
    assert result.reason == f"recall.{label} {expected}"


def test_regression_is_against_the_champion() -> None:
    gates = {"regression": "<= 0.005"}
    assert only(gates, regression=regression(FIGURES, {"f1_macro": 0.952})) == (
        False,
        "regression 0.04 misses <= 0.005 by 0.035",
    )
    assert only(gates, regression=regression(FIGURES, {"f1_macro": 0.9}))[0]
    assert only(gates) == (True, "regression has nothing to compare with: no champion answered the same rows")


def test_a_version_whose_f1_is_unknown_has_lost_all_of_the_champions() -> None:
    assert regression({"f1_macro": None}, {"f1_macro": 0.9}) == 0.9
    assert regression({"f1_macro": 0.9}, {"f1_macro": None}) is None
    assert regression({"f1_macro": 0.9}, None) is None


def test_a_worse_version_is_kept_out_even_where_no_gate_is_set() -> None:
    (result,) = check_gates(Gates(), {**FIGURES, "regression": 0.03})
    assert (result.gate, result.passed, result.requirement) == ("regression", False, "<= 0.02")


def test_the_failed_ones_come_with_their_facts() -> None:
    gates = Gates.model_validate({"accuracy": ">= 0.8", "f1_macro": ">= 0.8"})
    (result,) = failed(check_gates(gates, FIGURES))
    assert result.to_json() == {
        "gate": "accuracy",
        "requirement": ">= 0.8",
        "figure": 0.71,
        "passed": False,
        "short_by": pytest.approx(0.09),
        "reason": "accuracy 0.71 misses >= 0.8 by 0.09",
    }
