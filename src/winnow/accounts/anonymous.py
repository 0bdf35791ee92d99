"""Callers without credentials: what they may do."""

from __future__ import annotations

import asyncio
import time

from winnow.domain import Identity, Role
from winnow.errors import StoreFailed
from winnow.hosts import is_loopback
from winnow.settings import Settings
from winnow.store import Database, accounts

SECONDS = 2.0
"""For how long a project that nobody has claimed is taken for one."""

_NOBODY = Identity("anonymous", None, "anonymous")


class Anonymous:
    """Answers from memory mostly. For one event loop.

    With the setting `anonymous = auto`, whoever is at this machine may ask and read, until somebody has a password
    of their own. From then on this process does not look again: it never opens twice.
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._open_until = 0.0
        self._looking: asyncio.Task[bool] | None = None
        self._auto = settings.anonymous == "auto" and is_loopback(settings.host)
        known = settings.anonymous not in ("auto", "nobody") and is_loopback(settings.host)
        role = Role(settings.anonymous) if known else Role.VIEWER if self._auto else None
        self._identity = Identity("anonymous", role, "anonymous")

    def remembered(self) -> Identity | None:
        """Who a caller without credentials is, where that need not be looked up: for the hot path."""
        return None if self._auto and time.monotonic() >= self._open_until else self._identity

    async def identity(self) -> Identity:
        """Who a caller without credentials is at this moment."""
        if self.remembered() is None and await self._claimed():
            self._auto, self._identity = False, _NOBODY
        return self._identity

    def look_again(self) -> None:
        """Ask the store at the next call: somebody may have claimed the project."""
        self._open_until = 0.0

    async def _claimed(self) -> bool:
        """Ask the store; callers that come meanwhile wait for the same answer."""
        if self._looking is None:
            self._looking = asyncio.create_task(asyncio.to_thread(self._look))
            self._looking.add_done_callback(self._looked)
        return await asyncio.shield(self._looking)

    def _look(self) -> bool:
        try:
            with self._database.read() as connection:
                return accounts.claimed(connection)
        except StoreFailed:  # a probe has to be answered all the same, and nothing else is without the store
            return False

    def _looked(self, task: asyncio.Task[bool]) -> None:
        self._looking = None
        if not task.cancelled() and task.exception() is None and not task.result():
            self._open_until = time.monotonic() + SECONDS
