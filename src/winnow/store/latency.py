"""Latencies as they are kept: counts over fixed buckets, four to a doubling, so that rows can be added up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import log2

_LOWEST_MS = 0.125
_PER_DOUBLING = 4
_FIRST = 1 - _PER_DOUBLING * log2(_LOWEST_MS)
BUCKETS = 92
"""From an eighth of a millisecond to a quarter of an hour; what is less or more is in the first or last."""


def bucket_of(milliseconds: float) -> int:
    """The bucket that a latency falls into."""
    if milliseconds <= _LOWEST_MS:
        return 0
    return min(BUCKETS - 1, int(_FIRST + _PER_DOUBLING * log2(milliseconds)))


def bounds(bucket: int) -> tuple[float, float]:
    """From and to how many milliseconds a bucket goes."""
    low = 0.0 if bucket == 0 else _LOWEST_MS * 2 ** ((bucket - 1) / _PER_DOUBLING)
    return low, _LOWEST_MS * 2 ** (bucket / _PER_DOUBLING)


def percentile(counts: Mapping[int, int], share: float) -> float | None:
    """The milliseconds within which this share of the answers came; None where there were none.

    Within its bucket it is interpolated, so it is off by less than a fifth.
    """
    total = sum(counts.values())
    wanted, seen = share * total, 0
    for bucket in sorted(counts):
        count = counts[bucket]
        if count and seen + count >= wanted:
            low, high = bounds(bucket)
            return low + (high - low) * (wanted - seen) / count
        seen += count
    return None


def add_up(rows: Iterable[Mapping[str, int]]) -> dict[int, int]:
    """The sum of what rows hold, whose buckets are text because JSON has no other keys."""
    total: dict[int, int] = {}
    for row in rows:
        for bucket, count in row.items():
            total[int(bucket)] = total.get(int(bucket), 0) + count
    return total
