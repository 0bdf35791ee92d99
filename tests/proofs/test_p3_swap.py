"""Promise 3: a new version takes over with no failed request: loaded, warmed and tested beside the old one."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.projects import Server, settings_of, train_directly, wait_until
from tests.proofs.clients import Answer, Client, Load, ask_once, figures
from winnow.lifecycle.registry import load_version
from winnow.models.base import Model
from winnow.models.linear_candidates import NaiveBayes
from winnow.store import Database, versions

pytestmark = pytest.mark.slow

PROMOTIONS = 20
WITHIN_SECONDS = 1.0
"""The promise. A machine so busy that its processes do not run gets four times as much before a test fails."""


@dataclass(frozen=True)
class Swap:
    """A promotion: when it was asked for, and when every process had loaded its version."""

    version: int
    asked_at: float
    everywhere_at: float


def models_of(project: Path) -> Mapping[int, Model]:
    """Versions 1 and 2, loaded here, to know what each of them answers."""
    settings = settings_of(project)
    database = Database(settings.database_url)
    try:
        return {
            number: load_version(database, settings.folder / "models", "sentiment", number) for number in (1, 2)
        }
    finally:
        database.close()


def swap(server: Server, version: int, loaded_before: float) -> Swap:
    """Promote, and wait until every process says that it has loaded the version."""
    asked_at = time.monotonic()
    reply = ask_once(server.url, "POST", f"/services/sentiment/versions/{version}/promote")
    assert (reply.status, reply.body["version"]) == (200, version)
    wait_until(lambda: loads(server) == loaded_before + 2, 4 * WITHIN_SECONDS)
    return Swap(version, asked_at, time.monotonic())


def loads(server: Server) -> float:
    """How many times a process has taken a champion over, all processes together."""
    return figures(server.url)['winnow_swaps_total{outcome="loaded",service="sentiment"}']


def describe(server: Server) -> Any:
    return ask_once(server.url, "GET", "/services/sentiment").body


def allowed(answer: Answer, swaps: list[Swap]) -> set[int]:
    """Versions that were champion in some process at some moment between question and answer."""
    begun = [swap for swap in swaps if swap.asked_at <= answer.answered_at]
    done = [swap for swap in begun if swap.everywhere_at <= answer.asked_at]
    return {done[-1].version if done else 1} | {swap.version for swap in begun[len(done) :]}


def test_twenty_promotions_under_load_fail_no_request_in_any_process(project_copy: Path) -> None:
    """Two processes, eight clients, the champion changing to and fro: every request is answered, by a version that
    was champion while it was under way, exactly as that version answers; and each process follows each promotion.
    """
    assert train_directly(project_copy, candidate=NaiveBayes(), name="naive-bayes", promote=False) == 2
    with Server(project_copy, workers=2) as server, Load(server.url, clients=8) as load:
        assert loads(server) == 2, "one for each process"
        swaps = [swap(server, 2 - number % 2, loaded_before=2.0 + 2 * number) for number in range(PROMOTIONS)]
        time.sleep(0.1)
    assert not load.failures
    models = models_of(project_copy)
    for answer in load.answers:
        assert answer.version in allowed(answer, swaps)
        assert models[answer.version].answer([answer.input]) == [answer.answer]
    assert {answer.version for answer in load.answers} == {1, 2}
    decided = [answer for answer in load.answers if len(allowed(answer, swaps)) == 1]
    assert decided, "some requests came when only one version could answer"
    within = sorted(swap.everywhere_at - swap.asked_at for swap in swaps)
    assert within[PROMOTIONS // 2] < WITHIN_SECONDS, "the usual promotion, however busy the machine is"


def test_a_tampered_champion_leaves_the_old_one_answering_and_is_told(project_copy: Path) -> None:
    """One byte of it changed: no request fails, the old version answers, the service is degraded and says why."""
    number = train_directly(project_copy, candidate=NaiveBayes(), name="naive-bayes", promote=False)
    settings = settings_of(project_copy)
    database = Database(settings.database_url)
    with database.read() as connection:
        bundle = settings.folder / "models" / versions.get(connection, "sentiment", number).path
    database.close()
    data = max(bundle.iterdir(), key=lambda path: path.stat().st_size)
    content = bytearray(data.read_bytes())
    content[len(content) // 2] ^= 1
    data.write_bytes(content)
    with Server(project_copy) as server:
        assert describe(server)["state"] == "ready"
        with Load(server.url, clients=4) as load:
            assert ask_once(server.url, "POST", f"/services/sentiment/versions/{number}/promote").status == 200
            wait_until(lambda: bool(describe(server)["state"] == "degraded"))
        told = describe(server)
        assert (told["champion"], data.name in told["problem"]) == (1, True)
        assert ask_once(server.url, "GET", "/health/ready").status == 200, "it answers: send it traffic"
        assert ask_once(server.url, "POST", "/services/sentiment/rollback").status == 200
        wait_until(lambda: bool(describe(server)["state"] == "ready"))
    assert not load.failures
    assert {answer.version for answer in load.answers} == {1}


def test_a_server_that_starts_with_a_broken_champion_says_so_and_recovers(project_copy: Path) -> None:
    """It is not ready and names the reason; the next sound champion answers without a restart."""
    bundles = settings_of(project_copy).folder / "models"
    (facts,) = bundles.rglob("bundle.json")
    facts.write_text("{}")
    with Server(project_copy) as server, Client(server.url) as client:
        refused = client.predict_one("lovely")
        assert (refused.status, refused.kind) == (503, "not-ready")
        assert "sha256" in refused.body["detail"]
        assert client.ask("GET", "/health/ready").status == 503
        number = train_directly(project_copy)
        wait_until(lambda: client.ask("GET", "/health/ready").status == 200)
        assert client.predict_one("lovely").body["version"] == number
