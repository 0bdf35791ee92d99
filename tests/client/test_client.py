"""The client's methods, on a real server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.projects import SENTIMENT, Server, make_project, train_directly
from winnow.client import Client, Prediction, RowError
from winnow.errors import Conflict, FileRefused, GateRefused, InvalidInput, NotFound, NotReady


@pytest.fixture(scope="module")
def client(trained_server: Server) -> Iterator[Client]:
    with Client(trained_server.url) as client:
        yield client


def test_services(client: Client) -> None:
    page = client.services()
    assert page.project == "tests"
    assert list(page.services) == [client.service("sentiment")]
    with pytest.raises(NotFound, match="Did you mean 'sentiment'") as caught:
        client.service("sentimant")
    assert caught.value.request_id


@pytest.mark.parametrize("name", ["", ".", "a/b", "é", "a b", "%2F", "?n=1", "#"])
def test_a_strange_name_is_not_found(client: Client, name: str) -> None:
    with pytest.raises(NotFound):
        client.predict(name, "a")


def test_predictions(client: Client) -> None:
    prediction = client.predict("sentiment", "Fell apart. 👎")
    assert prediction.label == "negative"
    assert prediction.labels is None
    assert sum(prediction.scores.values()) == pytest.approx(1)
    for strange in ("", "a\0", "a\ud800"):
        with pytest.raises(InvalidInput):
            client.predict("sentiment", strange)


def test_many_predictions(client: Client) -> None:
    texts = [f"Text number {i}." if i % 3 else "" for i in range(25)]
    rows = client.predict_many("sentiment", texts, at_once=10)
    assert [isinstance(row, RowError) for row in rows] == [not text for text in texts]
    for row in rows:
        if isinstance(row, Prediction):
            assert row.version == 1
        else:
            assert "blank" in row.error.detail
    assert client.predict_many("sentiment", []) == []


def test_history(client: Client) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    ids = [client.predict("sentiment", f"Remember {i}.").id for i in range(7)]
    entries = client.history("sentiment", 3, text="remember")
    assert [entry.id for entry in entries] == ids[:-4:-1]
    assert [entry.id for entry in client.iterate_history("sentiment", page=2, text="remember")] == ids[::-1]
    assert entries[0].created_at > before
    assert client.history("sentiment", text="remember", since=datetime.now(UTC)) == []
    assert len(client.history("sentiment", text="remember", since=before, until=datetime.now(UTC))) == 7
    label = entries[0].answer["label"]
    assert entries[0].id in [entry.id for entry in client.history("sentiment", label=label, version=1)]
    assert client.history("sentiment", version=2) == []


def test_feedback_and_examples(client: Client) -> None:
    prediction = client.predict("sentiment", "The client said so.")
    assert client.feedback(prediction.id, "positive").feedback == "positive"
    newest = client.examples("sentiment", 1).examples[0]
    assert (newest.input, newest.target, newest.source) == ("The client said so.", "positive", "feedback")
    with pytest.raises(InvalidInput, match="negative, positive"):
        client.feedback(prediction.id, "neutral")
    with pytest.raises(NotFound):
        client.feedback("no/such?id", "positive")
    assert client.add_example("sentiment", "By the client.", "negative").added
    assert not client.add_example("sentiment", "By the client.", "negative").added
    every = [example.id for example in client.iterate_examples("sentiment", page=100)]
    assert len(every) == len(set(every)) == client.examples("sentiment").count


def test_uploads(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "avis.csv"
    path.write_text("text,label\nnever seen before,positive\nnever seen before,positive\nseen,never\n")
    with pytest.raises(FileRefused, match="line 4") as caught:
        client.upload("sentiment", path)
    assert caught.value.report is not None
    assert caught.value.report["refusals"][0]["line"] == 4
    report = client.upload("sentiment", str(path), keep_good=True)
    assert (report.rows, report.accepted, report.duplicates, report.refused) == (3, 1, 1, 1)
    assert report.refusals[0].line == 4
    with pytest.raises(FileNotFoundError):
        client.upload("sentiment", tmp_path / "missing.csv")


def test_operations(client: Client, untrained_server: Server) -> None:
    assert client.live()
    assert client.ready()
    assert "winnow_requests_total" in client.metrics()
    with Client(untrained_server.url) as other:
        assert other.ready()  # it has no champion that could not answer
        with pytest.raises(NotReady, match="winnow train sentiment"):
            other.predict("sentiment", "a")


def test_threads_share_a_client(client: Client) -> None:
    texts = [f"Thread {i}." for i in range(60)]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda text: client.predict("sentiment", text).id, texts))
    assert len(set(found)) == 60


def test_promotions(tmp_path: Path) -> None:
    project = make_project(tmp_path, SENTIMENT + '\n[services.sentiment.gates]\naccuracy = ">= 0.9"\n')
    train_directly(project, metrics={"accuracy": 0.95})
    train_directly(project, metrics={"accuracy": 0.5}, promote=False)
    with Server(project) as server, Client(server.url) as client:
        with pytest.raises(GateRefused, match="accuracy") as caught:
            client.promote("sentiment", 2)
        assert caught.value.failures[0]["figure"] == 0.5
        promotion = client.promote("sentiment", 2, force=True)
        assert (promotion.version, promotion.previous, promotion.kind) == (2, 1, "promote")
        with pytest.raises(Conflict, match="champion already"):
            client.promote("sentiment", 2)
        assert client.rollback("sentiment").version == 1
        with pytest.raises(Conflict):
            client.rollback("sentiment")
        page = client.versions("sentiment")
        assert [version.number for version in page.versions] == [2, 1]
        assert [promotion.kind for promotion in page.promotions] == ["rollback", "promote", "promote"]
        assert [version.champion for version in page.versions] == [False, True]


def test_the_client_needs_little_of_winnow() -> None:
    """A page or a script that talks to a service does not load what trains and serves."""
    code = (
        "import sys, winnow; winnow.Client\n"
        "known = ('winnow', 'sklearn', 'numpy', 'fastapi', 'sqlalchemy')\n"
        "print(*sorted(name for name in sys.modules if name.split('.')[0] in known))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    others = [name for name in printed if not name.startswith("winnow.client")]
    assert others == ["winnow", "winnow.domain", "winnow.errors", "winnow.hosts"]
