"""Bells: wake those who wait for work, or for news of a job, in this process and in others.

A bell only says "look again": who is woken looks at the store, and who missed a ring looks again soon by itself. So
nothing depends on a ring but speed.
"""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol

from loguru import logger
from sqlalchemy import Connection, text

from winnow.domain import new_id
from winnow.store import Database

WORK, NEWS = "winnow_work", "winnow_news"
"""A job was queued; the state of a job has changed."""

LOOK_SECONDS = 0.005
"""How often SQLite is asked whether another process has written: this bounds how late its news is."""
HEAR_SECONDS = 0.2
"""How long one waits for rings from elsewhere before looking whether it is time to close."""
RETRY_SECONDS = 1.0

_ANY_QUEUED = "SELECT 1 FROM jobs WHERE status = 'queued' LIMIT 1"

Awake = Callable[[], None]


class Bells(Protocol):
    """Rings reach every process that shares the queue."""

    def ring_within(self, connection: Connection, name: str) -> None:
        """Have it rung in other processes when this transaction is committed, where the store can do that."""
        ...

    def ring(self, name: str) -> None:
        """Ring in this process, and in others where `ring_within` does not. Call it after the commit."""
        ...

    def listen(self, name: str, awake: Awake) -> None:
        """Call `awake` at every ring, from some thread. It should return at once."""
        ...

    def close(self) -> None:
        """Stop listening."""
        ...


class LocalBells:
    """Within one process; what the others build on."""

    def __init__(self) -> None:
        self._listeners: dict[str, list[Awake]] = {WORK: [], NEWS: []}

    def ring_within(self, connection: Connection, name: str) -> None:
        """Nobody else listens."""

    def ring(self, name: str) -> None:
        """Call all listeners."""
        for awake in tuple(self._listeners[name]):
            awake()

    def listen(self, name: str, awake: Awake) -> None:
        """Add a listener."""
        self._listeners[name].append(awake)

    def close(self) -> None:
        """Forget the listeners."""
        for listeners in self._listeners.values():
            listeners.clear()


class HearingBells(LocalBells, ABC):
    """A thread hears what is rung in other processes. It begins with the first listener."""

    def __init__(self) -> None:
        super().__init__()
        self._me = new_id()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def listen(self, name: str, awake: Awake) -> None:
        """Add a listener, and hear from now on."""
        super().listen(name, awake)
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._keep_hearing, name="winnow-bells", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Stop hearing."""
        super().close()
        self._closed.set()
        if self._thread is not None:
            self._thread.join()

    def _keep_hearing(self) -> None:
        while not self._closed.is_set():
            try:
                self._hear()
            except Exception as error:  # noqa: BLE001  (whatever it was, the next connection may hold)
                if not self._closed.is_set():
                    logger.warning("rings of other processes cannot be heard: {}", error)
                    self._closed.wait(RETRY_SECONDS)

    def _heard(self, name: str, ringer: str) -> None:
        """Somebody rang; what this process rang itself was heard at once."""
        if ringer != self._me:
            LocalBells.ring(self, name)

    def _make_up(self) -> None:
        """Ring for what was rung while nobody heard."""
        for name in (WORK, NEWS):
            LocalBells.ring(self, name)

    @abstractmethod
    def _hear(self) -> None:
        """Hear until it is time to close, or until the connection breaks."""


class SqliteBells(HearingBells):
    """SQLite tells nobody of a commit, but it counts them: the count is cheap to look at."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database

    def _hear(self) -> None:
        """The count is of commits by others than the connection that asks: it has one of its own, and only asks."""
        with self._database.listening() as connection:
            seen = connection.execute("PRAGMA data_version").fetchone()
            self._make_up()
            while not self._closed.wait(LOOK_SECONDS):
                commits = connection.execute("PRAGMA data_version").fetchone()
                if commits != seen:
                    self.ring(NEWS)
                    if connection.execute(_ANY_QUEUED).fetchone():  # most commits are of the history
                        self.ring(WORK)
                seen = commits


class PostgresBells(HearingBells):
    """LISTEN and NOTIFY, over a connection of its own."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database

    def ring_within(self, connection: Connection, name: str) -> None:
        """Notify. It is sent with the commit."""
        connection.execute(text("SELECT pg_notify(:name, :ringer)"), {"name": name, "ringer": self._me})

    def _hear(self) -> None:
        with self._database.listening() as connection:
            for name in (WORK, NEWS):
                connection.execute(f"LISTEN {name}")
            self._make_up()
            while not self._closed.is_set():
                for notice in connection.notifies(timeout=HEAR_SECONDS):
                    self._heard(notice.channel, notice.payload)


def make_bells(database: Database) -> Bells:
    """The bells that fit the store."""
    return SqliteBells(database) if database.embedded else PostgresBells(database)


class Doorbell:
    """One bell, for an event loop: `wait` returns when it has rung since the last wait, or after a while."""

    def __init__(self, bells: Bells, name: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._rung = asyncio.Event()
        bells.listen(name, self._awake)

    def _awake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._rung.set)
        except RuntimeError:  # the loop is closed: nobody waits any more
            return

    async def wait(self, seconds: float) -> None:
        """Return at the next ring, at once where it has rung meanwhile, or after so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            return
        finally:
            self._rung.clear()
