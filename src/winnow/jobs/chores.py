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
    """What is done again and again, with a pause of so many seconds before each time."""

    seconds: float
    do: Callable[[], Awaitable[None]]


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
        """Begin no other."""
        for timer in self._timers:
            timer.cancel()
        await asyncio.gather(*self._timers, return_exceptions=True)
        self._timers = []


async def _repeat(chore: Chore) -> None:
    while True:
        await asyncio.sleep(chore.seconds)
        try:
            await chore.do()
        except StoreFailed as error:
            logger.error("the store cannot be reached: {}", error)
        except Exception as error:  # noqa: BLE001  (whatever it was, the next time may go well)
            logger.opt(exception=error).error("a chore failed unexpectedly")
