"""The page Models, on a real server: versions, comparison, promotion, rollback and training."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.projects import SENTIMENT, Server, copy_project, make_project, train_directly, wait_until
from tests.ui.conftest import Look
from tests.ui.turning import buttons, field, open_tab, press, said, tables, turn
from winnow.client import Client
from winnow.client.answers import Promotion, Version
from winnow.client.live_answers import Comparison, Difference
from winnow.domain import Status
from winnow.ui.figures import (
    Figure,
    confusion_rows,
    confusion_table,
    gate_rows,
    gate_title,
    label_rows,
    mistake_rows,
    threshold,
)
from winnow.ui.model_view import (
    answered,
    comes_back,
    comparison_sentence,
    difference_rows,
    label_comparison_rows,
    metric_rows,
    version_rows,
)

MOMENT = datetime(2026, 11, 20, 21, 4, tzinfo=UTC)
METRICS: dict[str, Any] = {
    "accuracy": 0.8125,
    "f1_macro": 0.8,
    "brier": 0.31,
    "labels": {
        "no": {"precision": 0.75, "recall": 0.9, "f1": 0.818, "support": 10},
        "yes": {"precision": None, "recall": 0.5, "f1": 0.6, "support": 6},
    },
    "confusion": {"labels": ["no", "yes"], "counts": [[9, 1], [0, 0]]},
    "predict": {"p50_ms": 1.0, "p95_ms": 2.345, "per_second": 100},
    "size_mb": 1.5,
}


def version(number: int = 1, metrics: dict[str, Any] | None = None, gates: Sequence[Any] = ()) -> Version:
    given = METRICS if metrics is None else metrics
    return Version(number, number == 1, "naive-bayes", {}, given, gates, 1_500_000, "", "run", MOMENT)


def promotions(*kinds: tuple[str, int]) -> list[Promotion]:
    """Changes of champion, given oldest first, as the API answers them: newest first."""
    return [Promotion(number, None, kind, ["because"], MOMENT) for kind, number in reversed(kinds)]


@pytest.mark.parametrize(
    ("changes", "version"),
    [
        ((), None),
        ((("promote", 1),), None),
        ((("promote", 1), ("promote", 2)), 1),
        ((("promote", 1), ("promote", 2), ("rollback", 1)), None),
        ((("promote", 1), ("promote", 2), ("promote", 3), ("rollback", 2)), 1),
        ((("promote", 1), ("promote", 2), ("rollback", 1), ("promote", 3)), 1),
        ((("promote", 1), ("promote", 2), ("promote", 1)), 2),
    ],
)
def test_what_a_rollback_brings_back(changes: Sequence[tuple[str, int]], version: int | None) -> None:
    assert comes_back(promotions(*changes)) == version


def test_less_is_better_where_it_is() -> None:
    quick = version(2, {**METRICS, "predict": {"p95_ms": 1.0}, "accuracy": 0.7})
    rows = {row["Figure"]: row for row in metric_rows(version(1), quick)}
    assert rows["Accuracy"]["Better"] == "version 1"
    assert rows["Accuracy"]["Difference"] == pytest.approx(-0.112, abs=0.001)
    assert rows["Milliseconds (95 %)"]["Better"] == "version 2"
    assert rows["Brier score"]["Better"] == "alike"
    assert "Calibration error" not in rows  # neither was measured


def test_versions_without_figures_have_empty_cells() -> None:
    (row,) = version_rows([version(1, {})])
    assert (row["Accuracy"], row["Milliseconds (95 %)"], row["Gates"]) == (None, None, "no gates")
    assert metric_rows(version(1, {}), version(2, {})) == []
    rows = label_comparison_rows(version(1, {}), version(2))
    assert [(row["Label"], row["Recall 1"], row["Recall 2"]) for row in rows] == [
        ("no", None, 0.9),
        ("yes", None, 0.5),
    ]


def test_a_confusion_matrix_has_a_cell_for_each_pair() -> None:
    assert confusion_rows(METRICS)[0] == {"Right": "no", "Answered": "no", "Rows": 9, "Share": 0.9}
    assert confusion_rows(METRICS)[3] == {"Right": "yes", "Answered": "yes", "Rows": 0, "Share": 0.0}
    assert confusion_table(METRICS)[0] == {"Right": "no", "answered no": 9, "answered yes": 1}
    assert label_rows(METRICS)[1] == {"Label": "yes", "Precision": None, "Recall": 0.5, "F1": 0.6, "Test rows": 6}
    assert confusion_rows({}) == confusion_table({}) == label_rows({}) == []


def test_several_labels_have_counts_of_their_own() -> None:
    metrics = {"confusion": {"by_label": {"late": {"tp": 1, "fn": 2, "fp": 3, "tn": 4}}}}
    assert mistake_rows(metrics) == [
        {"Label": "late", "Found": 1, "Missed": 2, "Wrongly given": 3, "Rightly left out": 4}
    ]
    assert confusion_rows(metrics) == []


def test_gates_say_by_how_much() -> None:
    missed = {"gate": "recall.no", "requirement": ">= 0.9", "figure": 0.8, "passed": False, "short_by": 0.1}
    unknown = {**missed, "figure": None, "short_by": None}
    alone = {**unknown, "gate": "regression", "passed": True}
    assert [row["Verdict"] for row in gate_rows([missed, unknown, alone])] == [
        "✗ missed by 0.1",
        "✗ could not be measured",
        "– nothing to compare with",
    ]
    assert gate_rows([missed])[0]["Gate"] == "Recall of no"
    assert gate_title("latency_p95_ms") == "Milliseconds (95 %)"
    assert (threshold("<= 50"), threshold("> 0.5"), threshold(None)) == (50.0, 0.5, None)


def test_a_figure_that_is_no_number_counts_as_not_measured() -> None:
    figure = Figure("Recall", ("labels", "no", "recall"))
    for metrics in (None, {}, {"labels": None}, {"labels": {"no": {"recall": None}}}, {"labels": {"no": 3}}):
        assert figure.read(metrics) is None


def test_differences_say_who_is_right() -> None:
    sure = {"label": "yes", "scores": {"yes": 0.93, "no": 0.07}}
    wrong = {"label": "no", "scores": {"yes": 0.4, "no": 0.6}}
    rows = difference_rows(
        Comparison(
            1, 2, 9, 5, 6, 1, 2, [Difference("a", "yes", sure, wrong), Difference("b", "maybe", sure, wrong)]
        )
    )
    assert [row["Who is right"] for row in rows] == ["version 1", "neither"]
    several = Difference("c", ["a", "b"], {"labels": ["b", "a"], "scores": {"a": 1.0, "b": 1.0}}, {"scores": {}})
    (row,) = difference_rows(Comparison(1, 2, 1, 1, 0, 1, 0, [several]))
    assert (row["Right"], row["Who is right"], row["Version 2"]) == ("a, b", "version 1", "no answer")
    assert answered({"scores": {}}) == "no answer"
    assert comparison_sentence(Comparison(1, 2, 0, 0, 0, 0, 0, [])).startswith("There are no held-out examples")


def test_a_service_without_versions_says_what_to_do(look: Look, untrained_server: Server) -> None:
    test = look("models", server=untrained_server, service="sentiment")
    assert "sentiment has no versions yet" in said(test)
    assert "There is nothing to learn from yet" in said(test)
    assert "Train now" not in buttons(test)


def test_a_version_that_no_run_measured_says_so(look: Look, page_server: Server) -> None:
    test = look("models", server=page_server, service="sentiment")
    assert "This version has no figures." in said(test)
    assert "There is only one version." in said(turn(test, "models", "Compare two"))


def test_versions_are_shown_with_gates_and_labels(look: Look, life_server: Server) -> None:
    test = look("models", server=life_server, service="sentiment")
    listed = tables(test)[0]
    assert [row["Version"] for row in listed] == [4, 3, 2, 1]
    assert sum(row["Champion"] == "★ champion" for row in listed) == 1
    gates, labels = tables(test)[1:3]
    assert {row["Gate"] for row in gates} >= {"Accuracy", "Loss against the champion"}
    assert [row["Label"] for row in labels] == ["negative", "positive"]


def test_two_versions_are_compared_on_the_same_examples(look: Look, life_server: Server) -> None:
    test = open_tab(look, "models", "Compare two", server=life_server)
    assert {"Accuracy", "Recall of negative"} <= {row["Figure"] for row in tables(test)[0]}
    press(test, "Ask both about the same examples")
    assert "held-out examples, version" in said(test)
    field(test.selectbox, "Second").set_value(field(test.selectbox, "First").value).run()
    assert "Choose two different versions." in said(test)


@pytest.mark.slow
def test_promoting_and_rolling_back_change_the_champion(look: Look, life: Path, tmp_path: Path) -> None:
    with Server(copy_project(life, tmp_path / "copy")) as server, Client(server.url) as client:
        before = champion(client)
        test = open_tab(look, "models", "Promote or roll back", server=server)
        wanted = next(label for label in buttons(test) if label.startswith("Promote version"))
        press(test, wanted)
        if any(label.endswith("all the same") for label in buttons(test)):
            press(test, f"{wanted} all the same")
        promoted = champion(client)
        assert promoted != before
        assert f"Version {promoted} of sentiment is the champion now." in said(test)
        press(test, f"Roll back to version {before}")
        assert champion(client) == before
        assert "is the champion again" in said(test)
        test = turn(test, "models", "Champions so far")
        assert [row["How"] for row in tables(test)[0]][:2] == ["rolled back", "promoted"]


def test_a_version_that_misses_its_gates_takes_a_second_press(look: Look, life: Path, tmp_path: Path) -> None:
    with Server(copy_project(life, tmp_path / "copy")) as server, Client(server.url) as client:
        test = open_tab(look, "models", "Promote or roll back", server=server, service="strict")
        press(test, "Promote version 1")
        assert "was not promoted, because it misses its gates" in said(test)
        assert "misses >= 0.999 by" in said(test)
        assert client.service("strict").champion is None
        press(test, "Promote version 1 all the same")
        assert client.versions("strict").versions[0].champion
        assert "forced by a person" in client.versions("strict").promotions[0].reasons[0]


@pytest.mark.slow
def test_a_training_is_started_followed_and_cancelled(look: Look, tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", SENTIMENT.replace('"logistic-regression"', '"neural-net"'))
    train_directly(project)
    with Server(project) as server, Client(server.url) as client:
        test = look("models", server=server, service="sentiment")
        field(test.selectbox, "Who is promoted").set_value("nobody: I will choose").run()
        press(test, "Train now")
        (run,) = [known for known in client.runs("sentiment") if not known.status.final] or client.runs(
            "sentiment", 1
        )
        if "Cancel the training" in buttons(test):
            press(test, "Cancel the training")
        wait_until(lambda: client.run("sentiment", run.id).status.final, 60)
        ended = client.run("sentiment", run.id)
        expected = "was cancelled" if ended.status is Status.CANCELLED else "The last run finished"
        assert expected in said(look("models", server=server, service="sentiment"))
        assert len(client.versions("sentiment").promotions) == 1  # that of the setting: nobody was promoted since


def test_a_viewer_is_told_why_they_may_not(look: Look, trained_project: Path, tmp_path: Path) -> None:
    with Server(copy_project(trained_project, tmp_path / "copy"), anonymous="viewer") as server:
        test = open_tab(look, "models", "Promote or roll back", server=server)
        assert "Training takes the role admin" in said(test)
        assert "Promoting takes the role admin" in said(test)
        assert not [label for label in buttons(test) if label.startswith(("Train", "Promote", "Roll"))]


def champion(client: Client) -> int:
    return next(known.number for known in client.versions("sentiment").versions if known.champion)
