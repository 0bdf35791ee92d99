"""The whole way: a run misses its gates on a real server, people are told once, and told again when it is over."""

from __future__ import annotations

import json
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from tests.jobs.receiver import Received, Receiver, receiving
from tests.projects import Server, make_project, settings_of, train_directly, wait_until
from winnow.client import Client
from winnow.domain import AlertState, new_id, now
from winnow.errors import Conflict, InvalidInput, NotFound
from winnow.store import Database
from winnow.store.schema import notifications

TOML = """
[project]
name = "shop"
[project.alerts]
hold_minutes = 0
disk_free_gb = "off"
[services.sentiment]
task = "text-classification"
labels = ["negative", "positive"]
data = ["reviews.csv"]
candidates = ["naive-bayes"]
gates = { accuracy = ">= GATE", regression = "<= 1" }
"""


def titles(receiver: Receiver) -> list[str]:
    return [json.loads(message.body)["embeds"][0]["title"] for message in list(receiver.received)]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose gate no candidate meets. Its examples are loaded, and it has a champion all the same."""
    folder = make_project(tmp_path / "shop", TOML.replace("GATE", "0.999"))
    train_directly(folder)
    return folder


def serve(project: Path, address: str, **settings: object) -> Server:
    return Server(project, monitor_seconds=0.1, notify=f"discord+{address}/api/webhooks/1/token", **settings)


@pytest.mark.slow
def test_an_impossible_gate_is_told_once_and_a_possible_one_ends_it(project: Path) -> None:
    with receiving(204) as receiver:
        with (
            serve(project, receiver.url, public_url="https://winnow.example.org/") as server,
            Client(server.url) as client,
        ):
            client.wait(client.train("sentiment"), timeout=120)
            wait_until(lambda: len(receiver.received) == 1, 60)
            client.wait(client.train("sentiment"), timeout=120)  # misses it too: no second alert
            (alert,) = client.alerts()
            assert (alert.rule, alert.service, alert.state) == ("gates-missed", "sentiment", AlertState.OPEN)
            assert alert.requirement == "accuracy >= 0.999"
            assert 'winnow_open_alerts{rule="gates-missed",service="sentiment"} 1.0' in client.metrics()
            assert client.acknowledge(alert.id).acknowledged_by == "anonymous"
            assert [event.action for event in client.events(action="acknowledge")] == ["acknowledge"]
        assert titles(receiver) == ["[shop] gates-missed on sentiment"]
        embed = json.loads(receiver.received[0].body)["embeds"][0]
        assert embed["url"] == "https://winnow.example.org/ui"
        assert "misses >= 0.999 by" in embed["description"]

        make_project(project, TOML.replace("GATE", "0.1"))
        with serve(project, receiver.url) as server, Client(server.url) as client:
            client.wait(client.train("sentiment"), timeout=120)
            wait_until(lambda: len(receiver.received) == 2, 60)
            (alert,) = client.alerts()
            assert alert.state is AlertState.RESOLVED
            assert client.alerts(state="open") == []
            with pytest.raises(Conflict, match="resolved"):
                client.acknowledge(alert.id)
        assert titles(receiver)[1] == "[shop] gates-missed on sentiment is resolved"


@pytest.mark.slow
def test_kill_9_amid_telling_opens_no_second_alert_and_people_are_told(project: Path) -> None:
    with receiving(204) as receiver:
        came, over = threading.Event(), threading.Event()
        answer = receiver.answer

        def hang(message: Received) -> int:
            came.set()
            over.wait(60)
            return answer(message)

        receiver.answer = hang  # type: ignore[method-assign]
        server = serve(project, receiver.url).start()
        with Client(server.url) as client:
            client.wait(client.train("sentiment"), timeout=120)
        assert came.wait(20)
        server.kill()
        over.set()
        wait_until(lambda: len(receiver.received) == 1, 60)
        due_now(project)
        with serve(project, receiver.url) as again, Client(again.url) as client:
            wait_until(lambda: len(receiver.received) == 2, 60)  # nobody knows whether the first was heard
            time.sleep(1.5)
            assert len(client.alerts()) == 1
        assert titles(receiver) == ["[shop] gates-missed on sentiment"] * 2


def refused(project: Path) -> bool:
    """Whether it is noted that a message was not taken."""
    database = Database(settings_of(project).database_url)
    with database.read() as connection:
        errors = connection.scalars(select(notifications.c.error)).all()
    database.close()
    return any(errors)


def due_now(project: Path) -> None:
    """Let the time pass after which a message that was taken is due again."""
    database = Database(settings_of(project).database_url)
    with database.write() as connection:
        taken = update(notifications).where(notifications.c.due_at.is_not(None))
        connection.execute(taken.values(due_at=now() - timedelta(seconds=1)))
    database.close()


@pytest.mark.slow
def test_kill_9_before_telling_leaves_it_to_the_next(project: Path) -> None:
    with Server(project, monitor_seconds=0.1) as server, Client(server.url) as client:
        client.wait(client.train("sentiment"), timeout=120)
        wait_until(lambda: len(client.alerts()) == 1, 60)
        server.kill()
    with receiving(500, 204) as receiver, serve(project, receiver.url):
        wait_until(lambda: refused(project), 60)
        due_now(project)
        wait_until(lambda: len(receiver.received) == 2, 60)
        time.sleep(1.5)
        assert titles(receiver) == ["[shop] gates-missed on sentiment"] * 2  # refused, then heard


def test_alerts_that_are_not_there_are_not_found(trained_server: Server) -> None:
    with Client(trained_server.url) as client:
        assert client.alerts(service="sentiment", state="pending", n=5, before="x") == []
        with pytest.raises(NotFound):
            client.acknowledge(new_id())
        with pytest.raises(NotFound, match="ids look like"):
            client.acknowledge("x")
        with pytest.raises(InvalidInput, match="state"):
            client.alerts(state="ajar")


def test_a_server_with_a_wrong_address_does_not_start(project_copy: Path) -> None:
    with pytest.raises(AssertionError, match="address 2 has no scheme"):
        Server(project_copy, notify="discord://1/token secret").start()
    assert "secret" not in Server(project_copy).log.read_text()
