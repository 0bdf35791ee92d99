"""What `Database` promises, on every database that it can open."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, inspect, select, text

from winnow.domain import new_id, now
from winnow.errors import MissingExtra, ProjectError, StoreFailed
from winnow.store import Database, examples
from winnow.store import database as module
from winnow.store.schema import batches, metadata

MIGRATE = """
import sys
from winnow.store import Database
database = Database(sys.argv[1])
sys.stdin.readline()
database.migrate()
database.close()
"""


@pytest.fixture
def empty(empty_url: str) -> Database:
    return Database(empty_url)


def test_migrating_twice_changes_nothing(empty: Database) -> None:
    empty.migrate()
    with empty.write() as connection:
        examples.open_batch(connection, "shop", "api")
    empty.migrate()
    with empty.read() as connection:
        assert connection.execute(select(batches.c.source)).scalars().all() == ["api"]
    empty.close()


def test_several_processes_may_migrate_at_once(empty_url: str) -> None:
    command = [sys.executable, "-c", MIGRATE, empty_url]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)
    ]
    with ThreadPoolExecutor(len(started)) as pool:
        ends = list(pool.map(lambda process: process.communicate("go\n", timeout=60), started))
    assert [(process.returncode, stderr) for process, (_, stderr) in zip(started, ends, strict=True)] == [
        (0, "")
    ] * 4
    database = Database(empty_url)
    with database.read() as connection:
        assert {*metadata.tables, "alembic_version"} == set(inspect(connection).get_table_names())
    database.close()


def test_migrations_make_what_the_schema_says(database: Database) -> None:
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": database.embedded})
        assert compare_metadata(context, metadata) == []


def test_a_database_of_a_newer_winnow_is_refused(database: Database) -> None:
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreFailed, match=r"made by a newer Winnow .*9999.*: upgrade this one"):
        database.migrate()


def test_a_write_that_raises_leaves_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError, match="stop"), database.write() as connection:  # noqa: PT012
        examples.open_batch(connection, "shop", "api")
        raise RuntimeError("stop")
    with database.read() as connection:
        assert connection.execute(select(batches)).all() == []


def test_only_a_lasting_transaction_waits_for_the_disk(sqlite: Database) -> None:
    normal, full = 1, 2
    for lasting, expected in ((False, normal), (True, full)):
        with sqlite.write(lasting=lasting) as connection:
            assert connection.scalar(text("PRAGMA synchronous")) == expected
            examples.open_batch(connection, "shop", "api")
    with sqlite.read() as connection:
        assert len(connection.execute(select(batches)).all()) == 2


def test_a_reader_sees_one_state(database: Database) -> None:
    with database.read() as reader:
        assert reader.execute(select(batches)).all() == []
        with database.write() as connection:
            examples.open_batch(connection, "shop", "api")
        assert reader.execute(select(batches)).all() == []
    with database.read() as reader:
        assert len(reader.execute(select(batches)).all()) == 1


def test_a_lock_lets_one_transaction_at_a_time_past(database: Database) -> None:
    inside: list[int] = []

    def enter(number: int) -> None:
        with database.write() as connection:
            database.lock(connection, "door")
            inside.append(number)
            connection.execute(text("SELECT 1"))
            assert inside == [number]
            inside.remove(number)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(enter, range(20)))


def test_moments_come_back_in_utc_and_need_a_zone(database: Database) -> None:
    moment = now()
    row = {"id": new_id(), "service": "shop", "source": "api", "created_at": moment}
    with database.write() as connection:
        connection.execute(insert(batches).values(row))
    with database.read() as connection:
        assert connection.scalar(select(batches.c.created_at)) == moment
    with pytest.raises(StoreFailed, match="no time zone"), database.write() as connection:
        connection.execute(
            insert(batches).values({**row, "id": new_id(), "created_at": moment.replace(tzinfo=None)})
        )


def test_an_unreachable_server_is_named_without_its_password() -> None:
    database = Database("postgresql://winnow:opensesame@127.0.0.1:1/shop")
    with pytest.raises(StoreFailed) as caught, database.read():
        pass
    message = str(caught.value)
    assert message.startswith("the database postgresql+psycopg://winnow:***@127.0.0.1:1/shop failed: ")
    assert "refused" in message
    assert "opensesame" not in message
    assert "\n" not in message
    database.close()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "winnow.db"
    path.write_bytes(b"not a database, and longer than its header would be" * 20)
    database = Database(f"sqlite:///{path}")
    with pytest.raises(StoreFailed, match=r"winnow\.db failed: file is not a database"):
        database.migrate()
    database.close()


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://host/name", "in SQLite or PostgreSQL, not in mysql"),
        ("nonsense", "is not a URL: write it as postgresql://"),
        ("", "is not a URL"),
        ("redis://host", "not in redis"),
        ("postgresql+asyncpg://host/name", "write it as postgresql://"),
        ("postgresql://host:port/name", "is not a URL"),
    ],
)
def test_an_unusable_url_is_refused_with_the_setting(url: str, sentence: str) -> None:
    with pytest.raises(ProjectError) as caught:
        Database(url)
    assert "WINNOW_DATABASE" in str(caught.value)
    assert sentence in str(caught.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgresql_has_several_names(scheme: str) -> None:
    database = Database(f"{scheme}://host/name")
    assert not database.embedded
    assert str(database) == "postgresql+psycopg://host/name"


def test_postgresql_needs_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda _name: None)
    with pytest.raises(MissingExtra, match=r'pip install "winnow\[postgres\]"'):
        Database("postgresql://host/name")


def test_a_transaction_that_rests_for_long_is_ended_by_the_server(database: Database) -> None:
    if database.embedded:
        pytest.skip("SQLite has no server that could")
    with database.read() as connection:
        assert connection.execute(text("SHOW idle_in_transaction_session_timeout")).scalar() == "1min"
