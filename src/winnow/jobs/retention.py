"""Retention: results of jobs are kept for their time, and what nobody needs any more is swept away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import Connection

from winnow.store import Database, blobs, job_files, jobs

EVERY_SECONDS = 60.0
FORGET_AFTER = timedelta(days=30)
"""How long a ticket is known to have expired, once it has."""
ABANDONED_AFTER = timedelta(days=1)
"""After how long a file whose job never came, or an image that nobody needs, is swept away."""
BATCH = 500
BATCHES = 20
"""How much is forgotten in one transaction, and in how many of them in one round: others want to write too."""
SWEEP_EVERY = 60
"""In which rounds the store is looked through for what nobody needs: the first, and every so many."""


class Retention:
    """A chore of every worker; on one database they take turns."""

    def __init__(self, database: Database, batch: int = BATCH) -> None:
        self._database = database
        self._batch = batch
        self._rounds = 0

    async def do(self) -> None:
        """One round."""
        await asyncio.to_thread(self._round)

    def _round(self) -> None:
        self._again_and_again(lambda connection: jobs.prune(connection, self._batch))
        self._again_and_again(lambda connection: jobs.forget(connection, FORGET_AFTER, self._batch))
        if self._rounds % SWEEP_EVERY == 0:
            old = ABANDONED_AFTER
            self._again_and_again(lambda connection: job_files.discard_abandoned(connection, old, self._batch))
            self._again_and_again(lambda connection: blobs.sweep(connection, old, self._batch))
        self._rounds += 1

    def _again_and_again(self, forget: Callable[[Connection], int]) -> None:
        """Forget in batches, until there is nothing left or it is enough for this round."""
        for _ in range(BATCHES):
            with self._database.write() as connection:
                self._database.lock(connection, "retention")
                forgotten = forget(connection)
            if forgotten < self._batch:
                return
