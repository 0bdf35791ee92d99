"""Events: a job's progress as it happens, for browsers and whoever reads lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.projects import Server, settings_of, wait_until
from winnow.domain import JobKind, Status
from winnow.jobs.bells import make_bells
from winnow.jobs.sql_queue import SqlQueue, Terms
from winnow.store import Database, jobs
from winnow.store.jobs import Ending, Lease

JOBS = "/services/sentiment/jobs"


class Hand:
    """Does by hand what a worker in another process does."""

    def __init__(self, project: Path) -> None:
        settings = settings_of(project)
        self._database = Database(settings.database_url)
        self._bells = make_bells(self._database)
        self._queue = SqlQueue(self._database, Terms.of(settings), self._bells)

    def close(self) -> None:
        self._bells.close()
        self._database.close()

    def take(self) -> Lease:
        (lease,) = self._queue.lease("by hand", [JobKind.PREDICT], ["sentiment"], 1)
        return lease

    def tell(self, lease: Lease, done: float) -> None:
        with self._database.write() as connection:
            assert jobs.tell(connection, lease, {"done": done})

    def finish(self, lease: Lease) -> None:
        assert self._queue.settle([Ending(lease, Status.FINISHED, result={"label": "positive"})])


@pytest.fixture
def server(project_copy: Path) -> Iterator[Server]:
    with Server(project_copy, concurrency=0) as server:
        yield server


@pytest.fixture
def http(server: Server) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=server.url, trust_env=False, timeout=60) as client:
        yield client


@pytest.fixture
def hand(server: Server) -> Iterator[Hand]:
    hand = Hand(server.project)
    yield hand
    hand.close()


def events(response: httpx2.Response) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each event with its name, as it comes."""
    name = ""
    for line in response.iter_lines():
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, json.loads(value)


def test_every_change_is_told_as_it_happens(http: httpx2.Client, hand: Hand) -> None:
    """Each step is taken once the one before it was told: nothing is told only at the end."""
    ticket = http.post(JOBS, json={"input": "Lovely."}).json()["id"]
    with http.stream("GET", f"/jobs/{ticket}/events") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-cache"
        told = events(response)
        name, job = next(told)
        assert (name, job["status"], job["position"]) == ("progress", "queued", 0)
        lease = hand.take()
        name, job = next(told)
        assert (name, job["status"], job["attempt"], job["position"]) == ("progress", "started", 1, None)
        for done in (0.25, 0.75):
            hand.tell(lease, done)
            name, job = next(told)
            assert (name, job["progress"]) == ("progress", {"done": done})
        hand.finish(lease)
        name, job = next(told)
        assert (name, job["id"], job["status"]) == ("ended", ticket, "finished")
        assert list(told) == []


def test_one_that_has_ended_is_told_at_once(http: httpx2.Client) -> None:
    ticket = http.post(JOBS, json={"input": "Lovely."}).json()["id"]
    http.delete(f"/jobs/{ticket}")
    response = http.get(f"/jobs/{ticket}/events")
    assert [(name, job["status"]) for name, job in events(response)] == [("ended", "cancelled")]
    assert response.text.startswith("retry: ")
    again = http.get(f"/jobs/{ticket}/events", headers={"Last-Event-ID": "ended"})
    assert again.status_code == 204, "a browser that opens the stream again is told to stop"


def test_many_follow_one_job(http: httpx2.Client, hand: Hand) -> None:
    ticket = http.post(JOBS, json={"input": "Lovely."}).json()["id"]
    with (
        http.stream("GET", f"/jobs/{ticket}/events") as first,
        http.stream("GET", f"/jobs/{ticket}/events") as second,
    ):
        streams = [events(first), events(second)]
        assert [next(stream)[1]["status"] for stream in streams] == ["queued"] * 2
        hand.finish(hand.take())
        assert [list(stream)[-1][0] for stream in streams] == ["ended"] * 2


def test_who_stops_listening_is_forgotten(server: Server, http: httpx2.Client) -> None:
    """The request ends on the server's side too, although the job does not."""
    ticket = http.post(JOBS, json={"input": "Lovely."}).json()["id"]
    with http.stream("GET", f"/jobs/{ticket}/events") as response:
        assert next(events(response))[1]["status"] == "queued"
    wait_until(lambda: any(f"/jobs/{ticket}/events 200" in line["message"] for line in server.log_lines()))
    assert [line for line in server.log_lines() if line["level"] == "error"] == []
