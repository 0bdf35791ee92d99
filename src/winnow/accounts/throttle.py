"""The throttle: how many wrong passwords are borne before nobody may try for a while.

Wrong ones are counted by name and by address, over a moving window. Right ones cost nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from typing import cast

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter, RateLimiter

from winnow.errors import Overloaded
from winnow.settings import Settings

WINDOW_MINUTES = 5
WRONG_BY_NAME = 10
WRONG_BY_ADDRESS = 50
"""An address may be that of a proxy, with many people behind it."""


class Throttle:
    """Counts in this process and, with the setting `redis`, in all of them. Call it outside event loops."""

    def __init__(self, settings: Settings) -> None:
        self._by_name = RateLimitItemPerMinute(WRONG_BY_NAME, WINDOW_MINUTES, namespace="winnow:name")
        self._by_address = RateLimitItemPerMinute(WRONG_BY_ADDRESS, WINDOW_MINUTES, namespace="winnow:address")
        self._redis = None if settings.redis is None else settings.redis.get_secret_value()

    def check(self, name: str, address: str) -> None:
        """Refuse who has been wrong too often. `Overloaded` says when to come back."""
        wait = max(_wait(limiter, *what) for limiter in self._limiters for what in self._what(name, address))
        if wait > 0:
            raise Overloaded("too many wrong passwords: wait a little, then try again", wait)

    def count(self, name: str, address: str) -> None:
        """Count one that was wrong."""
        for limiter in self._limiters:
            with suppress(StorageError):  # without Redis, each process counts for itself
                for item, whose in self._what(name, address):
                    limiter.hit(item, whose)

    @cached_property
    def _limiters(self) -> list[RateLimiter]:
        """Those of this process and of all. Made at the first need: by then it is known that Redis can be used."""
        found: list[RateLimiter] = [MovingWindowRateLimiter(MemoryStorage())]
        if self._redis is not None:
            url = f"redis+{self._redis}" if self._redis.startswith("unix:") else self._redis
            shared = storage_from_string(url, wrap_exceptions=True)
            found.append(MovingWindowRateLimiter(cast("Storage", shared)))
        return found

    def _what(self, name: str, address: str) -> Iterator[tuple[RateLimitItem, str]]:
        yield self._by_name, name
        yield self._by_address, address


def _wait(limiter: RateLimiter, item: RateLimitItem, whose: str) -> float:
    """Seconds until one more may be wrong; 0 where it may be now."""
    with suppress(StorageError):
        if not limiter.test(item, whose):
            return max(1.0, limiter.get_window_stats(item, whose).reset_time - time.time())
    return 0.0
