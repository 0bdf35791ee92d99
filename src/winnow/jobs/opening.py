"""Opens the queue that the settings name, with the bells that go with it; and a desk on top of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from winnow.errors import MissingExtra, ProjectError
from winnow.jobs.bells import Bells, make_bells
from winnow.jobs.desk import Desk
from winnow.jobs.queue import Queue
from winnow.jobs.sql_queue import SqlQueue, Terms
from winnow.project import load_project
from winnow.settings import Settings
from winnow.store import Database
from winnow.workspace import Workspace

CONNECT_SECONDS = 1.0
ANSWER_SECONDS = 5.0


@contextmanager
def open_desk(workspace: Workspace) -> Iterator[tuple[Desk, Bells]]:
    """The desk of an open project, for a process that works on nothing; and its bells, to hear of ends."""
    bells, queue = open_queue(workspace.database, workspace.settings)
    try:
        yield Desk(workspace.database, queue, workspace.readers, workspace.settings), bells
    finally:
        bells.close()


def open_queue(database: Database, settings: Settings) -> tuple[Bells, Queue]:
    """The bells must be closed before the database is.

    `ProjectError` where the setting `redis` is no URL of Redis, `MissingExtra` where its driver is not installed.
    Redis itself need not be there yet.
    """
    if settings.redis is None:
        bells = make_bells(database)
        return bells, SqlQueue(database, Terms.of(settings), bells)
    return open_redis_queue(
        database, Terms.of(settings), settings.redis.get_secret_value(), load_project(settings.project).name
    )


def open_redis_queue(database: Database, terms: Terms, url: str, project: str) -> tuple[Bells, Queue]:
    """A queue that Redis hands out. Projects of one name must not share a database of Redis."""
    if find_spec("redis") is None:
        raise MissingExtra("Redis", "redis")
    from redis import Redis  # noqa: PLC0415  (an optional package)
    from redis.backoff import NoBackoff  # noqa: PLC0415
    from redis.retry import Retry  # noqa: PLC0415

    from winnow.jobs.redis_queue import RedisBells, RedisQueue  # noqa: PLC0415

    try:
        client = Redis.from_url(
            url,
            decode_responses=True,
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 1),  # a connection that broke while nobody used it; the store does the rest
            protocol=2,
        )
    except ValueError as error:
        raise ProjectError(
            f"setting 'redis' (WINNOW_REDIS) is not a URL: write it as redis://:password@host:6379/0 ({error})"
        ) from error
    bells = RedisBells(client, project)
    return bells, RedisQueue(database, terms, bells, client, project)
