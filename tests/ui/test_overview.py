"""The overview, over real servers."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.projects import Server, make_project, train_directly
from tests.ui.conftest import Look, words_of
from winnow.client import Client
from winnow.client.answers import Run, Service
from winnow.client.live_answers import LivePage, Measurement, TrafficBucket
from winnow.domain import Status
from winnow.ui import overview_view as view

NOW = datetime.now(UTC)
TWO = """
[project]
name = "shop"

[services.sentiment]
task = "text-classification"
description = "Is this review positive?"
input = "text"
label = "label"
labels = ["negative", "positive"]
data = ["reviews.csv"]
candidates = ["logistic-regression"]

[services.sentiment.gates]
accuracy = ">= 0.8"

[services.fresh]
task = "text-classification"
description = "Is this <b>new</b>?"
input = "text"
label = "label"
"""
MISSED = {
    "gate": "accuracy",
    "requirement": ">= 0.8",
    "figure": 0.7,
    "passed": False,
    "short_by": 0.1,
    "reason": "accuracy 0.7 misses >= 0.8 by 0.1",
}


def test_every_service_is_there_with_what_is_wrong_and_what_to_do(look: Look, tmp_path_factory: object) -> None:
    project = make_project(tmp_path_factory.mktemp("two") / "project", TWO)  # type: ignore[attr-defined]
    train_directly(project, metrics={"accuracy": 0.7, "f1_macro": 0.69}, gates=[MISSED])
    with Server(project) as server:
        with Client(server.url) as client:
            client.predict("sentiment", "Lovely.")
        test = look(server=server)
        assert not test.exception
        said = words_of(test)
        assert test.title[0].value == "shop"
        assert [heading.value for heading in test.subheader] == ["sentiment", "fresh"]
        figures = {metric.label: metric.value for metric in test.metric}
        assert figures["Champion"] == "version 1"
        assert figures["Accuracy"] == "70.0\u202f%"
        assert figures["Gates"] == "1 of 1 missed"
        assert "misses" in said
        assert "No version answers yet." in said
        assert "Bring labelled examples in" in said


def test_a_project_that_was_never_trained_says_what_to_do(look: Look, untrained_server: Server) -> None:
    test = look(server=untrained_server)
    assert not test.exception
    assert "No version answers yet." in words_of(test)
    assert not test.metric


def test_a_service_that_does_not_answer_is_a_sentence(look: Look, untrained_server: Server) -> None:
    untrained_server.stop()
    test = look(server=untrained_server)
    assert not test.exception
    assert "nobody listens there" in test.error[0].value


def test_who_looks_is_said_with_the_way_in(look: Look, page_server: Server) -> None:
    test = look(server=page_server)
    assert any("you are an admin" in caption.value for caption in test.sidebar.caption)


# What is said of figures


def _service(**given: object) -> Service:
    usual: dict[str, object] = {
        "name": "sentiment", "task": "text-classification", "description": "", "state": "ready", "problem": None,
        "labels": None, "several": False, "champion": 1, "candidates": (), "gates": {}, "examples": 3,
    }  # fmt: skip
    return Service(**{**usual, **given})  # type: ignore[arg-type]


def test_traffic_is_added_up_and_the_slowest_stretch_counts() -> None:
    buckets = [
        TrafficBucket(NOW, 60, answered, 0, 0, 0, 0, None, p95) for answered, p95 in ((3, 1.0), (0, None), (4, 9.0))
    ]
    figures = view.use_figures(_service(), buckets, None)
    assert figures["Answered, 24 h"] == "7"
    assert figures["Latency, 95 %"] == "9 ms"
    assert figures["Right in use"] == "–"
    assert view.slowest_p95([]) is None


def test_live_accuracy_comes_with_its_interval() -> None:
    figures = {"accuracy": 0.9, "interval": [0.85, 0.94]}
    live = LivePage(Measurement("1", "sentiment", 1, 500, 120, figures, NOW), ())
    assert view.live_words(live) == "90.0\u202f%"
    assert "120 corrected or confirmed predictions" in str(view.interval_words(live))
    assert view.interval_words(LivePage(None, ())) is None


def test_the_newest_run_in_a_sentence() -> None:
    now = datetime.now(UTC)

    def run(status: Status, **given: object) -> Run:
        usual: dict[str, object] = {
            "started_at": None,
            "finished_at": None,
            "snapshot": None,
            "progress": None,
            "error": None,
        }
        return Run("1", "sentiment", status, now, **{**usual, **given})  # type: ignore[arg-type]

    assert view.run_words(None) == "Never trained here."
    assert view.run_words(run(Status.QUEUED)) == "A training waits for its turn."
    assert view.run_words(run(Status.STARTED, progress={"done": 0.4})) == "Being trained now, 40\u202f% done."
    assert view.run_words(run(Status.STARTED)) == "Being trained now."
    assert "failed just now: no rows" in view.run_words(run(Status.FAILED, error="no rows"))
    assert view.run_words(run(Status.FINISHED)) == "Last trained just now."
    assert view.run_words(run(Status.CANCELLED)) == "Last training cancelled just now."


def test_what_is_wrong_with_a_service() -> None:
    assert view.state_words(_service()) is None
    assert view.state_words(_service(state="degraded", problem="its bundle is damaged")) == "its bundle is damaged"
    assert "Bring labelled examples in" in view.next_step(_service(examples=0))
    assert "3 examples" in view.next_step(_service())
    moment = datetime(2026, 11, 20, tzinfo=UTC)
    finished = Run("1", "sentiment", Status.FINISHED, moment, moment, moment, 1, None, None)
    assert "**Reports** says why" in view.next_step(_service(), finished)
