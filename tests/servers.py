"""Real databases for tests: a SQLite file, and a PostgreSQL server that is started once per test process.

def test_it(database): ...       # runs on both, each time in a fresh migrated database
def test_it(empty_url): ...      # likewise, before migration
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
