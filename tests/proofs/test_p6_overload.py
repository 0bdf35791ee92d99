"""Promise 6: refuse early. Queues are bounded, 429 comes before any work, deadlines are honoured."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.projects import SENTIMENT, Server, make_project, settings_of, train_directly, wait_until
from tests.proofs.clients import Client, Reply, ask_once, figures
from tests.proofs.hot_path import caller, toy_service
from tests.serving.toys import ToyModel, answer_to
from winnow.domain import Prediction
from winnow.errors import DeadlineExceeded, Overloaded
from winnow.store import Database

MAX_QUEUE = 8
SERVING = """
[services.sentiment.serving]
max_queue = {max_queue}
timeout_ms = {timeout_ms}
"""


@pytest.fixture
def small_project(tmp_path: Path) -> Path:
    """Room for eight rows, and all the time in the world."""
    toml = SENTIMENT + SERVING.format(max_queue=MAX_QUEUE, timeout_ms=60_000)
    project = make_project(tmp_path / "small", toml)
    train_directly(project)
    return project


@contextmanager
def store_at_a_standstill(project: Path) -> Iterator[None]:
    """Hold the database, as a slow disk would: no answer can be kept, so none leaves, and places stay taken."""
    database = Database(settings_of(project).database_url)
    with database.write():
        yield
    database.close()


async def test_at_ten_times_the_capacity_accepted_requests_take_no_longer_than_the_queue_is_long(
    tmp_path: Path,
) -> None:
    """Eight places, 20 ms a row, eighty callers who come again at once: who gets in waits for at most eight rows.

    Whoever does not is told so without the model being asked, with a time to come back.
    """
    model, seconds_per_row = ToyModel(seconds=0.02), 0.02
    accepted: list[float] = []
    refused: list[Overloaded] = []

    async def insist(number: int) -> None:
        for attempt in range(12):
            started = time.monotonic()
            try:
                (outcome,) = await service.answer([f"{number}.{attempt}"], caller())
            except Overloaded as error:
                refused.append(error)
                await asyncio.sleep(0.02)
            else:
                assert isinstance(outcome, Prediction)
                assert outcome.answer == answer_to(f"{number}.{attempt}")
                accepted.append(time.monotonic() - started)

    async with toy_service(tmp_path, model, max_queue=MAX_QUEUE, max_batch=4, timeout_ms=60_000) as service:
        await asyncio.gather(*[insist(number) for number in range(10 * MAX_QUEUE)])
        assert service.admission.inside == 0
    assert len(accepted) + len(refused) == 12 * 10 * MAX_QUEUE
    assert len(refused) > len(accepted) > MAX_QUEUE
    assert len(model.seen) == len(accepted), "the model was asked for those who were let in, and for nobody else"
    assert max(accepted) < 20 * MAX_QUEUE * seconds_per_row
    assert all(1.0 <= error.retry_after <= 30.0 for error in refused)


async def test_callers_are_let_go_at_their_deadline_and_rows_that_still_wait_are_never_worked_on(
    tmp_path: Path,
) -> None:
    """The model hangs; each caller leaves when their own time is up, and their places are free again."""
    model = ToyModel()
    model.gate.clear()
    async with toy_service(tmp_path, model, max_queue=100, max_batch=2, timeout_ms=60_000) as service:
        first = asyncio.create_task(service.answer(["first"], caller()))
        await asyncio.to_thread(model.started.acquire)
        started = time.monotonic()
        late = [service.answer([f"late {number}"], caller(timeout=0.2)) for number in range(20)]
        outcomes = await asyncio.gather(*late, return_exceptions=True)
        waited = time.monotonic() - started
        assert {type(outcome) for outcome in outcomes} == {DeadlineExceeded}
        assert 0.2 <= waited < 5.0
        assert service.admission.inside == 1
        model.gate.set()
        await first
        await service.answer(["next"], caller())
    assert model.seen == ["first", "next"]


async def test_a_request_of_too_many_rows_is_refused_whole(tmp_path: Path) -> None:
    """All of its rows get in or none: no half of it reaches the model."""
    model = ToyModel()
    model.gate.clear()
    async with toy_service(tmp_path, model, max_queue=MAX_QUEUE, max_batch=4, timeout_ms=60_000) as service:
        inside = asyncio.create_task(service.answer(["a", "b", "c", "d", "e"], caller()))
        await asyncio.to_thread(model.started.acquire)
        with pytest.raises(Overloaded):
            await service.answer(["v", "w", "x", "y"], caller())
        beside = asyncio.create_task(service.answer(["x", "y", "z"], caller()))
        model.gate.set()
        assert len(await inside) == 5
        assert len(await beside) == 3
    assert not {"v", "w"} & set(model.seen)


@pytest.mark.slow
def test_over_http_exactly_the_places_are_given_and_all_others_told_when_to_come_back(small_project: Path) -> None:
    """A hundred clients while nothing can leave: eight are let in, 92 refused, and the eight are answered."""
    with Server(small_project) as server, ThreadPoolExecutor(100) as pool:
        with store_at_a_standstill(small_project):
            asked = [pool.submit(predict, server, f"client {number}") for number in range(100)]
            wait_until(lambda: sum(map(Future.done, asked)) == 100 - MAX_QUEUE)
            refused = [future.result() for future in asked if future.done()]
        answered = [future.result() for future in asked if future.result() not in refused]
        shown = figures(server.url)
    assert {reply.status for reply in refused} == {429}
    assert all(int(reply.headers["retry-after"]) >= 1 for reply in refused)
    assert {reply.kind for reply in refused} == {"overloaded"}
    assert [reply.status for reply in answered] == [200] * MAX_QUEUE
    assert shown['winnow_refusals_total{reason="overloaded",service="sentiment"}'] == 100 - MAX_QUEUE
    assert shown['winnow_predictions_total{outcome="answered",service="sentiment"}'] == MAX_QUEUE
    assert shown['winnow_batch_rows_sum{service="sentiment"}'] == MAX_QUEUE, "the model saw no refused row"


@pytest.mark.slow
def test_memory_stays_flat_over_thousands_of_refused_requests(small_project: Path) -> None:
    """What is refused leaves nothing behind, however large it was."""
    large = "lovely " * 10_000
    with Server(small_project) as server, ThreadPoolExecutor(MAX_QUEUE + 4) as pool:
        with store_at_a_standstill(small_project):
            inside = [pool.submit(predict, server, f"inside {number}") for number in range(MAX_QUEUE + 1)]
            wait_until(lambda: any(map(Future.done, inside)))  # the one too many
            assert set(pool.map(refusals, [server.url] * 2, [200] * 2, [large] * 2)) == {200}
            before = resident_megabytes(server)
            assert set(pool.map(refusals, [server.url] * 2, [1000] * 2, [large] * 2)) == {1000}
            grown = resident_megabytes(server) - before
        assert sorted(future.result().status for future in inside) == [200] * MAX_QUEUE + [429]
    assert grown < 20, "megabytes, where 2,000 requests of 70 kB each were refused"


@pytest.mark.slow
def test_over_http_a_deadline_is_a_504_near_it_and_places_come_back(tmp_path: Path) -> None:
    """The store hangs for longer than winnow.toml lets callers wait; afterwards the service is as it was."""
    toml = SENTIMENT + SERVING.format(max_queue=MAX_QUEUE, timeout_ms=300)
    project = make_project(tmp_path / "hasty", toml)
    train_directly(project)
    with Server(project) as server, ThreadPoolExecutor(MAX_QUEUE) as pool:
        assert predict(server, "warm").status == 200
        for _ in range(3):
            with store_at_a_standstill(project):
                started = time.monotonic()
                late = list(pool.map(lambda number: predict(server, f"late {number}"), range(MAX_QUEUE)))
                waited = time.monotonic() - started
            assert {(reply.status, reply.kind) for reply in late} == {(504, "deadline-exceeded")}
            assert 0.3 <= waited < 5.0
        wait_until(lambda: predict(server, "after").status == 200)
        refusals_by_deadline = figures(server.url)['winnow_refusals_total{reason="deadline",service="sentiment"}']
    assert refusals_by_deadline >= 3 * MAX_QUEUE


def predict(server: Server, text: str) -> Reply:
    return ask_once(server.url, "POST", "/services/sentiment/predict", {"input": text})


def refusals(url: str, requests: int, text: str) -> int:
    """How many of so many requests, on one connection, are refused for load."""
    with Client(url) as client:
        return sum(client.predict_one(text).status == 429 for _ in range(requests))


def resident_megabytes(server: Server) -> float:
    status = Path(f"/proc/{server.process.pid}/status")
    if not status.exists():
        pytest.skip("this system has no /proc to read a process's memory from")
    (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) / 1000
