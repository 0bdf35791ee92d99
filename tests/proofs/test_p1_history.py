"""Promise 1: an answer that a client received is in the history, even after kill -9 right behind it."""

from __future__ import annotations

import random
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.projects import Server, make_project, settings_of, train_directly
from tests.proofs.clients import Answer, Client, Load, figures
from tests.servers import BACKENDS, PostgreSQL
from winnow.store import Database
from winnow.store.schema import predictions

pytestmark = pytest.mark.slow

KILLS = 3
"""For each backend, with one process and with two."""


def kept_in(database: Database) -> dict[str, tuple[str, object, int]]:
    """The whole history: id → input, answer, version."""
    with database.read() as connection:
        rows = connection.execute(select(predictions)).all()
    return {row.id: (row.input, row.answer, row.version) for row in rows}


def kept(project: Path) -> dict[str, tuple[str, object, int]]:
    database = Database(settings_of(project).database_url)
    try:
        return kept_in(database)
    finally:
        database.close()


def assert_all_kept(answers: Sequence[Answer], history: dict[str, tuple[str, object, int]]) -> None:
    """Each answer is there, with the input that was sent and what was answered, to the last bit."""
    received = {answer.id: (answer.input, answer.answer, answer.version) for answer in answers}
    assert len(received) == len(answers), "no id is given twice"
    assert {key: history.get(key) for key in received} == received


@pytest.fixture(params=BACKENDS)
def server_of(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Server]]:
    """Makes servers, not started yet, of a trained project whose history is on one backend or the other."""
    project = make_project(tmp_path / "project")
    if request.param == "sqlite":
        train_directly(project)
        yield partial(Server, project)
        return
    postgresql: PostgreSQL = request.getfixturevalue("postgresql")
    with postgresql.fresh() as url:
        monkeypatch.setenv("WINNOW_DATABASE", url)  # for what this process reads and writes
        train_directly(project)
        yield partial(Server, project, database=url)


@pytest.mark.parametrize("workers", [1, 2])
def test_every_answer_that_a_client_received_is_in_the_history_after_kill_9(
    server_of: Callable[..., Server], workers: int
) -> None:
    """Load, SIGKILL at a random moment, look; several times over, on one database that is never repaired."""
    server, moments = server_of(workers=workers), random.Random(workers)
    answers: list[Answer] = []
    for number in range(KILLS):
        server.start()
        with Load(server.url, clients=6, name=f"round {number}") as load:
            time.sleep(moments.uniform(0.1, 1.2))
            server.kill()
        assert load.answers
        assert not load.refusals
        answers += load.answers
        assert_all_kept(answers, kept(server.project))


def test_relaxed_answers_are_all_kept_by_a_clean_stop(project_copy: Path) -> None:
    """They do not wait for their commit; ending the server as a supervisor does writes what waits."""
    with Server(project_copy, history="relaxed") as server, Load(server.url, clients=6) as load:
        time.sleep(1.0)
        server.stop()
    assert load.answers
    assert_all_kept(load.answers, kept(project_copy))


def test_durable_answers_under_way_at_a_clean_stop_are_given_and_kept(project_copy: Path) -> None:
    """SIGTERM under load: requests that were taken are answered first, and no refusal is sent instead."""
    with Server(project_copy) as server, Load(server.url, clients=6) as load:
        time.sleep(1.0)
        server.stop()
    assert load.answers
    assert not load.refusals
    assert_all_kept(load.answers, kept(project_copy))


def test_with_history_off_nothing_that_users_sent_is_kept(project_copy: Path) -> None:
    """Not in the table, and not in any file of the project."""
    secret = "a sentence that nobody may keep"
    with Server(project_copy, history="off") as server, Client(server.url) as client:
        for _ in range(20):
            assert client.predict_one(secret).status == 200
        assert client.predict(secret, 5, secret).status == 200
    assert kept(project_copy) == {}
    for path in project_copy.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes()


def test_a_full_disk_refuses_durable_answers_honestly_and_the_service_recovers(project_copy: Path) -> None:
    """While nothing can be written each answer is a 503 that says so; afterwards all goes on, nothing is lost."""
    long = "lovely " * 3000  # so that the database's files are larger than the log, which has room to grow
    with Server(project_copy) as server, Client(server.url) as client:
        before = [client.predict_one(f"{number} {long}") for number in range(60)]
        log = settings_of(project_copy).folder / "winnow.db-wal"
        unlimited = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (log.stat().st_size, unlimited[1]))
        during = [client.predict_one(f"confidential {number}") for number in range(20)]
        several = client.predict("confidential one", "", "confidential two")
        counted = figures(server.url)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, unlimited)
        after = [client.predict_one(f"after {number}") for number in range(20)]
    assert {reply.status for reply in [*before, *after]} == {200}
    assert {(reply.status, reply.kind) for reply in [*during, several]} == {(503, "store-failed")}
    assert counted['winnow_journal_rows_total{outcome="lost"}'] == 22
    assert counted['winnow_predictions_total{outcome="answered",service="sentiment"}'] == len(before)
    assert kept(project_copy).keys() == {reply.body["id"] for reply in [*before, *after]}
    errors = [line for line in server.log_lines() if line["level"] == "error" and "exception" in line]
    assert errors, "the log has the reason"
    assert "confidential" not in server.log.read_text(), "and nothing that users sent"
