"""Automatic rollback: only where people found the champion significantly worse, once, and with its figures."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.alerts.making import all_alerts
from tests.jobs.receiver import receiving
from tests.projects import Server, make_project, train_directly, wait_until
from winnow.client import Client
from winnow.domain import AlertState, Prediction, Promotion, Status, Version, new_id, now
from winnow.jobs.rollback import Rollback
from winnow.models.majority import Majority
from winnow.monitoring.metrics import Metrics
from winnow.settings import load_settings
from winnow.store import predictions, runs, versions
from winnow.workspace import Workspace

TOML = """
[project]
name = "shop"
[services.sentiment]
task = "text-classification"
labels = ["negative", "positive"]
data = ["reviews.csv"]
alerts = { feedback = 20 }
retrain = { rollback = "automatic" }
gates = { regression = "<= 1" }
"""


class Shop:
    """A service with two versions, of which the second took over from the first."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.database = workspace.database
        self.metrics = Metrics()
        self.rollback = Rollback(workspace, 60, self.metrics)
        for number in (1, 2):
            self.register(number)
        self.promote(1)

    def register(self, number: int) -> None:
        with self.database.write() as connection:
            run = runs.create(connection, "sentiment")
            runs.end(connection, run.id, Status.FINISHED)
            path = f"sentiment/{number}"
            version = Version(
                "sentiment", number, run.id, "svm", {}, {}, [], path, "0" * 64, 1, champion=False, created_at=now()
            )
            versions.add(connection, version)

    def promote(self, number: int) -> Promotion:
        with self.database.write() as connection:
            self.database.lock(connection, "sentiment")
            return versions.promote(connection, "sentiment", number, reasons=["a test wants it"])

    def spoken_on(self, version: int, *, right: int, wrong: int) -> None:
        """So many answers of a version that people found right, and wrong."""
        rows = [
            Prediction(
                new_id(), "sentiment", version, "text", {"label": "positive", "scores": {}}, 1.0, "r", "c", now()
            )
            for _ in range(right + wrong)
        ]
        with self.database.write() as connection:
            predictions.append(connection, rows)
        for place, row in enumerate(rows):
            self.workspace.give_feedback(row.id, "positive" if place < right else "negative")

    def look(self) -> Promotion | None:
        return self.rollback.look_at("sentiment")

    @property
    def champion(self) -> int:
        with self.database.read() as connection:
            return versions.champions(connection)["sentiment"]


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Shop]:
    project = make_project(tmp_path / "project", TOML)
    with Workspace(load_settings(project=project, database=database_url)) as workspace:
        yield Shop(workspace)


def test_a_champion_that_is_significantly_worse_gives_its_place_back(shop: Shop) -> None:
    shop.spoken_on(1, right=24, wrong=1)
    shop.promote(2)
    shop.spoken_on(2, right=10, wrong=15)
    done = shop.look()
    assert done is not None
    assert (done.version, done.previous, done.kind) == (1, 2, "rollback")
    assert shop.champion == 1
    assert done.reasons[0] == "rolled back from version 2"
    assert "right in 10 of 25 predictions since its promotion (0.400)" in done.reasons[1]
    assert "version 1 in 24 of 25 (0.960)" in done.reasons[1]
    (alert,) = all_alerts(shop.database)
    assert (alert.rule, alert.service, alert.state) == ("rolled-back", "sentiment", AlertState.OPEN)
    assert alert.value == 0.4
    assert 'winnow_automatic_rollbacks_total{service="sentiment"} 1.0' in shop.metrics.render({}, []).decode()


@pytest.mark.parametrize(
    ("first", "second"),
    [((24, 1), (23, 2)), ((24, 1), (19, 6)), ((24, 1), (0, 19)), ((19, 0), (0, 25)), ((1, 24), (24, 1))],
    ids=["as good", "perhaps worse", "too few now", "too few before", "better"],
)
def test_one_that_is_not_stays(shop: Shop, first: tuple[int, int], second: tuple[int, int]) -> None:
    shop.spoken_on(1, right=first[0], wrong=first[1])
    shop.promote(2)
    shop.spoken_on(2, right=second[0], wrong=second[1])
    assert shop.look() is None
    assert shop.champion == 2
    assert all_alerts(shop.database) == []


