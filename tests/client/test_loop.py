"""The whole loop, through the client: from examples to a service that learns from its users."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.projects import SENTIMENT, Server, make_project, wait_until
from winnow.client import Client, Run
from winnow.errors import Cancelled, Conflict, DeadlineExceeded, NotFound, NotReady, TrainingFailed

TWO_CANDIDATES = SENTIMENT.replace('["logistic-regression"]', '["logistic-regression", "naive-bayes"]')


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    project = make_project(tmp_path / "loop", TWO_CANDIDATES.replace('data = ["reviews.csv"]', ""))
    with Server(project) as server, Client(server.url) as client:
        yield client


def test_the_loop(client: Client, tmp_path: Path) -> None:
    with pytest.raises(NotReady):
        client.predict("sentiment", "Not yet.")
    report = client.upload("sentiment", tmp_path / "loop" / "reviews.csv")
    assert report.accepted == client.examples("sentiment").count > 400

    first = train(client)
    assert first.report is not None
    assert first.report == client.report("sentiment")
    assert {candidate["name"] for candidate in first.report["candidates"]} == {"logistic-regression", "naive-bayes"}
    champion = first.report["decision"]["promoted"]
    answers_with(client, champion)

    prediction = client.predict("sentiment", "Well, that was something.")
    assert client.history("sentiment", 1)[0].id == prediction.id
    right = "negative" if prediction.label == "positive" else "positive"
    assert client.feedback(prediction.id, right).feedback == right
    example = client.examples("sentiment", 1).examples[0]
    assert (example.input, example.target, example.source) == ("Well, that was something.", right, "feedback")

    second = train(client)
    assert second.report is not None
    assert second.report["counts"]["examples"] == first.report["counts"]["examples"] + 1
    assert second.report["champion"]["version"] == champion
    page = client.versions("sentiment")
    assert [version.number for version in page.versions] == [4, 3, 2, 1]
    assert [run.id for run in client.runs("sentiment")] == [second.id, first.id]
    assert all(run.report is None for run in client.runs("sentiment"))

    current = second.report["decision"]["promoted"] or champion
    other = next(version.number for version in page.versions if version.number != current)
    assert client.promote("sentiment", other).version == other
    answers_with(client, other)
    assert client.rollback("sentiment").version == current
    answers_with(client, current)

    figures = client.metrics()
    assert count(figures, 'winnow_predictions_total{outcome="answered",service="sentiment"}') == len(
        list(client.iterate_history("sentiment"))
    )
    assert count(figures, 'winnow_champion_version{service="sentiment"}') == current
    assert count(figures, 'winnow_swaps_total{outcome="loaded",service="sentiment"}') >= 3


def test_runs_that_come_to_nothing(client: Client) -> None:
    with pytest.raises(NotFound, match="no report yet"):
        client.report("sentiment")
    with pytest.raises(TrainingFailed, match="no examples"):
        client.wait(client.train("sentiment"), timeout=60)
    client.upload("sentiment", Path(__file__).parents[2] / "examples" / "sentiment" / "reviews.csv")
    run = client.train("sentiment")
    with pytest.raises(Conflict, match="being trained already"):
        client.train("sentiment")
    with pytest.raises(DeadlineExceeded, match="after 0 s"):
        client.wait(run, timeout=0)
    assert client.cancel(run).status == "cancelled"
    with pytest.raises(Cancelled):
        client.wait(run)
    with pytest.raises(Conflict, match="ended already"):
        client.cancel(run)
    assert client.versions("sentiment").versions == []


def train(client: Client) -> Run:
    """Train, and see that the run told how far it was."""
    told: list[float] = []
    run = client.train("sentiment")
    assert run.status == "queued"
    ended = client.wait(run, timeout=120, on_progress=lambda at: told.append((at.progress or {}).get("done", 0.0)))
    assert ended.status == "finished"
    assert told == sorted(told)
    assert told
    return ended


def answers_with(client: Client, version: int | None) -> None:
    """Wait until the service answers with this version."""
    wait_until(lambda: client.service("sentiment").champion == version)
    assert client.predict("sentiment", "Which one are you?").version == version


def count(figures: str, name: str) -> float:
    """One figure of Prometheus' text."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", figures, re.MULTILINE)
    assert found is not None, f"there is no {name}"
    return float(found[1])
