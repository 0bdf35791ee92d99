"""Connections and transactions, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zlib import crc32

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError

from winnow.errors import MissingExtra, ProjectError, StoreFailed

BUSY_TIMEOUT_MS = 15_000
"""How long a writer waits for another one on SQLite. Writers hold the database for milliseconds."""

IDLE_SECONDS = 60
"""How long a transaction may rest on PostgreSQL before the server ends it. None here rests for longer than it takes
to look at the rows that were fetched."""

_DRIVERS = MappingProxyType(
    {
        "sqlite": "sqlite",
        "sqlite+pysqlite": "sqlite",
        "postgres": "postgresql+psycopg",
        "postgresql": "postgresql+psycopg",
        "postgresql+psycopg": "postgresql+psycopg",
    }
)

_ONE_STATE = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}

_NOT_LASTING = text("SET LOCAL synchronous_commit = off")

_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    # Loading a large file touches the index of digests all over: with SQLite's own 2 MB of cache and a checkpoint
    # every 1,000 pages, it would write and read most of that index again at every transaction.
    "cache_size=-16000",
    "wal_autocheckpoint=8000",
    "secure_delete=ON",  # what is forgotten is overwritten, not only let go
)


class Database:
    """One database for everything. Open it once per process; connections may be used from any thread."""

    def __init__(self, url: str) -> None:
        self._url = _understood(url)
        self._engine = _engine(self._url)
        self._writer = self._engine.execution_options(writes=True)
        self._brief_writer = self._engine.execution_options(writes=True, lasting=False)
        # PostgreSQL's own level shows each statement what was committed meanwhile; SQLite's readers see one state.
        self._reader = self._engine if self.embedded else self._engine.execution_options(**_ONE_STATE)

    @property
    def embedded(self) -> bool:
        """Whether this is a SQLite file rather than a server."""
        return self._engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database and changes nothing."""
        with self._translated(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def write(self, *, lasting: bool = True) -> Iterator[Connection]:
        """A transaction that is committed at the end of the block, whole, or not at all where the block raises.

        On SQLite it is exclusive from its first line (`BEGIN IMMEDIATE`), so it never fails half-way for a lock.
        One that need not be `lasting` does not wait for the disk: it outlives any process, but may be as if it had
        never been where the machine fails. The next lasting one brings it to the disk too.
        """
        with self._translated(), (self._writer if lasting else self._brief_writer).begin() as connection:
            if not lasting and not self.embedded:
                connection.execute(_NOT_LASTING)
            yield connection

    @contextmanager
    def listening(self) -> Iterator[Any]:
        """The driver's own connection, outside transactions and outside the pool, to listen on for long."""
        with self._translated():
            pooled = self._engine.raw_connection()
            own: Any = pooled.driver_connection
            pooled.detach()
            try:
                if not self.embedded:
                    own.autocommit = True
                yield own
            finally:
                own.close()

    def lock(self, connection: Connection, name: str) -> None:
        """Let one transaction at a time past here, until it ends. SQLite's writers are alone as it is."""
        if not self.embedded:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": crc32(name.encode())})

    def migrate(self) -> None:
        """Bring the schema to what this Winnow expects. Safe to call at every start and by several at once."""
        from alembic import command  # noqa: PLC0415  (a fifth of a second that only migration needs)
        from alembic.config import Config  # noqa: PLC0415
        from alembic.util import CommandError  # noqa: PLC0415

        if self.embedded and self._url.database not in (None, "", ":memory:"):
            Path(str(self._url.database)).parent.mkdir(parents=True, exist_ok=True)
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
        try:
            with self.write() as connection:
                self.lock(connection, "migrate")
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        except CommandError as error:
            raise StoreFailed(
                f"the database {self} was made by a newer Winnow ({error}): upgrade this one"
            ) from error

    def overwrite(self) -> None:
        """Bring to the file what was forgotten, where it is overwritten, and empty the log that still holds it.

        `StoreFailed` where others read for so long that the log could not be emptied. A server's files are its own
        affair: PostgreSQL uses the place of what was deleted again once it has been vacuumed.
        """
        if not self.embedded:
            return
        with self._translated(), self._engine.connect() as connection:
            own: Any = connection.connection.driver_connection
            busy, _, _ = own.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise StoreFailed(
                f"the log of {self}, which may hold what was deleted, is being read and could not be emptied: "
                "try again"
            )

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def __str__(self) -> str:
        return self._url.render_as_string(hide_password=True)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:  # a rule of the schema: whoever wrote the statement knows what it means
            raise
        except SQLAlchemyError as error:
            cause = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
            raise StoreFailed(f"the database {self} failed: {cause}") from error


def _understood(given: str) -> URL:
    setting = "setting 'database' (WINNOW_DATABASE)"
    try:
        url = make_url(given)
    except (ArgumentError, ValueError) as error:  # ValueError: a port that is no number
        raise ProjectError(f"{setting} is not a URL: write it as postgresql://user:password@host/name") from error
    driver = _DRIVERS.get(url.drivername)
    backend, _, other = url.drivername.partition("+")
    if driver is None and backend in _DRIVERS:
        raise ProjectError(f"{setting} names the driver '{other}', which is not used: write it as {backend}://")
    if driver is None:
        raise ProjectError(f"{setting}: Winnow keeps its data in SQLite or PostgreSQL, not in {backend}")
    if backend != "sqlite" and find_spec("psycopg") is None:
        raise MissingExtra("PostgreSQL", "postgres")
    return url.set(drivername=driver)


def _engine(url: URL) -> Engine:
    """Open nothing yet. Errors do not show their statement's parameters: those are what users sent."""
    dumps = partial(json.dumps, ensure_ascii=False, separators=(",", ":"))
    if url.get_backend_name() == "postgresql":
        engine = create_engine(url, json_serializer=dumps, hide_parameters=True, pool_pre_ping=True)
        event.listen(engine, "connect", _configure_postgresql)
        return engine
    seconds = BUSY_TIMEOUT_MS / 1000
    engine = create_engine(url, json_serializer=dumps, hide_parameters=True, connect_args={"timeout": seconds})
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes too late: see _begin_sqlite
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _configure_postgresql(connection: Any, _record: object) -> None:
    """A process that is frozen amid a transaction must not keep its rows locked from everybody else."""
    connection.autocommit = True
    connection.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'")
    connection.autocommit = False


def _begin_sqlite(connection: Connection) -> None:
    """Begin at once, and as a writer where one will write: a reader that turns writer may find the door locked."""
    options = connection.get_execution_options()
    if not options.get("writes", False):
        connection.exec_driver_sql("BEGIN")
        return
    connection.exec_driver_sql(f"PRAGMA synchronous={'FULL' if options.get('lasting', True) else 'NORMAL'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE")
