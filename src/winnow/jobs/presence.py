"""Presence: a worker says again and again that it lives, so that people are told where one falls silent."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Sequence

from winnow.store import Database, workers

EVERY_SECONDS = 10.0


class Presence:
    """A chore of a worker, which ends with `leave`. `name` is as `winnow.jobs.worker.worker_name` makes it."""

    def __init__(self, database: Database, name: str, services: Sequence[str]) -> None:
        self._database = database
        self._name = name
        self._services = services

    async def beat(self) -> None:
        """Say that the worker lives."""
        await asyncio.to_thread(self._beat)

    async def leave(self) -> None:
        """Say that it ends in order: nobody has to be told."""
        await asyncio.to_thread(self._leave)

    def _beat(self) -> None:
        with self._database.write(lasting=False) as connection:
            workers.beat(connection, self._name, self._services)
            gone = [worker.name for worker in workers.known(connection) if self._replaces(worker.name)]
            if gone:
                workers.leave(connection, *gone)

    def _leave(self) -> None:
        with self._database.write(lasting=False) as connection:
            workers.leave(connection, self._name)

    def _replaces(self, name: str) -> bool:
        """Whether that was a worker of this machine whose process is gone: this one is there in its place."""
        host, pid, _ = name.rsplit(":", 2)
        if name == self._name or host != socket.gethostname():
            return False
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            return True
        except OSError:  # it lives, and is another user's
            pass
        return False
