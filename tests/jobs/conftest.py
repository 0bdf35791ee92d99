"""Queues of every kind over real stores: SQLite and PostgreSQL, alone and with Redis beside them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.servers import PostgreSQL
from winnow.jobs.bells import Bells, make_bells
from winnow.jobs.opening import open_redis_queue
from winnow.jobs.queue import Queue
from winnow.jobs.sql_queue import SqlQueue, Terms
from winnow.store import Database

QUEUES = ("sqlite", "postgresql", "redis+sqlite", "redis+postgresql")


@dataclass
class Queues:
    """One queue as any number of processes see it. `open` is what one process has of it."""

    database: Database
    redis: str | None
    _closing: ExitStack = field(default_factory=ExitStack)

    def open(self, lease_seconds: float = 600.0, attempts: int = 3, keep_hours: float = 1.0) -> Queue:
        """The queue, with terms of its own."""
        return self.open_with_bells(Terms(lease_seconds, attempts, timedelta(hours=keep_hours)))[1]

    def open_with_bells(self, terms: Terms) -> tuple[Bells, Queue]:
        """The queue and its bells."""
        bells, queue = self._opened(terms)
        self._closing.callback(bells.close)
        return bells, queue

    def _opened(self, terms: Terms) -> tuple[Bells, Queue]:
        if self.redis is not None:
            return open_redis_queue(self.database, terms, self.redis, "tests")
        bells = make_bells(self.database)
        return bells, SqlQueue(self.database, terms, bells)

    def close(self) -> None:
        """Close all that was opened."""
        self._closing.close()
        self.database.close()


@pytest.fixture(scope="session")
def postgresql_of_jobs(postgresql: PostgreSQL) -> Iterator[str]:
    """A migrated database that tests of queues share: emptying it is quicker than making one."""
    with postgresql.fresh("winnow_pattern") as url:
        yield url


@pytest.fixture(params=QUEUES)
def queues(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Queues]:
    """An empty queue, once for each kind."""
    store = request.param.rpartition("+")[2]
    redis = request.getfixturevalue("redis_url") if "redis" in request.param else None
    if store == "sqlite":
        path = tmp_path / "winnow.db"
        shutil.copy(request.getfixturevalue("sqlite_pattern"), path)
        opened = Queues(Database(f"sqlite:///{path}"), redis)
    else:
        opened = Queues(Database(request.getfixturevalue("postgresql_of_jobs")), redis)
        with opened.database.write() as connection:
            connection.execute(text("TRUNCATE jobs, predictions, blobs CASCADE"))
    yield opened
    opened.close()
