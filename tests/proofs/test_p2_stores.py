"""Promise 2 where the store or Redis goes away, the disk is full, or whoever accepts jobs is killed."""

from __future__ import annotations

import http.client
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import pytest

from tests.projects import Server, wait_until
from tests.proofs.clients import Client, Reply
from tests.proofs.conftest import SettingsOf
from tests.proofs.crew import Crew
from tests.proofs.restarting import restartable_postgresql
from tests.proofs.tickets import (
    SERVICE,
    Tickets,
    accepted,
    assert_each_done_once,
    open_database,
    open_desk,
    rows,
    submit_once,
    wait_until_ended,
)
from tests.servers import RedisServer
from winnow.errors import StoreFailed
from winnow.settings import Settings, to_environment

pytestmark = pytest.mark.slow


class Submitter:
    """Submits one job after the other until the block ends; what is refused is tried again with the same key."""

    def __init__(self, settings: Settings) -> None:
        self.tickets: Tickets = {}
        self.refusals = 0
        self._settings = settings
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        with open_desk(self._settings) as desk:
            number = 0
            while not self._stop.is_set():
                text = f"text {number}: lovely"
                try:
                    ticket = submit_once(desk, text, key=text)
                except StoreFailed:
                    self.refusals += 1
                    time.sleep(0.02)
                    continue
                assert ticket not in self.tickets
                self.tickets[ticket] = text
                number += 1


def more_than(submitter: Submitter, jobs: int) -> Callable[[], bool]:
    return lambda: len(submitter.tickets) > jobs


def refused_more_than(submitter: Submitter, times: int) -> Callable[[], bool]:
    return lambda: submitter.refusals > times


@contextmanager
def in_the_middle(settings: Settings) -> Iterator[Submitter]:
    """Jobs are submitted and worked on during the block, and for a while longer; then all are accounted for."""
    with Crew(settings, [[], []]) as crew:
        wait_until(crew.works, 60)
        with Submitter(settings) as submitter:
            wait_until_ended(settings, 50)
            yield submitter
            wait_until(more_than(submitter, len(submitter.tickets) + 50), 60)
        wait_until_ended(settings, len(submitter.tickets))
    assert_each_done_once(settings, submitter.tickets)


def test_postgresql_may_be_shut_down_and_crash_while_jobs_are_worked_on(settings_of: SettingsOf) -> None:
    """A fast shutdown, then an immediate one, after which it recovers from its log."""
    with (
        restartable_postgresql() as postgresql,
        in_the_middle(settings_of(database=postgresql.url)) as submitter,
    ):
        for how in (signal.SIGINT, signal.SIGQUIT):
            postgresql.stop(how)
            wait_until(refused_more_than(submitter, submitter.refusals), 60)
            postgresql.start()
            wait_until(more_than(submitter, len(submitter.tickets) + 20), 60)


@pytest.mark.parametrize("lasting", [True, False], ids=["keeps", "forgets"])
def test_redis_may_be_killed_while_jobs_are_worked_on(
    settings_of: SettingsOf, tmp_path: Path, *, lasting: bool
) -> None:
    """Twice, whether or not it keeps anything. Jobs are accepted while it is away: the store has them."""
    (tmp_path / "redis").mkdir()
    redis = RedisServer(tmp_path / "redis", lasting=lasting)
    redis.start()
    try:
        with in_the_middle(settings_of(redis=redis.url)) as submitter:
            for _ in range(2):
                redis.stop(signal.SIGKILL)
                wait_until(more_than(submitter, len(submitter.tickets) + 5), 60)
                redis.start()
                wait_until(more_than(submitter, len(submitter.tickets) + 20), 60)
        assert not submitter.refusals
    finally:
        redis.stop()


def submit_over_http(client: Client, text: str) -> Reply:
    return client.ask("POST", f"/services/{SERVICE}/jobs", {"input": text})


def server_of(settings: Settings) -> Server:
    """A server that takes jobs in and works on none."""
    given = {name.removeprefix("WINNOW_").lower(): value for name, value in to_environment(settings).items()}
    project = given.pop("project")
    return Server(Path(project), **{**given, "port": 0, "concurrency": 0, "anonymous": "admin", "page": False})


def test_tickets_that_a_client_received_outlive_the_server_that_gave_them(queue_settings: Settings) -> None:
    """It is killed while four clients submit. Each ticket of a 202 is there, none is there twice, all are done."""
    received: Tickets = {}
    server = server_of(queue_settings).start()

    def submit_until_broken(number: int) -> None:
        with Client(server.url) as client:
            for index in range(100_000):
                text = f"client {number}, text {index}: lovely"
                try:
                    reply = submit_over_http(client, text)
                except (OSError, http.client.HTTPException):
                    return
                assert reply.status == 202
                received[reply.body["id"]] = text

    clients = [threading.Thread(target=submit_until_broken, args=(number,)) for number in range(4)]
    for thread in clients:
        thread.start()
    wait_until(lambda: len(received) > 100, 60)
    server.kill()
    for thread in clients:
        thread.join()
    there = accepted(queue_settings)
    assert received.items() <= there.items()
    assert len(set(there.values())) == len(there)
    with Crew(queue_settings, [[]]):
        wait_until_ended(queue_settings, len(there))
    assert_each_done_once(queue_settings, there)


def test_with_a_full_disk_jobs_are_refused_whole_and_accepted_ones_wait(settings_of: SettingsOf) -> None:
    """Neither who takes in nor who works can write; afterwards the accepted jobs are done, and only they."""
    settings = settings_of()
    long = "lovely " * 3000  # so that the database's files are larger than the logs, which have room to grow
    with server_of(settings) as server, Client(server.url) as client:
        before = [submit_over_http(client, f"{number} {long}") for number in range(60)]
        with disk_full_for(server.process.pid, settings):
            during = [submit_over_http(client, f"confidential {number}") for number in range(20)]
            with open_database(settings) as database:
                there = rows(database).keys()
            with Crew(settings, [[]]) as crew, disk_full_for(crew.pid(0), settings):
                wait_until(lambda: "cannot be" in crew.log.read_text(), 60)
        after = [submit_over_http(client, f"after {number}") for number in range(20)]
    assert {reply.status for reply in [*before, *after]} == {202}
    assert {(reply.status, reply.kind) for reply in during} == {(503, "store-failed")}
    assert there == {reply.body["id"] for reply in before}
    assert "confidential" not in server.log.read_text()
    with Crew(settings, [[]]):
        wait_until_ended(settings, 80)
    tickets = accepted(settings)
    assert tickets.keys() == {reply.body["id"] for reply in [*before, *after]}
    assert_each_done_once(settings, tickets)


@contextmanager
def disk_full_for(pid: int, settings: Settings) -> Iterator[None]:
    """While the block runs, no file of this process grows beyond what the database's log has now."""
    log = settings.folder / "winnow.db-wal"
    unlimited = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (log.stat().st_size, unlimited[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)