def test_the_first_champion_has_nobody_to_give_its_place_to(shop: Shop) -> None:
    shop.spoken_on(1, right=0, wrong=40)
    assert shop.look() is None


def test_a_version_that_was_rolled_back_and_promoted_again_is_judged_anew(shop: Shop) -> None:
    shop.spoken_on(1, right=24, wrong=1)
    shop.promote(2)
    shop.spoken_on(2, right=5, wrong=20)
    assert shop.look() is not None
    assert shop.look() is None  # what came of a rollback is not rolled back
    shop.promote(2)
    assert shop.look() is None  # what people said before this promotion does not count
    assert shop.champion == 2
    shop.spoken_on(2, right=5, wrong=20)
    assert shop.look() is not None
    states = [alert.state for alert in all_alerts(shop.database)]
    assert states == [AlertState.RESOLVED, AlertState.OPEN]


def test_another_champion_meanwhile_is_left_in_peace(shop: Shop) -> None:
    shop.spoken_on(1, right=24, wrong=1)
    shop.promote(2)
    shop.spoken_on(2, right=5, wrong=20)
    with shop.database.read() as connection:
        contest = shop.rollback._contest(connection, "sentiment")
    assert contest is not None
    shop.register(3)
    shop.promote(3)
    assert shop.rollback._give_back("sentiment", contest) is None
    assert shop.champion == 3
    assert all_alerts(shop.database) == []


def test_several_processes_roll_back_once(shop: Shop) -> None:
    shop.spoken_on(1, right=24, wrong=1)
    shop.promote(2)
    shop.spoken_on(2, right=5, wrong=20)
    found: list[Promotion | None] = []
    threads = [threading.Thread(target=lambda: found.append(shop.look())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(done is not None for done in found) == 1
    with shop.database.read() as connection:
        kinds = [entry.kind for entry in versions.promotions_of(connection, "sentiment", 10)]
    assert kinds == ["rollback", "promote", "promote"]


async def test_without_being_asked_nothing_is_rolled_back(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", TOML.replace("automatic", "manual"))
    with Workspace(load_settings(project=project)) as workspace:
        shop = Shop(workspace)
        shop.spoken_on(1, right=24, wrong=1)
        shop.promote(2)
        shop.spoken_on(2, right=5, wrong=20)
        await shop.rollback.do()
        assert shop.champion == 2


@pytest.mark.slow
def test_people_correct_a_bad_champion_and_the_one_before_comes_back(tmp_path: Path) -> None:
    project = make_project(tmp_path / "shop", TOML)
    train_directly(project)
    with (
        receiving(204) as receiver,
        Server(project, monitor_seconds=0.1, notify=f"discord+{receiver.url}/hook") as server,
        Client(server.url) as client,
    ):
        texts = [f"{word} and {other}" for word in ("Broken", "Awful", "Useless") for other in map(str, range(10))]
        for text in texts:
            answer = client.predict("sentiment", text)
            client.feedback(answer.id, answer.label or "")
        train_directly(project, candidate=Majority(), name="majority")
        wait_until(lambda: client.service("sentiment").champion == 2, 30)
        wait_until(lambda: client.predict("sentiment", "Once more.").version == 2)
        for text in texts:
            answer = client.predict("sentiment", text)
            client.feedback(answer.id, "negative" if answer.label == "positive" else "positive")
            if answer.version == 1:
                break
        wait_until(lambda: client.service("sentiment").champion == 1, 30)
        wait_until(lambda: client.predict("sentiment", "Once more.").version == 1)
        newest = client.versions("sentiment").promotions[0]
        assert newest.kind == "rollback"
        assert "people found version 2 right in 0 of" in newest.reasons[1]
        (alert,) = client.alerts()
        assert alert.rule == "rolled-back"
        wait_until(lambda: len(receiver.received) == 1, 20)

        assert client.acknowledge(alert.id).state is AlertState.RESOLVED
        client.promote("sentiment", 2, force=True)  # a person knows better: nobody rolls that back
        time.sleep(1)
        assert client.service("sentiment").champion == 2
        assert len(receiver.received) == 1
