"""What Redis may do without a job being lost: be late, be down, forget everything, or know too much."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.jobs.conftest import Queues
from tests.jobs.handling import (
    LIGHT,
    TRAINING,
    answered,
    finished,
    history,
    job,
    new_job,
    put,
    put_some,
    take,
    take_in_time,
    tickets,
)
from tests.projects import make_project, settings_of, wait_until
from tests.servers import RedisServer
from winnow.domain import JobKind, Status
from winnow.errors import MissingExtra, ProjectError
from winnow.jobs.bells import WORK
from winnow.jobs.opening import open_queue
from winnow.jobs.redis_queue import CONSUMER, GROUP, RedisQueue
from winnow.jobs.sql_queue import Terms
from winnow.settings import load_settings
from winnow.store import Database


@pytest.fixture
def queues(redis_server: RedisServer, sqlite_pattern: Path, tmp_path: Path) -> Iterator[Queues]:
    """A queue whose Redis may be stopped."""
    shutil.copy(sqlite_pattern, tmp_path / "winnow.db")
    opened = Queues(Database(f"sqlite:///{tmp_path / 'winnow.db'}"), redis_server.url)
    yield opened
    opened.close()


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[redis.Redis]:
    with redis_server.client() as connected:
        yield connected


def entries(client: redis.Redis) -> int:
    """How many tickets stand in all streams."""
    streams = [key for key in client.keys("winnow:*") if client.type(key) == "stream"]
    return sum(client.xlen(stream) for stream in streams)


def without_redis(queues: Queues) -> Queues:
    """The same jobs, handed in by a process that dies before it tells Redis."""
    return Queues(queues.database, None)


def test_streams_hold_waiting_tickets_and_nothing_else(queues: Queues, client: redis.Redis) -> None:
    queue = queues.open()
    put_some(queue, 30)
    assert entries(client) == 30
    leases = take(queue, 20)
    assert entries(client) == 10
    queue.release(leases[:5])
    assert entries(client) == 15
    queue.settle([finished(lease) for lease in leases[5:]])
    for lease in leases[:5]:
        queue.cancel(lease.id)
    assert len(take(queue)) == 10
    assert entries(client) == 0
    assert client.xpending("winnow:tests:line:shop:file+predict", GROUP)["pending"] == 0
    assert len(client.xinfo_consumers("winnow:tests:line:shop:file+predict", GROUP)) == 1


def test_recovering_a_sound_queue_adds_nothing(queues: Queues, client: redis.Redis) -> None:
    queue = queues.open()
    put_some(queue, 5)
    take(queue, 2)
    assert queue.recover() == 0
    assert entries(client) == 3


def test_services_take_turns(queues: Queues) -> None:
    queue = queues.open()
    for service in ("shop", "books"):
        put(queue, *(new_job(service=service) for _ in range(4)))
    turns = [queue.lease("worker", LIGHT, ["shop", "books"], 1)[0].service for _ in range(8)]
    assert sorted(turns[:2]) == ["books", "shop"]
    assert turns == turns[:2] * 4


def test_a_ticket_that_redis_never_heard_of_is_found(queues: Queues) -> None:
    given = put_some(without_redis(queues).open(), 3)
    (train,) = put(without_redis(queues).open(), new_job(kind=JobKind.TRAIN))
    queue = queues.open()
    assert take(queue) == []
    queue.recover()
    assert tickets(take(queue)) == given
    assert tickets(take(queue, kinds=TRAINING)) == [train]


def test_what_redis_never_heard_of_goes_before_what_came_later(queues: Queues) -> None:
    first = put_some(without_redis(queues).open(), 2)
    queue = queues.open()
    later = put_some(queue, 3)
    queue.recover()
    assert [lease.id for _ in range(5) for lease in take(queue, 1)] == [*first, *later]


def test_redis_forgets_everything_in_the_middle(queues: Queues, client: redis.Redis) -> None:
    queue = queues.open()
    given = put_some(queue, 40)
    leases = take(queue, 10)
    client.flushall()
    later = put_some(queue, 5)
    queue.recover()
    assert tickets(take(queue)) == [*given[10:], *later]
    assert queue.settle([finished(lease) for lease in leases]) == set(given[:10])


def test_a_worker_that_dies_between_redis_and_the_store_loses_no_job(queues: Queues, client: redis.Redis) -> None:
    queue = queues.open(lease_seconds=0.2)
    given = put_some(queue, 3)
    stream = "winnow:tests:line:shop:file+predict"
    client.xgroup_create(stream, GROUP, id="0")
    client.xreadgroup(GROUP, CONSUMER, {stream: ">"}, count=2)  # and now it dies
    patient = queues.open()
    assert tickets(take(patient)) == given[2:]
    taken = take_in_time(queue, 2)
    assert sorted(tickets(taken)) == given[:2]
    assert entries(client) == 0


def test_tickets_of_jobs_that_are_not_there_any_more_do_no_harm(queues: Queues, client: redis.Redis) -> None:
    queue = queues.open()
    for ticket in put_some(queue, 20):
        queue.cancel(ticket)
    for place in range(50):
        client.xadd("winnow:tests:line:shop:file+predict", {"ticket": f"nobody's {place}"})
    given = put_some(queue, 2)
    assert tickets(take(queue, 5)) == given
    assert entries(client) == 0


def test_while_redis_is_down_jobs_are_accepted_and_done(queues: Queues, redis_server: RedisServer) -> None:
    queue = queues.open()
    before = put_some(queue, 4)
    held = take(queue, 1)
    redis_server.stop()

    during = put_some(queue, 3)
    assert queue.settle([finished(lease) for lease in held], [answered(lease) for lease in held]) == {before[0]}
    assert queue.recover() == 0
    leases = take(queue, 4)
    assert tickets(leases) == [*before[1:], *during[:1]]
    assert queue.renew(leases) == set(tickets(leases))
    queue.release(leases[-1:])
    assert queue.cancel(during[2]).status is Status.CANCELLED

    redis_server.start()
    after = put_some(queue, 2)
    rest = take_in_time(queue, 4)
    assert sorted(tickets(rest)) == [*during[:2], *after]
    done = [*leases[:-1], *rest]
    assert queue.settle([finished(lease) for lease in done], [answered(lease) for lease in done]) == {
        lease.id for lease in done
    }
    assert sorted(map(str, history(queues.database))) == sorted([*before, *during[:2], *after])


def test_a_redis_that_remembers_too_much_hands_nothing_out_twice(sqlite_pattern: Path, tmp_path: Path) -> None:
    (tmp_path / "lasting").mkdir()
    server = RedisServer(tmp_path / "lasting", lasting=True)
    server.start()
    shutil.copy(sqlite_pattern, tmp_path / "winnow.db")
    queues = Queues(Database(f"sqlite:///{tmp_path / 'winnow.db'}"), server.url)
    try:
        queue = queues.open()
        given = put_some(queue, 5)
        server.stop()
        queue.settle([finished(lease) for lease in take(queue, 3)])  # the store hands these out
        server.start()
        assert tickets(take_in_time(queue, 2)) == given[3:]
        assert take(queue) == []
        assert job(queues.database, given[0]).attempt == 1
    finally:
        queues.close()
        server.stop()


def test_bells_ring_again_after_redis_came_back(queues: Queues, redis_server: RedisServer) -> None:
    heard: list[str] = []
    bells, _ = queues.open_with_bells(Terms(600, 3, timedelta(hours=1)))
    other, _ = queues.open_with_bells(Terms(600, 3, timedelta(hours=1)))
    bells.listen(WORK, lambda: heard.append(WORK))
    wait_until(lambda: heard == [WORK])  # what was missed before
    redis_server.stop()
    redis_server.start()
    wait_until(lambda: len(heard) > 1, 20)  # what was missed meanwhile
    count = len(heard)
    other.ring(WORK)
    wait_until(lambda: len(heard) > count)


def test_the_settings_name_redis(tmp_path: Path, redis_server: RedisServer, client: redis.Redis) -> None:
    project = make_project(tmp_path / "project")
    settings = load_settings(project=project, redis=redis_server.url)
    database = Database(settings.database_url)
    database.migrate()
    bells, queue = open_queue(database, settings)
    try:
        assert isinstance(queue, RedisQueue)
        (ticket,) = put_some(queue, 1)
        standing: Any = client.xrange("winnow:tests:line:shop:file+predict")
        assert [fields for _, fields in standing] == [{"ticket": ticket}]
    finally:
        bells.close()
        database.close()


def test_without_its_driver_redis_is_an_extra_that_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("winnow.jobs.opening.find_spec", lambda _: None)
    settings = load_settings(project=make_project(tmp_path), redis="redis://localhost")
    with pytest.raises(MissingExtra, match=r'pip install "winnow\[redis\]"'):
        open_queue(Database("sqlite://"), settings)


@pytest.mark.parametrize("url", ["localhost", "http://host", "redis://host:port/0"])
def test_what_is_no_url_of_redis_is_refused(tmp_path: Path, url: str) -> None:
    settings = settings_of(make_project(tmp_path)).model_copy(update={"redis": load_settings(redis=url).redis})
    with pytest.raises(ProjectError, match=r"setting 'redis' \(WINNOW_REDIS\) is not a URL: write it as redis://"):
        open_queue(Database("sqlite://"), settings)
