"""The group writer: many callers share one commit.

A commit costs about as much for a thousand rows as for one. So one thread takes all that waits, writes it in one
transaction, then lets those callers go. While it commits, the next group gathers.
"""

from __future__ import annotations

import asyncio
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from winnow.errors import WinnowError

T = TypeVar("T")
R = TypeVar("R")


class GroupWriter(ABC, Generic[T, R]):
    """Writes entries of one kind, for one event loop; the writing happens in a thread of its own.

    A group ends with the entry that makes it `most` rows. `gather_seconds` is how long entries may gather before
    the thread takes them.
    """

    def __init__(self, name: str, most: int, gather_seconds: float = 0.0) -> None:
        self._most = most
        self._gather_seconds = gather_seconds
        self._entries: SimpleQueue[tuple[T, asyncio.Future[R] | None] | None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._write_all, name=name, daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """Write what waits, then stop."""
        self._entries.put(None)
        await asyncio.to_thread(self._thread.join)

    @abstractmethod
    def _rows(self, entry: T) -> int:
        """How many rows an entry is."""

    @abstractmethod
    def _commit(self, entries: Sequence[T]) -> Sequence[R | WinnowError]:
        """Write entries in one transaction; returns what came of each, in order. Called in the thread."""

    @abstractmethod
    def _lost(self, entries: Sequence[T], error: Exception) -> Sequence[WinnowError]:
        """What the callers are told whose entries could not be written. Called in the thread."""

    def _let_go(self, entry: T) -> None:
        """An entry is written, or lost, whether or not anybody waited for it. Called in the event loop."""

    def _put(self, entry: T) -> asyncio.Future[R]:
        """Queue an entry. Its outcome is there once it is committed; an error stands for one that is not."""
        written: asyncio.Future[R] = self._loop.create_future()
        self._entries.put((entry, written))
        return written

    def _put_unawaited(self, entry: T) -> None:
        """Queue an entry that nobody waits for."""
        self._entries.put((entry, None))

    def _write_all(self) -> None:
        last = False
        while not last and (first := self._entries.get()) is not None:
            if self._gather_seconds:
                time.sleep(self._gather_seconds)
            group, last = self._gather(first)
            outcomes = self._write([entry for entry, _ in group])
            try:
                self._loop.call_soon_threadsafe(self._deliver, group, outcomes)
            except RuntimeError:  # the loop is closed: nobody waits any more
                return

    def _gather(
        self, first: tuple[T, asyncio.Future[R] | None]
    ) -> tuple[list[tuple[T, asyncio.Future[R] | None]], bool]:
        """All that waits now, up to a group; and whether the end was among it."""
        group, rows = [first], self._rows(first[0])
        while rows < self._most:
            try:
                waiting = self._entries.get_nowait()
            except Empty:
                break
            if waiting is None:
                return group, True
            group.append(waiting)
            rows += self._rows(waiting[0])
        return group, False

    def _write(self, entries: Sequence[T]) -> Sequence[R | WinnowError]:
        """Commit a group; returns what came of each entry.

        Where it is not the store that failed, an entry is such that none could hold it: then each is tried alone.
        """
        try:
            return self._commit(entries)
        except WinnowError as error:
            return self._lost(entries, error)
        except Exception as error:  # noqa: BLE001  (whatever it was, the writer lives on and the callers are told)
            if len(entries) == 1:
                return self._lost(entries, error)
            return [self._write([entry])[0] for entry in entries]

    def _deliver(
        self, group: Sequence[tuple[T, asyncio.Future[R] | None]], outcomes: Sequence[R | WinnowError]
    ) -> None:
        for (entry, written), outcome in zip(group, outcomes, strict=True):
            self._let_go(entry)
            if written is None or written.done():
                continue
            if isinstance(outcome, WinnowError):
                written.set_exception(outcome)
            else:
                written.set_result(outcome)
