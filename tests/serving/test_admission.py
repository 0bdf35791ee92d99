"""Admission: places are counted exactly, and whoever finds none is told when to come back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.errors import InvalidInput, Overloaded
from winnow.serving.admission import Admission


@given(max_rows=st.integers(1, 50), callers=st.lists(st.tuples(st.booleans(), st.integers(1, 60)), max_size=60))
def test_no_more_rows_are_inside_than_there_is_room_for_and_all_places_come_back(
    max_rows: int, callers: list[tuple[bool, int]]
) -> None:
    """Whatever the order of comings and goings; who is refused takes no place."""
    admission = Admission("toys", max_rows)
    inside: list[int] = []
    for comes, rows in callers:
        if comes:
            fits = sum(inside) + rows <= max_rows
            try:
                admission.enter(rows)
            except (InvalidInput, Overloaded):
                assert not fits
            else:
                assert fits
                inside.append(rows)
        elif inside:
            admission.leave(inside.pop())
        assert admission.inside == sum(inside) <= max_rows
    for rows in inside:
        admission.leave(rows)
    assert admission.inside == 0
    admission.enter(max_rows)


def test_a_request_that_could_never_fit_is_not_told_to_come_back() -> None:
    """More rows than the service ever has room for: another attempt would fail too, so it says how many may."""
    admission = Admission("toys", 8)
    with pytest.raises(InvalidInput, match="at most 8 at once"):
        admission.enter(9)
    assert admission.inside == 0


@given(left=st.integers(0, 100_000), inside=st.integers(1, 10_000), seconds=st.floats(1.0, 1000.0))
def test_whoever_is_refused_is_told_to_come_back_in_one_to_thirty_seconds(
    left: int, inside: int, seconds: float
) -> None:
    """At whatever pace the service has been going, a stalled one included."""
    admission = Admission("toys", inside)
    admission.enter(inside)
    admission._left = left
    admission._measured_at -= seconds
    admission.leave(0)
    with pytest.raises(Overloaded) as refusal:
        admission.enter(1)
    assert 1.0 <= refusal.value.retry_after <= 30.0


def test_the_wait_that_is_told_follows_the_measured_pace() -> None:
    """100 rows inside at 20 rows a second: about five seconds."""
    admission = Admission("toys", 100)
    admission.enter(100)
    admission._left, admission._measured_at = 40, admission._measured_at - 2.0
    admission.leave(0)
    with pytest.raises(Overloaded, match="100 rows wait") as refusal:
        admission.enter(1)
    assert refusal.value.retry_after == pytest.approx(5.0, rel=0.2)
