"""How far two distributions lie apart, and how sure a share of right answers is. Pure functions of counts."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, lgamma, log, log2, sqrt

_SMOOTHING = 0.5
"""Added to each count (Jeffreys' prior), so that a bin that one side never saw does not make the index infinite."""
_Z_95 = 1.959963984540054
_Z_ONE_SIDED_95 = 1.6448536269514722


def population_stability(reference: Sequence[float], current: Sequence[float]) -> float | None:
    """The population stability index (PSI) of two rows of counts over the same bins; None where one is empty.

    The sum of (q - p) ln(q / p) over the bins that hold a row of either side, each with half a row added. By
    custom, less than 0.1 is stable, and more than 0.25 has shifted.
    """
    pairs = _occupied(reference, current)
    if not sum(reference) or not sum(current):
        return None
    total, other_total = (sum(counts) + _SMOOTHING * len(pairs) for counts in (reference, current))
    index = 0.0
    for count, other_count in pairs:
        share, other = (count + _SMOOTHING) / total, (other_count + _SMOOTHING) / other_total
        index += (other - share) * log(other / share)
    return index


def stability_by_chance(reference: Sequence[float], current: Sequence[float]) -> float | None:
    """What the index of these rows would stay below in 19 of 20 cases if nothing had shifted; None as there.

    The index of two samples of n and m rows of one distribution is (1/n + 1/m) times a chi-square with one degree
    of freedom less than there are bins (Yurdakul 2018). Its 95th percentile is by Wilson and Hilferty's formula.
    """
    degrees = len(_occupied(reference, current)) - 1
    if not sum(reference) or not sum(current):
        return None
    if degrees < 1:
        return 0.0
    spread = 2 / (9 * degrees)
    percentile: float = degrees * (1 - spread + _Z_ONE_SIDED_95 * sqrt(spread)) ** 3
    return percentile * (1 / sum(reference) + 1 / sum(current))


def jensen_shannon(reference: Sequence[float], current: Sequence[float]) -> float | None:
    """The Jensen-Shannon distance (base 2) of two rows of counts over the same bins; None where one is empty.

    0 where the shares are the same, 1 where no bin is common. It is the square root of the divergence, as
    `scipy.spatial.distance.jensenshannon` has it.
    """
    total, other_total = sum(reference), sum(current)
    if not total or not other_total:
        return None
    divergence = 0.0
    for count, other_count in _occupied(reference, current):
        share, other = count / total, other_count / other_total
        middle = (share + other) / 2
        divergence += (_information(share, middle) + _information(other, middle)) / 2
    return sqrt(min(1.0, max(0.0, divergence)))


def wilson(right: int, rows: int) -> tuple[float, float] | None:
    """The 95 % interval of a share by Wilson's score method, [low, high]; None without rows.

    It stays within 0 and 1, and is honest where rows are few or nearly all of them are right.
    """
    if not rows:
        return None
    share, square = right / rows, _Z_95**2
    middle = (share + square / (2 * rows)) / (1 + square / rows)
    half = _Z_95 * sqrt(share * (1 - share) / rows + square / (4 * rows * rows)) / (1 + square / rows)
    low = 0.0 if right == 0 else max(0.0, middle - half)
    high = 1.0 if right == rows else min(1.0, middle + half)
    return low, high


def significantly_lower(first_right: int, first_rows: int, second_right: int, second_rows: int) -> float:
    """How likely the first share would be so low, or lower, if the first were as good as the second: a p-value.

    Fisher's exact test, one-sided: the lower tail of the hypergeometric distribution. It needs no large samples. 1
    where one side has no rows.
    """
    if not first_rows or not second_rows:
        return 1.0
    rows, right = first_rows + second_rows, first_right + second_right
    whole = _log_choose(rows, right)
    lowest = max(0, right - second_rows)
    tail = sum(
        exp(_log_choose(first_rows, k) + _log_choose(second_rows, right - k) - whole)
        for k in range(lowest, first_right + 1)
    )
    return min(1.0, tail)


def _occupied(reference: Sequence[float], current: Sequence[float]) -> list[tuple[float, float]]:
    """The bins that hold something on either side."""
    return [pair for pair in zip(reference, current, strict=True) if any(pair)]


def _information(share: float, middle: float) -> float:
    return share * log2(share / middle) if share else 0.0


def _log_choose(rows: int, chosen: int) -> float:
    return lgamma(rows + 1) - lgamma(chosen + 1) - lgamma(rows - chosen + 1)
