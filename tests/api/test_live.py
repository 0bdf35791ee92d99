"""A service in use, through real servers: traffic, drift that is seen, quality, comparison, reports."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.projects import Server, make_project, wait_until
from winnow.client import Client, answers, live_answers
from winnow.errors import InvalidInput, NotFound

SERVICE = "sentiment"
TOML = """
[project]
name = "tests"

[services.sentiment]
task = "text-classification"
label = "label"
labels = ["negative", "positive"]
data = ["reviews.csv"]
candidates = ["naive-bayes", "logistic-regression"]

[services.sentiment.gates]
accuracy = ">= 0.5"
latency_p95_ms = "<= 1000"

[services.other]
task = "text-classification"
label = "label"
labels = ["negative", "positive"]
candidates = ["naive-bayes"]
"""
OFTEN = 0.2


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that looks often, with a service that a run has trained."""
    project = make_project(tmp_path_factory.mktemp("live") / "project", TOML)
    with Server(project, monitor_seconds=OFTEN) as server:
        with Client(server.url) as client:
            client.upload(SERVICE, project / "reviews.csv")
            client.wait(client.train(SERVICE), timeout=60)
            wait_until(lambda: client.service(SERVICE).champion is not None)
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.url) as client:
        yield client


def answered_lately(client: Client) -> int:
    return sum(bucket.answered for bucket in client.traffic(SERVICE, hours=1, buckets=60))


def reviews(client: Client) -> list[str]:
    return [example.input for example in client.iterate_examples(SERVICE)]


def measured(client: Client, given: Sequence[answers.Prediction | answers.RowError]) -> Mapping[str, Any]:
    """The figures of the champion, once they are those of just these answers."""
    told = [answer for answer in given if isinstance(answer, answers.Prediction)]
    places = Counter(min(9, int(max(answer.scores.values()) * 10)) for answer in told)
    labels = Counter(answer.label for answer in told)

    def there() -> bool:
        latest = client.live(SERVICE, 1).latest
        return latest is not None and (
            latest.figures["labels"] == {label: count / len(told) for label, count in labels.items()}
            and latest.figures["confidence"] == [places[place] / len(told) for place in range(10)]
        )

    wait_until(there)
    latest = client.live(SERVICE, 1).latest
    assert latest is not None
    return latest.figures


def test_what_was_asked_is_in_the_traffic_of_the_present_minute(client: Client) -> None:
    before = client.traffic(SERVICE, hours=1, buckets=60)
    client.predict(SERVICE, "A lovely thing.")
    client.predict_many(SERVICE, ["Broken.", "", "Splendid."])
    wait_until(lambda: answered_lately(client) >= sum(bucket.answered for bucket in before) + 3)
    after = client.traffic(SERVICE, hours=1, buckets=60)
    assert sum(bucket.refused for bucket in after) == sum(bucket.refused for bucket in before) + 1
    assert len(after) == 60
    assert {(later.since - earlier.since).total_seconds() for earlier, later in pairwise(after)} == {60}
    busy = [bucket for bucket in after if bucket.answered]
    assert all(bucket.p50_ms and bucket.p95_ms and bucket.p50_ms <= bucket.p95_ms for bucket in busy)
    assert all(bucket.p50_ms is None for bucket in after if not bucket.answered)


def test_jobs_count_as_traffic(client: Client) -> None:
    before = answered_lately(client)
    client.wait_for(client.submit(SERVICE, "A lovely thing."))
    wait_until(lambda: answered_lately(client) == before + 1)


@pytest.mark.slow
def test_traffic_that_is_the_same_is_stable_and_traffic_that_is_not_is_seen(tmp_path: Path) -> None:
    """Ask what it was trained on; then what it never saw: labels and words move, and the figures show it."""
    project = make_project(tmp_path / "project", TOML)
    chance = random.Random(7)
    with Server(project, monitor_seconds=OFTEN) as server, Client(server.url) as client:
        client.upload(SERVICE, project / "reviews.csv")
        client.wait(client.train(SERVICE), timeout=60)
        wait_until(lambda: client.service(SERVICE).champion is not None)
        known = reviews(client)
        assert client.live(SERVICE).history[0].figures["label_psi"] is None, "nothing was asked yet"
        stable = measured(client, client.predict_many(SERVICE, chance.choices(known, k=2000)))
        assert stable["label_psi"] < 0.1
        assert stable["label_js"] < 0.1
        assert stable["vocabulary_js"] < 0.1
        assert stable["unseen"] == pytest.approx(stable["reference_unseen"], abs=0.05)
        good = [example.input for example in client.iterate_examples(SERVICE) if example.target == "positive"]
        foreign = [f"{chance.choice(good)} firmware router gateway antenna {number}" for number in range(2000)]
        moved = measured(client, client.predict_many(SERVICE, foreign))
        assert moved["label_psi"] > 0.25 > stable["label_psi"]
        assert moved["label_psi"] > moved["label_psi_by_chance"]
        assert moved["label_js"] > stable["label_js"]
        assert moved["vocabulary_js"] > stable["vocabulary_js"] + 0.1
        assert moved["unseen"] > stable["unseen"] + 0.1
        text = client.metrics()
        assert f'winnow_drift_psi{{of="labels",service="{SERVICE}"}} {moved["label_psi"]}' in text
        assert f'winnow_drift_js{{of="vocabulary",service="{SERVICE}"}} {moved["vocabulary_js"]}' in text


