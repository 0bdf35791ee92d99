"""The client's methods for jobs, on a real server; and what a real one does seldom, on a scripted one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import pytest

from tests.client.scripted import Answer, scripted
from tests.projects import Server, wait_until
from winnow.client import Client, Prediction, RowError, TrainingResult
from winnow.client.answers import Job
from winnow.domain import JobKind, Status
from winnow.errors import (
    Cancelled,
    Conflict,
    ConnectionFailed,
    DeadlineExceeded,
    Expired,
    InvalidInput,
    JobFailed,
    NotFinished,
    NotFound,
    Overloaded,
)

UNKNOWN = "01a2b3c4-d5e6-7f80-9a1b-2c3d4e5f6071"
ANSWER = {
    "id": UNKNOWN,
    "service": "sentiment",
    "kind": "predict",
    "status": "queued",
    "attempt": 0,
    "created_at": "2026-11-20T10:00:00Z",
    "started_at": None,
    "finished_at": None,
    "expires_at": None,
    "progress": None,
    "error": None,
}
"""A job as the API words it."""


@pytest.fixture(scope="module")
def client(trained_server: Server) -> Iterator[Client]:
    with Client(trained_server.url) as client:
        yield client


@pytest.fixture
def idle(project_copy: Path) -> Iterator[Client]:
    """Of a server that works on nothing."""
    with Server(project_copy, concurrency=0) as server, Client(server.url) as client:
        yield client


def accepted(**changes: object) -> Answer:
    return Answer(202, json.dumps({**ANSWER, **changes}).encode())


def test_one_input(client: Client) -> None:
    job = client.submit("sentiment", "Fell apart.", top_k=1)
    assert (job.service, job.kind, job.id) == ("sentiment", JobKind.PREDICT, client.job(job.id).id)
    assert client.wait_for(job, timeout=60).status is Status.FINISHED
    for found in (client.result(job), client.result(job.id)):
        assert isinstance(found, Prediction)
        assert found.label == "negative"
        assert len(found.scores) == 1


def test_several_inputs(client: Client) -> None:
    job = client.wait_for(client.submit_many("sentiment", ["Fell apart.", ""], version=1))
    first, second = client.result(job)  # type: ignore[misc]  # several inputs are a list
    assert isinstance(first, Prediction)
    assert isinstance(second, RowError)
    assert "blank" in second.error.detail


def test_predict_takes_the_same_options(client: Client) -> None:
    prediction = client.predict("sentiment", "Fell apart.", version="logistic-regression", top_k=1)
    assert (len(prediction.scores), prediction.version) == (1, 1)
    (row,) = client.predict_many("sentiment", ["Fell apart."], version=1, top_k=1)
    assert isinstance(row, Prediction)
    assert row.scores == prediction.scores


def test_files_are_sent_as_base64(client: Client, tmp_path: Path) -> None:
    """Here to a service of texts, which takes them for what they are."""
    (tmp_path / "a.png").write_bytes(b"\x89PNG")
    sent = client.predict("sentiment", b"\x89PNG").id, client.predict("sentiment", tmp_path / "a.png").id
    entries = {entry.id: entry.input for entry in client.history("sentiment", 10)}
    assert [entries[prediction] for prediction in sent] == ["iVBORw=="] * 2


def test_a_file(client: Client, tmp_path: Path) -> None:
    source, target = tmp_path / "reviews.csv", tmp_path / "scored.csv"
    source.write_text("number,text\n1,Fell apart.\n2,Lovely.\n")
    job = client.wait_for(client.submit_file("sentiment", source, top_k=1))
    assert client.download(job, target) == target
    lines = target.read_text().splitlines()
    assert len(lines) == 3
    assert lines[1].startswith("1,Fell apart.,")
    assert sorted(tmp_path.iterdir()) == [source, target]
    with pytest.raises(InvalidInput, match="download"):
        client.result(job)


@pytest.mark.slow
def test_training(project_copy: Path) -> None:
    """A run of its own, whose outcome is the result of the job."""
    with Server(project_copy) as server, Client(server.url) as client:
        job = client.wait_for(client.submit_training("sentiment"), timeout=120)
        found = client.result(job)
        assert isinstance(found, TrainingResult)
        assert client.run("sentiment", found.run).status is Status.FINISHED
        assert found.reasons


def test_errors_are_typed(client: Client, tmp_path: Path) -> None:
    for call in (client.job, client.result, client.cancel_job, client.wait_for):
        with pytest.raises(NotFound):
            call(UNKNOWN)
    with pytest.raises(NotFound):
        next(client.follow(UNKNOWN))
    with pytest.raises(NotFound):
        client.download(UNKNOWN, tmp_path / "a.csv")
    assert list(tmp_path.iterdir()) == []
    failing = client.submit("sentiment", "Lovely.", version=999)
    with pytest.raises(JobFailed, match="999") as waited:
        client.wait_for(failing)
    with pytest.raises(JobFailed, match="999") as fetched:
        client.result(failing)
    assert waited.value.error == fetched.value.error
    assert waited.value.error["kind"] == "not-found"


def test_waiting_has_an_end(idle: Client) -> None:
    job = idle.submit("sentiment", "Lovely.")
    with pytest.raises(DeadlineExceeded, match="queued"):
        idle.wait_for(job, timeout=0.2)
    with pytest.raises(NotFinished):
        idle.result(job)
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(idle.wait_for, job)
        assert idle.cancel_job(job).status is Status.CANCELLED
        with pytest.raises(Cancelled):
            waiting.result(60)
    with pytest.raises(Conflict):
        idle.cancel_job(job)


def test_following(idle: Client) -> None:
    job = idle.submit("sentiment", "Lovely.")
    told: list[Job] = []

    def follow() -> None:
        for state in idle.follow(job):
            told.append(state)  # noqa: PERF402  (one by one, as they come)

    with ThreadPoolExecutor(1) as thread:
        following = thread.submit(follow)
        wait_until(lambda: bool(told))
        idle.cancel_job(job)
        following.result(60)
    assert [state.status for state in told] == [Status.QUEUED, Status.CANCELLED]
    assert told[0].position == 0


def test_lists(idle: Client) -> None:
    tickets = [idle.submit("sentiment", f"Text {number}.").id for number in range(5)]
    training = idle.submit_training("sentiment")
    assert training.kind is JobKind.TRAIN
    assert [job.id for job in idle.jobs(2, kind=JobKind.PREDICT)] == [tickets[4], tickets[3]]
    assert [job.id for job in idle.iterate_jobs(page=2, service="sentiment", status=Status.QUEUED)] == [
        training.id,
        *reversed(tickets),
    ]
    assert list(islice(idle.iterate_jobs(page=1), 1)) == [training]


def test_keys(idle: Client) -> None:
    first = idle.submit("sentiment", "Lovely.", idempotency_key="mine")
    assert idle.submit("sentiment", "Lovely.", idempotency_key="mine") == first
    assert idle.submit("sentiment", "Lovely.") != idle.submit("sentiment", "Lovely.")
    with pytest.raises(Conflict, match="mine"):
        idle.submit("sentiment", "Ugly.", idempotency_key="mine")


def test_a_submission_that_broke_off_is_sent_again_under_the_same_key(tmp_path: Path) -> None:
    """Whether the first one was taken in is not known: with its key it cannot become two."""
    (tmp_path / "a.csv").write_text("text\nLovely.\n")
    submissions: list[Callable[[Client], Job]] = [
        lambda client: client.submit("sentiment", "Lovely."),
        lambda client: client.submit_file("sentiment", tmp_path / "a.csv"),
        lambda client: client.submit_training("sentiment"),
    ]
    for submit in submissions:
        with scripted(Answer(0), accepted()) as server, Client(server.url) as client:
            assert submit(client).id == UNKNOWN
            (first, second) = server.keys
            assert first == second != ""
    with scripted(Answer(0)) as server, Client(server.url, retries=1) as client:
        with pytest.raises(ConnectionFailed):
            client.submit("sentiment", "Lovely.")
        assert len(server.asked) == 2
        with pytest.raises(ConnectionFailed):
            client.predict("sentiment", "Lovely.")
        assert len(server.asked) == 3, "a prediction is not sent twice"


def test_a_download_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    """Not the half of it, and what was there before stays."""
    target = tmp_path / "scored.csv"
    target.write_text("what was there")
    half = Answer(200, b"text,label\n", {"Content-Length": "1000", "Content-Type": "text/csv"})
    with scripted(half) as server, Client(server.url) as client, pytest.raises(ConnectionFailed):
        client.download(UNKNOWN, target)
    assert target.read_text() == "what was there"
    assert list(tmp_path.iterdir()) == [target]


def test_a_stream_that_breaks_off_is_taken_up_again() -> None:
    def stream(*statuses: str) -> Answer:
        events = [f"event: x\ndata: {json.dumps({**ANSWER, 'status': status})}\n\n" for status in statuses]
        return Answer(200, "".join(["retry: 1\n\n", *events]).encode(), {"Content-Type": "text/event-stream"})

    answers = [stream("queued"), stream("queued", "started"), stream("started", "finished")]
    with scripted(*answers) as server, Client(server.url) as client:
        told = [job.status for job in client.follow(UNKNOWN)]
    assert told == [Status.QUEUED, Status.STARTED, Status.FINISHED]


def test_what_is_gone_and_what_has_no_room(project_copy: Path) -> None:
    with (
        Server(project_copy, keep_results_hours=0.0001, max_queued=1) as server,
        Client(server.url, retries=0) as client,
    ):
        job = client.wait_for(client.submit("sentiment", "Lovely."))

        def is_gone() -> bool:
            try:
                client.result(job)
            except Expired:
                return True
            return False

        wait_until(is_gone)
    with Server(project_copy, concurrency=0, max_queued=1) as server, Client(server.url, retries=0) as client:
        client.submit("sentiment", "Lovely.")
        with pytest.raises(Overloaded):
            client.submit("sentiment", "Lovely.")
