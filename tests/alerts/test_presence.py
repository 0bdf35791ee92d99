"""Workers say that they live, take their word back when they end, and are replaced where they died."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.jobs.working import eventually, opened
from tests.projects import make_project
from winnow.jobs import presence
from winnow.jobs.chores import Chore, Chores
from winnow.jobs.presence import Presence
from winnow.store import Database, workers

HERE = socket.gethostname()
_BEAT_AND_WAIT = """
import os, socket, sys, time
from winnow.jobs.presence import Presence
from winnow.store import Database
name = f"{socket.gethostname()}:{os.getpid()}:abc123"
Presence(Database(sys.argv[1]), name, ["sentiment"])._beat()
print(name, flush=True)
time.sleep(60)
"""


def known(database: Database) -> list[str]:
    with database.read() as connection:
        return [worker.name for worker in workers.known(connection)]


async def test_a_worker_is_known_while_it_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "EVERY_SECONDS", 0.05)
    async with opened(make_project(tmp_path / "project")) as runtime:
        database = runtime.workspace.database
        async with runtime.worker() as first, runtime.worker("sentiment") as second:
            await eventually(lambda: set(known(database)) == {first.name, second.name})
            with database.read() as connection:
                (row, _) = workers.known(connection)
            assert row.services == ["sentiment"]
            assert row.started_at <= row.seen_at
        assert known(database) == []


async def test_a_beat_is_seen(database: Database) -> None:
    worker = Presence(database, f"{HERE}:{os.getpid()}:1", ["sentiment"])
    await worker.beat()
    with database.read() as connection:
        (before,) = workers.known(connection)
    await worker.beat()
    with database.read() as connection:
        (after,) = workers.known(connection)
    assert after.started_at == before.started_at
    assert after.seen_at > before.seen_at
    await worker.leave()
    await worker.leave()
    assert known(database) == []


def test_a_worker_that_was_killed_is_replaced_by_the_next_on_its_machine(sqlite: Database) -> None:
    address = str(sqlite).replace("***", "")
    command = [sys.executable, "-c", _BEAT_AND_WAIT, address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        next_one = Presence(sqlite, f"{HERE}:{os.getpid()}:def456", ["sentiment"])
        next_one._beat()
        assert name in known(sqlite)  # it lives
        process.kill()
        process.wait()
    assert name in known(sqlite)
    with sqlite.write() as connection:
        workers.beat(connection, "elsewhere:1:abc", ["sentiment"])
    next_one._beat()
    assert sorted(known(sqlite)) == sorted([f"{HERE}:{os.getpid()}:def456", "elsewhere:1:abc"])


async def test_a_chore_ends_once_and_a_bad_end_spares_the_others() -> None:
    ended: list[str] = []

    async def nothing() -> None: ...

    async def fails() -> None:
        ended.append("bad")
        raise RuntimeError

    async def ends() -> None:
        ended.append("good")

    chores = Chores([Chore(60, nothing, fails), Chore(60, nothing, ends), Chore(60, nothing)])
    await chores.stop()
    assert ended == []  # never begun
    async with chores:
        pass
    await chores.stop()
    assert sorted(ended) == ["bad", "good"]