@pytest.mark.slow
def test_what_people_correct_is_the_live_accuracy(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", TOML)
    with Server(project, monitor_seconds=OFTEN) as server, Client(server.url) as client:
        client.upload(SERVICE, project / "reviews.csv")
        client.wait(client.train(SERVICE), timeout=60)
        wait_until(lambda: client.service(SERVICE).champion is not None)
        for number in range(20):
            given = client.predict(SERVICE, f"A lovely thing, number {number}.")
            wrong = {"positive": "negative", "negative": "positive"}[given.label or ""]
            client.feedback(given.id, wrong if number < 12 else given.label or "")
        wait_until(lambda: (latest := client.live(SERVICE).latest) is not None and latest.feedback == 20)
        page = client.live(SERVICE)
        assert page.latest is not None
        figures = page.latest.figures
        assert figures["accuracy"] == pytest.approx(0.4)
        assert figures["interval"][0] < 0.4 < figures["interval"][1]
        (gate,) = figures["gates"]
        assert (gate["gate"], gate["passed"]) == ("accuracy", False)
        assert page.history[0] == page.latest
        text = client.metrics()
        assert f'winnow_live_accuracy{{service="{SERVICE}"}} 0.4' in text
        assert f'winnow_feedback{{service="{SERVICE}"}} 20.0' in text


def test_a_service_that_was_never_trained_has_no_figures(client: Client) -> None:
    assert client.live("other") == live_answers.LivePage(None, [])
    assert client.reports("other") == []
    assert all(bucket.answered == 0 for bucket in client.traffic("other"))


def test_two_versions_answer_the_same_rows_and_nothing_is_counted(client: Client) -> None:
    before, entries = answered_lately(client), len(client.history(SERVICE, 1000))
    found = client.compare(SERVICE, 1, 2)
    assert (found.first, found.second) == (1, 2)
    held_out = client.reports(SERVICE, 1)[0].report["counts"]["test"]
    assert found.rows == held_out > 0
    assert found.first_right - found.only_first_right == found.second_right - found.only_second_right
    for version, right in ((1, found.first_right), (2, found.second_right)):
        (entry,) = [entry for entry in client.versions(SERVICE).versions if entry.number == version]
        assert right / found.rows == pytest.approx(entry.metrics["accuracy"])
    assert len(found.differences) >= max(found.only_first_right, found.only_second_right)
    for row in found.differences:
        assert row.first["label"] != row.second["label"]
        assert client.predict(SERVICE, row.input, version=1).label == row.first["label"]
    asked = len(found.differences)
    assert client.compare(SERVICE, 2, 1).first_right == found.second_right
    assert len(client.history(SERVICE, 1000)) == entries + asked
    wait_until(lambda: answered_lately(client) == before + asked)


@pytest.mark.parametrize(("first", "second"), [(1, 99), (99, 1), (98, 99)])
def test_a_version_that_there_is_not_cannot_be_compared(client: Client, first: int, second: int) -> None:
    with pytest.raises(NotFound, match="no version"):
        client.compare(SERVICE, first, second)


def test_a_version_is_not_compared_with_itself(client: Client) -> None:
    with pytest.raises(InvalidInput, match="name two different ones"):
        client.compare(SERVICE, 1, 1)


def test_unknown_services_are_named_with_what_is_close(client: Client) -> None:
    for ask in (client.traffic, client.live, client.reports):
        with pytest.raises(NotFound, match="Did you mean 'sentiment'"):
            ask("sentimnt")
    with pytest.raises(NotFound, match="sentimnt"):
        client.compare("sentimnt", 1, 2)


@pytest.mark.parametrize(
    ("hours", "buckets"), [(0, 48), (-1, 48), (1e9, 48), (24, 0), (24, 1001), (float("nan"), 48)]
)  # fmt: skip
def test_impossible_spans_are_refused(client: Client, hours: float, buckets: int) -> None:
    with pytest.raises(InvalidInput, match=r"hours|buckets"):
        client.traffic(SERVICE, hours=hours, buckets=buckets)


def test_reports_are_listed_with_their_runs_newest_first(client: Client) -> None:
    found = client.reports(SERVICE)
    runs = {run.id: run for run in client.runs(SERVICE)}
    assert [entry.run for entry in found] == sorted((entry.run for entry in found), reverse=True)
    for entry in found:
        assert entry.report["run"] == entry.run
        assert entry.created_at == runs[entry.run].created_at
        assert {candidate["name"] for candidate in entry.report["candidates"]} == {
            "naive-bayes",
            "logistic-regression",
        }


@pytest.mark.slow
def test_two_processes_add_up_and_a_stop_loses_nothing(project_copy: Path) -> None:
    """Each writes what it answered, also what it answered in the seconds before it was stopped."""
    server = Server(project_copy, workers=2, monitor_seconds=3600)
    with server:
        for _ in range(30):
            with Client(server.url) as client:  # a connection of its own, which either process may take
                client.predict(SERVICE, "A lovely thing.")
    with Server(project_copy) as again, Client(again.url) as client:
        assert answered_lately(client) == 30
