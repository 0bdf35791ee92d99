"""Drift and certainty: the figures of textbooks and of scipy, and what must hold of any counts."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2, fisher_exact

from winnow.monitoring.drift import (
    jensen_shannon,
    population_stability,
    significantly_lower,
    stability_by_chance,
    wilson,
)

counts = st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 5000)), min_size=1, max_size=12)


def rows(pairs: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    return [first for first, _ in pairs], [second for _, second in pairs]


def test_the_index_is_that_of_the_textbook_where_rows_are_many() -> None:
    """(0.3 - 0.5) ln(0.3 / 0.5) + (0.7 - 0.5) ln(0.7 / 0.5) = 0.16946."""
    found = population_stability([500_000, 500_000], [300_000, 700_000])
    assert found == pytest.approx(0.2 * math.log(7 / 3), rel=1e-4)


def test_a_bin_that_training_never_saw_is_large_and_not_infinite() -> None:
    found = population_stability([1000, 0], [500, 500])
    assert found is not None
    assert 3 < found < 10


@given(counts)
def test_the_index_is_finite_never_negative_and_symmetric(pairs: list[tuple[int, int]]) -> None:
    first, second = rows(pairs)
    found = population_stability(first, second)
    if not sum(first) or not sum(second):
        assert found is None
        return
    assert found is not None
    assert 0 <= found < 100
    assert population_stability(second, first) == pytest.approx(found)


@given(st.lists(st.integers(1, 500), min_size=1, max_size=12), st.integers(1, 20))
def test_the_same_shares_have_not_moved(first: list[int], times: int) -> None:
    second = [count * times for count in first]
    assert population_stability(first, second) == pytest.approx(0, abs=0.05)
    assert jensen_shannon(first, second) == pytest.approx(0, abs=1e-7)


@given(counts)
def test_bins_that_are_empty_on_both_sides_do_not_count(pairs: list[tuple[int, int]]) -> None:
    wider = rows([*pairs, (0, 0)])
    assert population_stability(*rows(pairs)) == population_stability(*wider)
    assert stability_by_chance(*rows(pairs)) == stability_by_chance(*wider)


@pytest.mark.parametrize("bins", [2, 3, 5, 10])
def test_what_chance_alone_gives_is_a_percentile_of_chi_square(bins: int) -> None:
    expected = chi2.ppf(0.95, bins - 1) * (1 / (40 * bins) + 1 / (10 * bins))
    assert stability_by_chance([40] * bins, [10] * bins) == pytest.approx(expected, rel=0.03)


def test_one_bin_cannot_move() -> None:
    assert population_stability([7], [100]) == 0
    assert stability_by_chance([7], [100]) == 0


@given(counts)
def test_the_distance_is_that_of_scipy(pairs: list[tuple[int, int]]) -> None:
    first, second = rows(pairs)
    found = jensen_shannon(first, second)
    if not sum(first) or not sum(second):
        assert found is None
        return
    assert found is not None
    assert 0 <= found <= 1
    assert found == pytest.approx(float(jensenshannon(first, second, base=2)), abs=1e-6)


def test_nothing_in_common_is_the_largest_distance() -> None:
    assert jensen_shannon([10, 0], [0, 3]) == pytest.approx(1)


def test_counts_over_other_bins_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        jensen_shannon([1, 2], [1])


@pytest.mark.parametrize(
    ("right", "total", "low", "high"),
    [(8, 10, 0.4902, 0.9433), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662)],
)
def test_the_interval_is_wilsons(right: int, total: int, low: float, high: float) -> None:
    """The last is Newcombe's own example (1998)."""
    assert wilson(right, total) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 10_000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_the_interval_holds_the_share_and_stays_a_share(drawn: tuple[int, int]) -> None:
    right, total = drawn
    found = wilson(right, total)
    assert found is not None
    assert 0 <= found[0] <= right / total <= found[1] <= 1


def test_no_rows_have_no_interval() -> None:
    assert wilson(0, 0) is None


sides = st.integers(1, 400).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))


@given(sides, sides)
def test_the_test_is_fishers(first: tuple[int, int], second: tuple[int, int]) -> None:
    table = [[first[0], first[1] - first[0]], [second[0], second[1] - second[0]]]
    expected = fisher_exact(table, alternative="less").pvalue
    assert significantly_lower(*first, *second) == pytest.approx(expected, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize(
    ("first", "second", "significant"),
    [
        ((30, 50), (48, 50), True),
        ((45, 50), (48, 50), False),
        ((48, 50), (30, 50), False),
        ((700, 1000), (760, 1000), True),
        ((0, 0), (50, 50), False),
        ((50, 50), (0, 0), False),
    ],
    ids=["much-lower", "a-little-lower", "higher", "a-little-lower-of-many", "nothing-known", "no-predecessor"],
)
def test_only_a_difference_that_chance_hardly_makes_counts(
    first: tuple[int, int], second: tuple[int, int], significant: bool
) -> None:
    assert (significantly_lower(*first, *second) < 0.01) is significant
