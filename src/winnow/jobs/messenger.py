"""The messenger: tells people of alerts that opened and were resolved, each as often as it takes, up to a day.

A chore of every process that knows whom to tell; whoever takes a message delivers it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from loguru import logger

from winnow.domain import Alert, now
from winnow.monitoring.notifiers.base import Note, Notifier, NotTold
from winnow.monitoring.rules import ROLLED_BACK
from winnow.store import Database, notifications
from winnow.store.notifications import Message

EVERY_SECONDS = 1.0
ATTEMPTS = 12
FIRST_PAUSE = timedelta(seconds=40)
"""Doubled after each attempt: the last one is made 23 hours after the first."""
AT_ONCE = 8
SECONDS = 30.0
"""How long one message may take in all."""
_TAKEN_FOR = timedelta(seconds=60 + AT_ONCE * SECONDS)
_SILENT = (ROLLED_BACK,)
"""Rules whose end is no news: whoever acknowledged it knows."""
_LOCK = "notifications"


@dataclass(frozen=True, slots=True)
class Messenger:
    """The chore. `notifiers` are those of `open_notifiers`; `page` is the page's address, where it is known."""

    database: Database
    project: str
    notifiers: Mapping[str, Notifier]
    page: str | None = None
    first_pause: timedelta = FIRST_PAUSE

    async def do(self) -> None:
        """Tell what is to be told now."""
        while taken := await asyncio.to_thread(self._take):
            await asyncio.gather(*(self._deliver_all(taken, target) for target in self.notifiers))

    def _take(self) -> list[Message]:
        targets = tuple(self.notifiers)
        with self.database.read() as connection:
            if not notifications.any_to_tell(connection, targets, _SILENT):
                return []
        with self.database.write() as connection:
            self.database.lock(connection, _LOCK)
            notifications.put_down(connection, targets, _SILENT)
            return notifications.take(connection, targets, AT_ONCE, _TAKEN_FOR)

    async def _deliver_all(self, taken: Sequence[Message], target: str) -> None:
        """Tell one target one thing after the other, in order."""
        for message in taken:
            if message.target == target:
                await self._deliver(message)

    async def _deliver(self, message: Message) -> None:
        notifier = self.notifiers[message.target]
        try:
            async with asyncio.timeout(SECONDS):
                await asyncio.to_thread(notifier.tell, self._note_of(message))
            problem = None
        except TimeoutError:
            problem = f"it took longer than {SECONDS:g} seconds"
        except NotTold as error:
            problem = str(error)
        except Exception as error:  # noqa: BLE001  (a notifier may be anybody's code)
            problem = f"the notifier broke: {type(error).__name__}"  # its words might hold the address
        if problem is not None:
            logger.warning(
                "alert {} could not be told to address {} (attempt {}): {}",
                message.alert.id,
                list(self.notifiers).index(message.target) + 1,
                message.attempt,
                problem,
            )
        await asyncio.to_thread(self._keep, message, problem)

    def _keep(self, message: Message, problem: str | None) -> None:
        with self.database.write() as connection:
            if problem is None:
                notifications.delivered(connection, message)
            else:
                notifications.failed(connection, message, problem, self._next(message))

    def _next(self, message: Message) -> datetime | None:
        if message.attempt >= ATTEMPTS:
            return None
        return now() + self.first_pause * (1 << (message.attempt - 1))

    def _note_of(self, message: Message) -> Note:
        alert = message.alert
        where = f" on {alert.service}" if alert.service else ""
        resolved = message.occasion == "resolved"
        return Note(
            title=f"[{self.project}] {alert.rule}{where}{' is resolved' if resolved else ''}",
            body="\n".join(_ended(alert) if resolved else _began(alert)),
            link=self.page,
            good=resolved,
        )


def _began(alert: Alert) -> list[str]:
    value = "" if alert.value is None else f"{alert.value:.4g}, and "
    return [_sentence(alert.detail), f"{value}{alert.requirement} is required.", f"Since {_moment(alert.since)}."]


def _ended(alert: Alert) -> list[str]:
    until = "" if alert.resolved_at is None else f" until {_moment(alert.resolved_at)}"
    return ["It is over. It was this:", _sentence(alert.detail), f"Since {_moment(alert.since)}{until}."]


def _sentence(detail: str) -> str:
    return f"{detail[:1].upper()}{detail[1:]}."


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
