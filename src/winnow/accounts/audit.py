"""The audit trail: who did what to what.

with audit("promote", service="sentiment", subject="version 3"):
    ...

What is about to be done is committed before it is begun, so nothing is done that has left no trace. An event whose
outcome was never written is one whose process ended in between.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from winnow.domain import Event, new_id, now
from winnow.errors import WinnowError
from winnow.store import Database, events

DONE = "done"


@dataclass(frozen=True, slots=True)
class Audit:
    """What one person or program does. `request_id` is None at the command line."""

    database: Database
    actor: str
    request_id: str | None = None

    @contextmanager
    def __call__(
        self, action: str, *, service: str | None = None, subject: str | None = None, **details: Any
    ) -> Iterator[None]:
        """Note that something is done in this block, and how the block ended."""
        event = Event(
            id=new_id(),
            actor=self.actor,
            action=action,
            service=service,
            subject=subject,
            details=details,
            outcome=None,
            request_id=self.request_id,
            created_at=now(),
        )
        with self.database.write() as connection:
            events.add(connection, event)
        try:
            yield
        except WinnowError as error:
            self._end(event, error.kind())
            raise
        except BaseException:
            self._end(event, "internal-error")
            raise
        self._end(event, DONE)

    def _end(self, event: Event, outcome: str) -> None:
        with self.database.write() as connection:
            events.end(connection, event.id, outcome)
