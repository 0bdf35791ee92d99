"""Traffic: counted by minute, added up over processes, never lost to a store that was away for a while."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.domain import now
from winnow.errors import StoreFailed
from winnow.monitoring.traffic import Traffic
from winnow.store import Database, traffic
from winnow.store.latency import BUCKETS, add_up, bounds, bucket_of, percentile
from winnow.store.traffic import Minute, Totals

MINUTE = timedelta(minutes=1)


def minute(ago: int, process: str = "one", **counts: int) -> Minute:
    """So many minutes ago. Each answer took about a millisecond."""
    moment = now().replace(second=0, microsecond=0) - ago * MINUTE
    given = {"answered": 0, "refused": 0, "failed": 0, "overloaded": 0, "late": 0, **counts}
    answers = {str(bucket_of(1.0)): given["answered"]} if given["answered"] else {}
    return Minute(minute=moment, service="shop", process=process, latency=answers, **given)


def write(database: Database, *minutes: Minute) -> None:
    with database.write() as connection:
        traffic.write(connection, minutes)


def recent(database: Database, minutes: int = 5) -> Totals:
    with database.read() as connection:
        return traffic.recent(connection, "shop", now() - minutes * MINUTE)


@given(st.floats(0, 2_000_000))
def test_each_latency_lies_in_its_bucket(milliseconds: float) -> None:
    bucket = bucket_of(milliseconds)
    low, high = bounds(bucket)
    assert 0 <= bucket < BUCKETS
    if 0 < bucket < BUCKETS - 1:
        assert low * 0.999999 <= milliseconds <= high * 1.000001


@given(st.lists(st.floats(0.2, 10_000), min_size=1, max_size=300), st.sampled_from([0.5, 0.95]))
def test_percentiles_are_off_by_less_than_a_fifth(latencies: list[float], share: float) -> None:
    counts = add_up({str(bucket_of(entry)): 1} for entry in latencies)
    found = percentile(counts, share)
    exact = float(np.percentile(latencies, share * 100, method="inverted_cdf"))
    assert found is not None
    assert found == pytest.approx(exact, rel=0.19)


def test_nothing_has_no_percentile() -> None:
    assert percentile({}, 0.5) is None
    assert Totals().p95_ms is None


def test_processes_add_up_and_a_minute_that_is_written_again_is_replaced(database: Database) -> None:
    write(database, minute(0, answered=3), minute(0, "two", answered=4, late=1))
    write(database, minute(0, answered=10, refused=2, failed=1, overloaded=5))
    found = recent(database)
    assert (found.answered, found.refused, found.failed, found.overloaded, found.late) == (14, 2, 1, 5, 1)
    assert found.inputs == 23
    assert found.answers == 14
    assert found.p50_ms == pytest.approx(1, rel=0.2)


def test_what_is_older_or_another_services_does_not_count(database: Database) -> None:
    write(database, minute(9, answered=100), minute(1, answered=1))
    with database.write() as connection:
        traffic.write(connection, [replace(minute(1, answered=50), service="other")])
    assert recent(database).answered == 1


@pytest.mark.parametrize(("hours", "most", "count", "seconds"), [
    (1, 60, 60, 60), (1, 48, 30, 120), (24, 48, 48, 1800), (0.05, 1000, 3, 60), (720, 1, 1, 2_592_000),
    (1, 7, 7, 540),
])  # fmt: skip
def test_stretches_are_equal_whole_minutes_without_gaps(
    database: Database, hours: float, most: int, count: int, seconds: int
) -> None:
    write(database, minute(0, answered=1), minute(1, "two", answered=2))
    span = timedelta(hours=hours)
    with database.read() as connection:
        found = traffic.lately(connection, "shop", span, most)
    assert len(found) == count <= most
    assert {stretch.seconds for stretch in found} == {seconds}
    steps = {later.since - earlier.since for earlier, later in pairwise(found)}
    assert steps <= {timedelta(seconds=seconds)}
    assert found[-1].since + timedelta(seconds=seconds) > now() - MINUTE
    assert found[0].since <= now() - span + MINUTE
    assert sum(stretch.totals.answered for stretch in found) == 3


def test_old_minutes_are_forgotten(database: Database) -> None:
    write(database, minute(60 * 24 * 31, answered=1), minute(1, answered=1))
    with database.write() as connection:
        assert traffic.prune(connection, timedelta(days=30)) == 1
    assert recent(database).answered == 1


async def test_what_was_counted_is_written_and_nothing_twice(database: Database) -> None:
    """The present minute is written again where it went on, and not where it did not."""
    first, second = Traffic(database), Traffic(database)
    first.of("shop").answered(2, 1.0)
    await first.write()
    first.of("shop").answered(3, 8.0)
    first.of("shop").answered(4)
    second.of("shop").refused(1)
    second.of("shop").failed(2)
    second.of("shop").overloaded(3)
    second.of("shop").late(4)
    await first.write()
    await second.close()
    await first.write()
    found = recent(database)
    assert (found.answered, found.refused, found.failed, found.overloaded, found.late) == (9, 1, 2, 3, 4)
    assert found.answers == 5, "nobody waited for four of them"
    assert found.p95_ms == pytest.approx(8, rel=0.2)


async def test_each_minute_has_its_own_row(database: Database) -> None:
    """A clock that is put back makes no second row of a minute that was counted before."""
    clock = now().timestamp() - 180
    counted = Traffic(database, lambda: clock)
    for step in (0, 60, -60, 60, 60):
        clock += step
        counted.of("shop").answered(1, 1.0)
    await counted.write()
    with database.read() as connection:
        found = traffic.lately(connection, "shop", timedelta(minutes=6), 6)
    assert sorted(stretch.totals.answered for stretch in found) == [0, 0, 0, 1, 1, 3]


async def test_a_store_that_is_away_loses_nothing(tmp_path: Path) -> None:
    """What could not be written is written later: each minute once, though it went on meanwhile."""
    database = Database(f"sqlite:///{tmp_path / 'winnow.db'}")
    clock = now().timestamp() - 120
    counted = Traffic(database, lambda: clock)
    counted.of("shop").answered(1, 1.0)
    for _ in range(2):
        with pytest.raises(StoreFailed):  # no table yet
            await counted.write()
        counted.of("shop").answered(1, 1.0)
    clock += 60
    counted.of("shop").answered(1, 1.0)
    with pytest.raises(StoreFailed):
        await counted.write()
    await counted.close()
    database.migrate()
    await counted.write()
    with database.read() as connection:
        found = traffic.lately(connection, "shop", timedelta(minutes=5), 5)
    assert [stretch.totals.answered for stretch in found if stretch.totals.answered] == [3, 1]
    database.close()


def test_minutes_come_back_in_utc(database: Database) -> None:
    moment = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)  # in many zones this hour is one that there is not
    write(database, Minute(moment, "shop", "one", 1, 0, 0, 0, 0, {}))
    with database.read() as connection:
        assert traffic.recent(connection, "shop", moment).answered == 1
        assert traffic.recent(connection, "shop", moment + MINUTE).answered == 0
