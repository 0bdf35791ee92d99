"""The page Reports, on a real server: candidates over runs and data, missed gates, calibration."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.projects import Server
from tests.ui.conftest import Look
from tests.ui.turning import field, open_tab, said, tables
from winnow.client import Client
from winnow.client.live_answers import RunReport
from winnow.ui.figures import standard_figures
from winnow.ui.report_view import (
    BASELINE,
    calibration_rows,
    calibration_sentence,
    candidate_rows,
    data_sentence,
    decision_sentence,
    failures,
    learners,
    missed_gates,
    newest_first,
    points,
    ranked,
)

MOMENT = datetime(2026, 11, 20, 21, 4, tzinfo=UTC)
MISSED = {
    "gate": "accuracy",
    "requirement": ">= 0.8",
    "figure": 0.7,
    "passed": False,
    "short_by": 0.1,
    "reason": "so",
}
UNMEASURED = {**MISSED, "gate": "recall.rare", "figure": None, "short_by": None}


def candidate(name: str, accuracy: float | None, gates: list[Any], version: int | None = 1) -> dict[str, Any]:
    return {
        "name": name,
        "status": "fitted",
        "error": None,
        "version": version,
        "metrics": {"accuracy": accuracy, "f1_macro": accuracy, "calibration": {"ece": None, "bins": []}},
        "interval": None,
        "predict": {"p50_ms": 1.0, "p95_ms": 2.0, "per_second": 10.0},
        "size_mb": 0.2,
        "gates": gates,
    }


FAILED = {**candidate("broken", None, []), "status": "failed", "error": "too few examples", "metrics": None}
FAILED |= {"predict": None, "size_mb": None, "version": None}


def report(train: int, *candidates: dict[str, Any], promoted: int | None = None) -> RunReport:
    return RunReport(
        "run",
        MOMENT,
        {
            "snapshot": 3,
            "seconds": 1.5,
            "primary_metric": "f1_macro",
            "counts": {"train": train, "test": 10, "labels": {"no": {}, "rare": {}}, "left_out": {"old": 4}},
            "candidates": list(candidates),
            "baseline": {**candidate("majority", 0.5, []), "version": None},
            "champion": {"version": 9, "metrics": None, "error": "its files are damaged"},
            "decision": {"promoted": promoted, "reasons": []},
        },
    )


OLD = report(100, candidate("a", 0.7, [MISSED]), FAILED)
NEW = report(
    200, candidate("a", 0.9, [{**MISSED, "figure": 0.9, "passed": True}]), candidate("b", None, [UNMEASURED])
)


def test_each_run_gives_each_candidate_a_point() -> None:
    accuracy = standard_figures()[0]
    rows = points([NEW, OLD], accuracy)
    assert [(row["Run"], row["Learned from"], row["Candidate"], row["Value"]) for row in rows] == [
        (1, 100, "a", 0.7),
        (1, 100, BASELINE, 0.5),
        (2, 200, "a", 0.9),
        (2, 200, BASELINE, 0.5),
    ]
    assert [row["Gate"] for row in rows] == ["✗ missed by 0.1", "", "✓ met", ""]
    table = newest_first(rows, accuracy)
    assert (table[0]["Run"], table[0]["Accuracy"]) == (2, 0.9)


def test_what_was_not_measured_is_no_point() -> None:
    recall = next(figure for figure in standard_figures(["rare"]) if figure.gate == "recall.rare")
    assert points([NEW, OLD], recall) == []


def test_missed_gates_say_by_how_much() -> None:
    assert [row["Verdict"] for row in missed_gates(OLD.report)] == ["✗ missed by 0.1"]
    (row,) = missed_gates(NEW.report)
    assert (row["Gate"], row["Measured"], row["Verdict"]) == ("Recall of rare", "–", "✗ could not be measured")


def test_failed_candidates_and_unusable_champions_are_passed_over() -> None:
    assert failures(OLD.report) == ["broken could not learn: too few examples"]
    assert [row["Candidate"] for row in candidate_rows(OLD.report)] == ["a", BASELINE]
    assert [row["Candidate"] for row in candidate_rows(NEW.report)] == ["a", "b", BASELINE]
    assert [learner.name for learner in ranked(learners([NEW]))] == ["a", BASELINE, "b"]


def test_sentences_of_a_report() -> None:
    assert "Left out, as winnow.toml names their label no more: 4 of 'old'." in data_sentence(OLD.report)
    assert decision_sentence(OLD.report) == "No version was promoted."
    assert decision_sentence(report(1, promoted=7).report) == "Version 7 was promoted to champion."
    assert calibration_sentence({}) == "How sure it is could not be measured."


def test_empty_bins_are_no_points_of_calibration() -> None:
    full = {"from": 0.9, "to": 1.0, "count": 4, "confidence": 0.95, "accuracy": 0.5}
    bins = [{"from": 0.0, "to": 0.1, "count": 0, "confidence": None, "accuracy": None}, full]
    (row,) = calibration_rows({"calibration": {"ece": 0.45, "bins": bins}})
    assert (row["Sure"], row["Right"], row["Rows"]) == (0.95, 0.5, 4)
    assert calibration_rows({}) == []


def test_before_the_first_run_it_says_what_to_do(look: Look, untrained_server: Server) -> None:
    assert "then train on the page Models" in said(look("reports", server=untrained_server, service="sentiment"))


def test_the_newest_run_is_shown_with_its_reasons(look: Look, life_server: Server) -> None:
    test = look("reports", server=life_server, service="sentiment")
    with Client(life_server.url) as client:
        newest = client.reports("sentiment", 1)[0].report
    assert decision_sentence(newest) in said(test)
    listed = next(rows for rows in tables(test) if rows and "95 % interval" in rows[0])
    assert {row["Candidate"] for row in listed} >= {"logistic-regression", "naive-bayes", BASELINE}


def test_a_missed_gate_is_named_with_how_much_it_is_missed_by(look: Look, life_server: Server) -> None:
    test = look("reports", server=life_server, service="strict")
    assert "1 gate missed in this run:" in [element.value for element in test.error]
    (row,) = tables(test)[0]
    assert (row["Gate"], row["Required"]) == ("Accuracy", ">= 0.999")
    assert row["Verdict"].startswith("✗ missed by 0.")


@pytest.mark.parametrize("tab", ["Over runs", "Over data"])
def test_each_figure_is_shown_over_runs_and_data(look: Look, life_server: Server, tab: str) -> None:
    test = open_tab(look, "reports", tab, server=life_server)
    names = {row["Candidate"] for row in tables(test)[0]}
    assert names == {"logistic-regression", "naive-bayes", BASELINE}
    assert {row["Run"] for row in tables(test)[0]} == {1, 2}
    assert "today's gate" in said(test)
    for figure in standard_figures(["negative", "positive"]):
        field(test.selectbox, "Figure").set_value(figure).run()
        assert figure.title in tables(test)[0][0]
        assert figure.title in said(test)


def test_calibration_is_shown_for_each_candidate(look: Look, life_server: Server) -> None:
    test = open_tab(look, "reports", "How sure it is", server=life_server)
    chosen = field(test.selectbox, "Candidate of the newest run")
    assert set(chosen.options) == {"logistic-regression", "naive-bayes", BASELINE}
    assert sum(row["Rows"] for row in tables(test)[0]) > 0
    assert "apart on average" in said(test)
