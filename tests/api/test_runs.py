"""Runs over HTTP: what a run, or a job that trains, may be told about promotion."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from tests.projects import SENTIMENT, Server, make_project
from winnow.client import Client
from winnow.domain import JobKind, Status
from winnow.errors import InvalidInput


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of a project with examples."""
    project = make_project(tmp_path_factory.mktemp("runs") / "project", SENTIMENT)
    with Server(project) as server, Client(server.url) as client:
        client.upload("sentiment", project / "reviews.csv")
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.url) as client:
        yield client


@pytest.mark.slow
def test_a_run_that_is_told_to_waits_for_a_person(client: Client) -> None:
    run = client.wait(client.train("sentiment", promote="manual"), timeout=120)
    assert run.promote == "manual"
    assert run.report is not None
    decision = run.report["decision"]
    assert decision["promoted"] is None
    assert client.service("sentiment").champion is None
    assert client.promote("sentiment", decision["chosen"]).version == decision["chosen"]


@pytest.mark.slow
def test_a_job_that_trains_tells_its_run(client: Client) -> None:
    champion = client.versions("sentiment").promotions
    job = client.wait_for(client.submit_training("sentiment", promote="manual"), timeout=120)
    assert (job.kind, job.status) == (JobKind.TRAIN, Status.FINISHED)
    result = client.result(job)
    assert (result.promoted, result.chosen) == (None, client.versions("sentiment").versions[0].number)  # type: ignore[union-attr]
    assert client.run("sentiment", result.run).promote == "manual"  # type: ignore[union-attr]
    assert client.versions("sentiment").promotions == champion


@pytest.mark.parametrize("promote", ['"perhaps"', "true", "1", '["manual"]', '{"manual": 1}', '""'])
@pytest.mark.parametrize(
    ("path", "body"),
    [("train", '{"promote": %s}'), ("jobs", '{"kind": "train", "promote": %s}')],
    ids=["run", "job"],
)
def test_what_cannot_be_told_is_refused(server: Server, path: str, body: str, promote: str) -> None:
    answer = httpx2.post(f"{server.url}/services/sentiment/{path}", content=body % promote)
    assert answer.status_code == 422
    assert "promote" in answer.json()["detail"]
    assert "automatic" in answer.json()["detail"]


def test_nothing_but_promote_can_be_told(server: Server) -> None:
    answer = httpx2.post(f"{server.url}/services/sentiment/train", json={"candidate": "linear-svm"})
    assert answer.status_code == 422
    assert "candidate" in answer.json()["detail"]


def test_the_client_refuses_as_the_service_does(client: Client) -> None:
    with pytest.raises(InvalidInput, match="automatic"):
        client.train("sentiment", promote="perhaps")  # type: ignore[arg-type]
