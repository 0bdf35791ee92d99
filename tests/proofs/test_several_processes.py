"""Several serving processes are one service: their figures add up, and one that dies costs nothing that follows."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest

from tests.projects import Server, wait_until
from tests.proofs.clients import ask_once, figures

pytestmark = pytest.mark.slow

ANSWERED = 'winnow_predictions_total{outcome="answered",service="sentiment"}'


@pytest.fixture
def server(project_copy: Path) -> Iterator[Server]:
    if not Path("/proc/self/task").exists():
        pytest.skip("this system has no /proc to find a server's processes in")
    with Server(project_copy, workers=2) as server:
        yield server


def predict(server: Server, requests: int) -> None:
    """So many requests, each on a connection of its own, all of which must be answered."""
    for number in range(requests):
        body = {"inputs": [f"text {number}", "lovely", ""]} if number % 2 else {"input": f"text {number}"}
        assert ask_once(server.url, "POST", "/services/sentiment/predict", body).status == 200


def scrapes(server: Server) -> list[dict[str, float]]:
    """Enough of them, on new connections, that every process is asked."""
    return [figures(server.url) for _ in range(12)]


def workers_of(server: Server) -> list[int]:
    """Process ids of those that serve."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    return [int(pid) for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def never_backwards(earlier: Mapping[str, float], later: Mapping[str, float]) -> None:
    """Counters and histograms only grow: rates computed from them stay true."""
    growing = {name: value for name, value in earlier.items() if not name.startswith("winnow_champion_version")}
    assert {name: later[name] for name, value in growing.items() if later[name] < value} == {}


def test_every_scrape_shows_the_sum_of_all_processes(server: Server) -> None:
    """Forty requests to whichever process takes them: whoever is scraped knows of all forty."""
    predict(server, 40)
    shown = scrapes(server)
    assert {scrape[ANSWERED] for scrape in shown} == {20 + 2 * 20}
    assert {scrape['winnow_predictions_total{outcome="refused",service="sentiment"}'] for scrape in shown} == {20}
    assert {scrape['winnow_journal_rows_total{outcome="kept"}'] for scrape in shown} == {60}
    assert {scrape['winnow_champion_version{service="sentiment"}'] for scrape in shown} == {1}
    assert {scrape['winnow_swaps_total{outcome="loaded",service="sentiment"}'] for scrape in shown} == {2}


def test_a_process_that_is_killed_is_replaced_and_neither_figures_nor_requests_suffer(server: Server) -> None:
    """kill -9 of one of two, twice over: all that comes afterwards is answered, and no counter goes backwards."""
    predict(server, 20)
    expected, before = 30, figures(server.url)
    for _ in range(2):
        victim = workers_of(server)[0]
        os.kill(victim, signal.SIGKILL)
        wait_until(partial(is_gone, victim))
        predict(server, 20)
        expected += 30
        wait_until(partial(is_replaced, server, victim), 30)
        for scrape in scrapes(server):
            assert scrape[ANSWERED] == expected
            never_backwards(before, scrape)
            before = scrape


def is_gone(pid: int) -> bool:
    """Whether a process runs no more: it has left, or is a zombie until its parent looks."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def is_replaced(server: Server, victim: int) -> bool:
    """Whether two processes serve again, neither of them the one that was killed."""
    workers = workers_of(server)
    return len(workers) == 2 and victim not in workers
