"""Chores: what a process does besides, again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from loguru import logger

from winnow.errors import StoreFailed


@dataclass(frozen=True, slots=True)
class Chore:
    """What is done again and again, with a pause of so many seconds before each time.

    `end` is done once, when it is not to be done any more.
    """

    seconds: float
    do: Callable[[], Awaitable[None]]
    end: Callable[[], Awaitable[None]] | None = None


class Chores:
    """Does chores while its block is open, whatever happens to each of them."""

    def __init__(self, chores: Sequence[Chore]) -> None:
        self._chores = chores
        self._timers: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def start(self) -> None:
        """Begin with the first pause of each."""
        self._timers = [asyncio.create_task(_repeat(chore)) for chore in self._chores]

    async def stop(self) -> None:
        """Begin no other, and bring each to its end."""
        begun = bool(self._timers)
        for timer in self._timers:
            timer.cancel()
        await asyncio.gather(*self._timers, return_exceptions=True)
        self._timers = []
        if begun:
            await asyncio.gather(*(_do(chore.end) for chore in self._chores if chore.end is not None))


async def _repeat(chore: Chore) -> None:
    while True:
        await asyncio.sleep(chore.seconds)
        await _do(chore.do)


async def _do(what: Callable[[], Awaitable[None]]) -> None:
    try:
        await what()
    except StoreFailed as error:
        logger.error("the store cannot be reached: {}", error)
    except Exception as error:  # noqa: BLE001  (whatever it was, the next time may go well)
        logger.opt(exception=error).error("a chore failed unexpectedly")
