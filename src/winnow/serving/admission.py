"""Admission: who may come in. A row is refused before any work is done for it, or it is answered in time."""

from __future__ import annotations

import time

from winnow.errors import InvalidInput, Overloaded

_SMOOTHING = 0.1
"""How much the newest second weighs in the measured pace."""


class Admission:
    """Counts the rows of one service that are waiting or being worked on, and refuses those beyond `max_rows`.

    Used from the event loop's thread only.
    """

    def __init__(self, service: str, max_rows: int) -> None:
        self._service = service
        self._max_rows = max_rows
        self._inside = 0
        self._left = 0
        self._pace = 0.0  # rows per second
        self._measured_at = time.monotonic()

    @property
    def inside(self) -> int:
        """Rows that were let in and have not left."""
        return self._inside

    def check(self, rows: int) -> None:
        """Raise what `enter` would raise now, and take no place."""
        if self._inside + rows > self._max_rows:
            if rows > self._max_rows:
                raise InvalidInput(
                    f"{rows:,} inputs in one request are more than service '{self._service}' ever has room for: "
                    f"send at most {self._max_rows:,} at once"
                )
            raise Overloaded(f"service '{self._service}' is full: {self._inside:,} rows wait", self._retry_after())

    def enter(self, rows: int) -> None:
        """Take so many places. `Overloaded` says when to come back; nothing was done for the caller."""
        self.check(rows)
        self._inside += rows

    def leave(self, rows: int) -> None:
        """Give the places back."""
        self._inside -= rows
        self._left += rows
        elapsed = time.monotonic() - self._measured_at
        if elapsed >= 1.0:
            pace = self._left / elapsed
            self._pace = pace if self._pace == 0.0 else self._pace + _SMOOTHING * (pace - self._pace)
            self._left, self._measured_at = 0, time.monotonic()

    def _retry_after(self) -> float:
        """Seconds until what waits now will be done, at the measured pace; at least one, at most half a minute."""
        return min(30.0, max(1.0, self._inside / self._pace)) if self._pace else 1.0
