"""Real databases for tests: a SQLite file, and PostgreSQL and Redis servers that are started once per test process.

def test_it(database): ...       # runs on SQLite and PostgreSQL, each time in a fresh migrated database
def test_it(empty_url): ...      # likewise, before migration
def test_it(redis_url): ...      # an empty Redis
def test_it(redis_server): ...   # a Redis of the test's own, to be stopped and started again
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg
import pytest
import redis
from psycopg import sql

from winnow.store import Database

BACKENDS = ("sqlite", "postgresql")
_PATTERN = "winnow_pattern"
_NUMBERS = count(1)


@dataclass(frozen=True)
class PostgreSQL:
    """A running server that trusts whoever asks. `folder` holds its unix socket."""

    folder: Path
    port: int

    def url(self, name: str) -> str:
        return f"postgresql://winnow:secret@127.0.0.1:{self.port}/{name}"

    def administer(self, statement: str, *names: str) -> None:
        words = sql.SQL(statement).format(*map(sql.Identifier, names))
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(words)

    @contextmanager
    def fresh(self, pattern: str = "template1") -> Iterator[str]:
        """The URL of a database of one's own, copied from another one."""
        name = f"test_{next(_NUMBERS)}"
        self.administer("CREATE DATABASE {} TEMPLATE {}", name, pattern)
        try:
            yield self.url(name)
        finally:
            self.administer("DROP DATABASE {} WITH (FORCE)", name)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A PostgreSQL server in a temporary folder, on a free port."""
    programs = _postgresql_programs()
    if programs is None:
        pytest.skip("PostgreSQL's initdb and postgres are neither in /usr/lib/postgresql nor on the PATH")
    folder = Path(tempfile.mkdtemp(prefix="winnow-pg-"))
    try:
        user = _unprivileged(folder)
        data = folder / "data"
        options = ["--no-sync", "--username=winnow", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]
        subprocess.run([*user, programs / "initdb", "-D", data, *options], check=True, capture_output=True)
        with _running([*user, programs / "postgres", "-D", data], folder) as server:
            server.administer("CREATE DATABASE {}", _PATTERN)
            database = Database(server.url(_PATTERN))
            database.migrate()
            database.close()
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class RedisServer:
    """A Redis server on a free port. What it knows is gone when it stops, unless it is `lasting`."""

    def __init__(self, folder: Path, *, lasting: bool = False) -> None:
        program = shutil.which("redis-server")
        if program is None:
            pytest.skip("redis-server is not on the PATH")
        self._folder = folder
        self._port = _free_port()
        keeping = ["--appendonly", "yes", "--appendfsync", "always"] if lasting else []
        self._command = [program, "--port", str(self._port), "--bind", "127.0.0.1", "--dir", str(folder), *keeping]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"redis://127.0.0.1:{self._port}/0"

    def client(self) -> redis.Redis:
        """A connection for the test itself."""
        return redis.Redis.from_url(self.url, decode_responses=True, protocol=2)

    def start(self) -> None:
        """Start it, and return once it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen([*self._command, "--save", ""], stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        with self.client() as client:
            while not _answers(client):
                if self._process.poll() is not None or time.monotonic() > deadline:
                    pytest.fail(f"Redis did not start: {(self._folder / 'log').read_text()}")
                time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Send it a signal, and return once it has ended."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=30)
            self._process = None


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis that tests share."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def redis_url(shared_redis: RedisServer) -> str:
    """The URL of a Redis in which there is nothing."""
    with shared_redis.client() as client:
        client.flushall()
    return shared_redis.url


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of the test's own. It forgets everything when it stops."""
    folder = tmp_path / "redis"
    folder.mkdir()
    server = RedisServer(folder)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def sqlite_pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("pattern") / "winnow.db"
    database = Database(f"sqlite:///{path}")
    database.migrate()
    database.close()
    return path


@pytest.fixture(params=BACKENDS)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database in which there is nothing yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: PostgreSQL = request.getfixturevalue("postgresql")
    with server.fresh() as url:
        yield url


@pytest.fixture(params=BACKENDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a migrated database without rows."""
    if request.param == "sqlite":
        path = tmp_path / "winnow.db"
        shutil.copy(request.getfixturevalue("sqlite_pattern"), path)
        yield f"sqlite:///{path}"
        return
    server: PostgreSQL = request.getfixturevalue("postgresql")
    with server.fresh(_PATTERN) as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A migrated database without rows."""
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def sqlite(sqlite_pattern: Path, tmp_path: Path) -> Iterator[Database]:
    """A migrated SQLite database without rows, for tests of which one backend is enough."""
    path = tmp_path / "winnow.db"
    shutil.copy(sqlite_pattern, path)
    opened = Database(f"sqlite:///{path}")
    yield opened
    opened.close()


@contextmanager
def _running(command: list[str | Path], folder: Path) -> Iterator[PostgreSQL]:
    server = PostgreSQL(folder, _free_port())
    settings = [
        f"port={server.port}",
        "listen_addresses=127.0.0.1",
        f"unix_socket_directories={folder}",
        "fsync=off",
    ]
    with (folder / "log").open("wb") as log:
        options = [word for setting in settings for word in ("-c", setting)]
        process = subprocess.Popen([*command, *options], stdout=log, stderr=log)
    try:
        _wait_until_ready(server, process)
        yield server
    finally:
        process.send_signal(signal.SIGINT)  # what PostgreSQL calls a fast shutdown
        process.wait(timeout=30)


def _wait_until_ready(server: PostgreSQL, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(server.url("postgres")).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"PostgreSQL did not start: {(server.folder / 'log').read_text()}")
            time.sleep(0.05)
        else:
            return


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def _postgresql_programs() -> Path | None:
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("postgres")
    found = installed[-1] if installed else Path(on_path) if on_path else None
    return found.parent if found is not None and (found.parent / "initdb").exists() else None


def _unprivileged(folder: Path) -> list[str | Path]:
    """PostgreSQL refuses to run as root: give the folder to another user, and say how to become that one."""
    if os.geteuid() != 0:
        return []
    users = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = users.get("postgres") or users["nobody"]
    os.chown(folder, user.pw_uid, user.pw_gid)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
