"""The throttle: after how many wrong passwords, for whom, and in all processes where Redis is there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers import RedisServer
from winnow.accounts.throttle import WINDOW_MINUTES, WRONG_BY_ADDRESS, WRONG_BY_NAME, Throttle
from winnow.errors import Overloaded
from winnow.settings import load_settings


@pytest.fixture(params=["memory", "redis"])
def throttles(request: pytest.FixtureRequest) -> Iterator[tuple[Throttle, Throttle]]:
    """One, and another as it would be in another process; without Redis that is the same."""
    if request.param == "memory":
        one = Throttle(load_settings())
        yield one, one
    else:
        settings = load_settings(redis=request.getfixturevalue("redis_url"))
        yield Throttle(settings), Throttle(settings)


def test_one_name_from_many_places(throttles: tuple[Throttle, Throttle]) -> None:
    one, other = throttles
    for place in range(WRONG_BY_NAME):
        one.check("ada", f"192.0.2.{place}")
        one.count("ada", f"192.0.2.{place}")
    with pytest.raises(Overloaded, match="too many wrong passwords") as refusal:
        other.check("ada", "192.0.2.200")
    assert 1 <= refusal.value.retry_after <= 60 * WINDOW_MINUTES
    other.check("grace", "192.0.2.1")


def test_many_names_from_one_place(throttles: tuple[Throttle, Throttle]) -> None:
    one, other = throttles
    for number in range(WRONG_BY_ADDRESS):
        one.check(f"somebody-{number}", "192.0.2.1")
        one.count(f"somebody-{number}", "192.0.2.1")
    with pytest.raises(Overloaded):
        other.check("ada", "192.0.2.1")
    other.check("ada", "192.0.2.2")


def test_without_redis_each_process_counts_for_itself(redis_server: RedisServer) -> None:
    throttle = Throttle(load_settings(redis=redis_server.url))
    throttle.count("ada", "192.0.2.1")
    redis_server.stop()
    for _ in range(WRONG_BY_NAME - 1):
        throttle.check("ada", "192.0.2.1")
        throttle.count("ada", "192.0.2.1")
    with pytest.raises(Overloaded):
        throttle.check("ada", "192.0.2.1")
