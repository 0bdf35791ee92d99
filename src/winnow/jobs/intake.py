"""The intake: takes jobs in, many in one commit. A ticket that was handed out is in the store."""

from __future__ import annotations

from collections.abc import Sequence

from loguru import logger

from winnow.domain import Job
from winnow.errors import StoreFailed, WinnowError
from winnow.jobs.desk import Desk
from winnow.store.group_writer import GroupWriter
from winnow.store.jobs import NewJob

MAX_GROUP = 500
"""Jobs, and images that they bring, in one commit."""


class Intake(GroupWriter[NewJob, Job]):
    """Hands jobs in at the desk, for one event loop; the writing happens in a thread of its own."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        super().__init__("winnow-intake", MAX_GROUP)

    async def put(self, job: NewJob) -> Job:
        """Return once the job is committed: itself, or the one that has its idempotency key already.

        `Conflict` where that one is of something else, `Overloaded` where too many wait, `StoreFailed` where it
        could not be written.
        """
        return await self._put(job)

    def _rows(self, entry: NewJob) -> int:
        return 1 + len(entry.blobs)

    def _commit(self, entries: Sequence[NewJob]) -> Sequence[Job | WinnowError]:
        return self._desk.put(entries)

    def _lost(self, entries: Sequence[NewJob], error: Exception) -> Sequence[WinnowError]:
        if isinstance(error, WinnowError):
            return [error] * len(entries)
        logger.opt(exception=error).error("{} jobs could not be taken in", len(entries))
        return [StoreFailed("the job could not be taken in: see the log") for _ in entries]
