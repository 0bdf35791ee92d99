"""A PostgreSQL of the proof's own, that is ended in the middle of things and started again."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import psycopg
import pytest

from tests.projects import wait_until
from tests.servers import PostgreSQL, _free_port, _postgresql_programs, _unprivileged

_SECONDS = 30.0


class RestartablePostgreSQL:
    """SIGINT is what PostgreSQL calls a fast shutdown, SIGQUIT an immediate one: as if it had crashed."""

    def __init__(self, folder: Path) -> None:
        programs = _postgresql_programs()
        if programs is None:
            pytest.skip("PostgreSQL's initdb and postgres are neither in /usr/lib/postgresql nor on the PATH")
        user, data = _unprivileged(folder), folder / "data"
        options = ["--no-sync", "--username=winnow", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]
        subprocess.run([*user, programs / "initdb", "-D", data, *options], check=True, capture_output=True)
        self._server = PostgreSQL(folder, _free_port())
        settings = [f"port={self._server.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={folder}"]
        words = [word for setting in settings for word in ("-c", setting)]
        self._command = [*user, programs / "postgres", "-D", data, *words]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL of a database in which there is nothing at first."""
        return self._server.url("postgres")

    def start(self) -> Self:
        """Start it, and return once it answers."""
        with (self._server.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        wait_until(self._answers, _SECONDS)
        return self

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Send it a signal, and return once it has ended."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(_SECONDS)
            self._process = None

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url).close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def restartable_postgresql() -> Iterator[RestartablePostgreSQL]:
    """A running one, in a folder that its own user may enter."""
    with TemporaryDirectory(prefix="winnow-pg-") as folder:
        server = RestartablePostgreSQL(Path(folder)).start()
        try:
            yield server
        finally:
            server.stop()
