"""The page Operations, on a real server: jobs, traffic, live quality, alerts, health and the audit trail."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.projects import Server, copy_project, make_project, wait_until
from tests.ui.conftest import Look
from tests.ui.turning import buttons, field, open_tab, press, said, tables
from winnow.client import Client
from winnow.client.account_answers import Event
from winnow.client.answers import Job
from winnow.client.live_answers import Alert, Measurement, TrafficBucket
from winnow.domain import AlertState, JobKind, Status
from winnow.ui.operation_view import (
    anything,
    done,
    event_rows,
    job_rows,
    job_sentence,
    latency_rows,
    outcome_rows,
    traffic_rows,
    traffic_sentence,
)
from winnow.ui.quality_view import (
    accuracy_sentence,
    alert_figure,
    alert_rows,
    alert_title,
    drift_rows,
    drift_sentences,
    figures_over_time,
    label_mix_rows,
    measurement_rows,
)

MOMENT = datetime(2026, 11, 20, 21, 4, tzinfo=UTC)


def job(status: Status = Status.STARTED, **changed: Any) -> Job:
    given: dict[str, Any] = {
        "id": "ticket", "service": "sentiment", "kind": JobKind.FILE, "status": status, "attempt": 1,
        "created_at": MOMENT, "started_at": None, "finished_at": None, "expires_at": None,
        "progress": None, "error": None,
    }  # fmt: skip
    return Job(**{**given, **changed})


def bucket(answered: int = 0, failed: int = 0, p95: float | None = None) -> TrafficBucket:
    return TrafficBucket(MOMENT, 60, answered, 0, failed, 0, 0, p95, p95)


def measurement(**figures: Any) -> Measurement:
    return Measurement("id", "sentiment", 3, 500, 40, figures, MOMENT)


def alert(state: AlertState = AlertState.OPEN, **changed: Any) -> Alert:
    given: dict[str, Any] = {
        "id": "id", "rule": "error-rate", "service": "sentiment", "state": state, "detail": "too many",
        "value": 0.123456, "requirement": "<= 0.05", "since": MOMENT, "opened_at": MOMENT,
        "resolved_at": None, "acknowledged_at": None, "acknowledged_by": None,
    }  # fmt: skip
    return Alert(**{**given, **changed})


@pytest.mark.parametrize(
    ("progress", "share"),
    [(None, 0.0), ({}, 0.0), ({"done": 0.4, "rows": 1000}, 0.4), ({"done": 1.7}, 1.0), ({"done": -1}, 0.0)],
)
def test_how_much_of_a_job_is_done(progress: Any, share: float) -> None:
    assert done(job(progress=progress)) == share
    assert done(job(Status.FINISHED, progress=progress)) == 1.0


def test_a_job_in_a_sentence() -> None:
    assert job_sentence(job(Status.QUEUED)) == "waits for its turn"
    assert job_sentence(job(progress={"done": 0.4, "rows": 40_000}, attempt=2)).endswith(
        "40,000 rows answered (attempt 2)"
    )


def test_jobs_say_what_went_wrong_and_how_long_they_took() -> None:
    ended = job(
        Status.FAILED, started_at=MOMENT, finished_at=MOMENT + timedelta(seconds=2.5), error={"detail": "it broke"}
    )
    (row,) = job_rows([ended])
    assert (row["Status"], row["Seconds"], row["Problem"]) == ("✗ failed", 2.5, "it broke")
    assert job_rows([job(Status.FAILED, error={})])[0]["Problem"] == ""


def test_quiet_stretches_are_in_the_chart_and_not_in_the_table() -> None:
    buckets = [bucket(), bucket(7, 1, 2.345), bucket()]
    (row,) = traffic_rows(buckets)
    assert (row["Answered"], row["Failed"], row["95 % ms"]) == (7, 1, 2.35)
    assert len(outcome_rows(buckets)) == 9
    assert [line["Milliseconds"] for line in latency_rows(buckets)] == [None, None, 2.35, 2.35, None, None]
    assert traffic_sentence(buckets, 24) == "8 inputs in the last 24 hours; 1 of them (12.5\u202f%) had no answer."
    assert traffic_sentence([bucket()], 1) == "Nobody asked anything in the last hour."
    assert not anything([bucket()])
    assert anything(buckets)


def test_live_accuracy_comes_with_its_interval_and_a_warning() -> None:
    sentence = accuracy_sentence(measurement(accuracy=0.9, interval=[0.85, 0.94]))
    assert sentence.startswith("90.0\u202f% were right (between 85.0\u202f% and 94.0\u202f%, with 95 % confidence)")
    assert "lower than the truth" in sentence
    assert "too few to say" in accuracy_sentence(measurement(accuracy=None))
    assert "too few to say" in accuracy_sentence(measurement())


@pytest.mark.parametrize(
    ("psi", "words"), [(0.0, "has not changed"), (0.1, "has changed a little"), (0.25, "has changed much")]
)
def test_drift_is_said_in_words(psi: float, words: str) -> None:
    assert words in next(drift_sentences({"label_psi": psi}))
    assert list(drift_sentences({"label_psi": None})) == []
    assert drift_rows({"label_psi": psi, "vocabulary_js": None})[0]["Value"] == psi


def test_shares_of_labels_stand_beside_those_of_training() -> None:
    rows = label_mix_rows({"labels": {"yes": 1.0}, "reference_labels": {"no": 0.5, "yes": 0.5}})
    assert [(row["Label"], row["When"], row["Share"]) for row in rows] == [
        ("no", "at training", 0.5),
        ("no", "now", 0.0),
        ("yes", "at training", 0.5),
        ("yes", "now", 1.0),
    ]
    assert label_mix_rows({"labels": None}) == []


def test_measurements_over_time_leave_out_what_was_not_measured() -> None:
    history = [measurement(accuracy=0.8, label_psi=None), measurement(label_psi=0.2)]
    assert [(row["Figure"], row["Value"]) for row in figures_over_time(history)] == [
        ("Labels (PSI)", 0.2),
        ("Accuracy", 0.8),
    ]
    assert measurement_rows(history)[1]["Accuracy"] is None


def test_an_alert_in_words() -> None:
    assert alert_title(alert()) == "✗ open: error rate on sentiment"
    assert alert_title(alert(service="")) == "✗ open: error rate"
    assert alert_figure(alert()) == "Seen: 0.1235. Required: <= 0.05."
    assert alert_figure(alert(value=None)) == ""
    assert alert_rows([alert(AlertState.RESOLVED)])[0]["State"] == "✓ resolved"


def test_the_audit_trail_leaves_out_what_was_not_said() -> None:
    event = Event("id", "ada", "train", "sentiment", None, {"promote": None, "rows": 3}, None, None, MOMENT)
    (row,) = event_rows([event])
    assert (row["Of"], row["Outcome"], row["Details"]) == ("", "not known", "rows: 3")


def test_a_waiting_job_is_shown_and_cancelled(look: Look, trained_project: Path, tmp_path: Path) -> None:
    project = copy_project(trained_project, tmp_path / "copy")
    with Server(project, concurrency=0) as server, Client(server.url) as client:
        empty = open_tab(look, "operations", "Jobs", server=server)
        assert "No job is here." in said(empty)
        ticket = client.submit("sentiment", "I love it.").id
        test = open_tab(look, "operations", "Jobs", server=server)
        assert [row["Ticket"] for row in tables(test)[0]] == [ticket]
        assert "waits for its turn" in test.get("progress")[0].proto.text
        press(test, "Cancel")
        assert client.job(ticket).status is Status.CANCELLED
        assert "was cancelled" in said(test)
        field(test.selectbox, "Status").set_value("queued").run()
        assert "No job is here." in said(test)
        field(test.selectbox, "Status").set_value("cancelled").run()
        assert [row["Status"] for row in tables(test)[0]] == ["– cancelled"]


def test_an_editor_may_not_cancel_a_training(look: Look, trained_project: Path, tmp_path: Path) -> None:
    project = copy_project(trained_project, tmp_path / "copy")
    with Server(project, concurrency=0) as server, Client(server.url) as client:
        client.submit_training("sentiment")
    with Server(project, concurrency=0, anonymous="editor") as server:
        test = open_tab(look, "operations", "Jobs", server=server)
        assert len(tables(test)[0]) == 1
        assert "Cancel" not in buttons(test)


def test_a_viewer_is_told_why_they_may_not(look: Look, trained_project: Path, tmp_path: Path) -> None:
    with Server(copy_project(trained_project, tmp_path / "copy"), anonymous="viewer") as server:
        test = open_tab(look, "operations", "Jobs", server=server)
        assert "Seeing jobs takes the role editor" in said(test)
        test = open_tab(look, "operations", "Who changed what", server=server)
        assert "Reading who changed what takes the role admin" in said(test)
        assert not tables(test)


def test_traffic_is_shown_once_something_was_asked(look: Look, project_copy: Path) -> None:
    with Server(project_copy, monitor_seconds=0.2) as server, Client(server.url) as client:
        assert "Nobody asked anything" in said(open_tab(look, "operations", "Traffic", server=server))
        client.predict_many("sentiment", ["I love it."] * 30)
        wait_until(lambda: any(known.answered for known in client.traffic("sentiment", hours=1.0)), 30)
        test = open_tab(look, "operations", "Traffic", server=server)
        assert "30 inputs in the last 24 hours; 0 of them" in said(test)
        assert sum(row["Answered"] for row in tables(test)[0]) == 30


@pytest.mark.slow
def test_live_quality_says_what_is_needed_and_then_what_it_is(look: Look, life: Path, tmp_path: Path) -> None:
    with Server(copy_project(life, tmp_path / "copy"), monitor_seconds=0.2) as server, Client(server.url) as client:
        client.predict_many("sentiment", [f"I love number {number}." for number in range(120)])
        for entry in client.history("sentiment", 20):
            client.feedback(entry.id, "negative" if entry.answer["label"] == "positive" else "positive")

        def measured() -> bool:
            latest = client.live("sentiment").latest
            return latest is not None and latest.figures.get("accuracy") is not None

        wait_until(measured, 30)
        test = open_tab(look, "operations", "Quality in use", server=server)
        assert "0\u202f% were right" in said(test).replace("0.0", "0")
        assert "since training (PSI" in said(test)
        assert "was not measured in use yet" in said(
            open_tab(look, "operations", "Quality in use", server=server, service="satisfaction")
        )


@pytest.mark.slow
def test_an_alert_is_acknowledged_by_one_press(look: Look, life: Path, tmp_path: Path) -> None:
    with Server(copy_project(life, tmp_path / "copy"), monitor_seconds=0.2) as server, Client(server.url) as client:
        wait_until(lambda: bool(client.alerts(state=AlertState.OPEN)), 30)
        test = open_tab(look, "operations", "Alerts", server=server)
        assert "gates missed on strict" in said(test)
        press(test, "I know of it")
        (known,) = client.alerts(state=AlertState.OPEN)
        assert known.acknowledged_at is not None
        assert "knows of it" in said(test)
        assert "I know of it" not in buttons(test)


def test_alerts_and_health_of_a_fresh_project(look: Look, tmp_path: Path) -> None:
    with Server(make_project(tmp_path / "fresh")) as server:
        assert "There was never an alert." in said(open_tab(look, "operations", "Alerts", server=server))
        health = open_tab(look, "operations", "Health", server=server)
        assert "sentiment has no champion yet: train it, or promote a version, on the page Models." in said(health)
        assert tables(health)[0][0]["State"] == "untrained"
        assert "Nothing is noted here." in said(open_tab(look, "operations", "Who changed what", server=server))


def test_the_audit_trail_is_filtered(look: Look, project_copy: Path) -> None:
    with Server(project_copy) as server, Client(server.url) as client:
        client.add_account("ian", "viewer")
        client.remove_account("ian")
        test = open_tab(look, "operations", "Who changed what", server=server)
        assert len(tables(test)[0]) == 2
        field(test.text_input, "Who").set_value("nobody at all").run()
        assert "Nothing is noted here." in said(test)
