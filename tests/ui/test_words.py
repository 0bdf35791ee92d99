"""How the page words things."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.ui import words

NOW = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("share", "digits", "said"),
    [
        (None, 0, "–"),
        (0.0, 0, "0 %"),
        (1.0, 0, "100 %"),
        (0.93, 0, "93 %"),
        (0.934, 1, "93.4 %"),
        (0.9996, 0, "> 99 %"),
        (0.0004, 0, "< 1 %"),
        (0.00004, 1, "< 0.1 %"),
    ],
)
def test_what_is_not_quite_all_or_nothing_is_not_rounded_to_it(share: float | None, digits: int, said: str) -> None:
    assert words.percent(share, digits).replace("\u202f", " ") == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "just now"), (40, "40 seconds ago"), (60, "1 minute ago"), (7300, "2 hours ago"), (90_000, "1 day ago")],
)
def test_how_long_ago_something_was(seconds: int, said: str) -> None:
    assert words.ago(NOW - timedelta(seconds=seconds), NOW) == said


def test_times_are_named_as_utc_whatever_zone_they_came_in() -> None:
    assert words.moment(NOW) == "2026-05-04 12:30 UTC"
    assert words.moment(None) == "–"


@pytest.mark.parametrize(
    ("value", "said"), [(0.421, "0.42 ms"), (12.3, "12 ms"), (1340.0, "1.3 s"), (None, "–"), (0.0, "0 ms")]
)
def test_latencies(value: float | None, said: str) -> None:
    assert words.milliseconds(value) == said


@pytest.mark.parametrize(("count", "said"), [(0, "0 bytes"), (1_234_567, "1.2 MB"), (5e12, "5000.0 GB")])
def test_sizes(count: float, said: str) -> None:
    assert words.size(count) == said


def test_an_answer_in_plain_words() -> None:
    one = {"label": "negative", "scores": {"negative": 0.93, "positive": 0.07}}
    several = {"labels": ["late", "angry"], "scores": {"late": 0.9, "angry": 0.6, "kind": 0.1}}
    none: dict[str, object] = {"labels": [], "scores": {"late": 0.2, "angry": 0.1}}
    assert words.answer_words(one) == "negative, 93\u202f% sure"
    assert words.answer_words(several) == "late, angry, 60\u202f% sure"
    assert words.answer_words(none) == "none of the labels, 80\u202f% sure"


def test_gates_say_how_many_are_missed() -> None:
    met = {"passed": True, "reason": "accuracy 0.9 meets >= 0.8"}
    missed = {"passed": False, "reason": "f1_macro 0.7 misses >= 0.8 by 0.1"}
    assert words.gates_words([]) == "no gates"
    assert words.gates_words([met, met]) == "all 2 met"
    assert words.gates_words([met, missed]) == "1 of 2 missed"


@given(st.text(max_size=200))
def test_text_of_others_formats_nothing(text: str) -> None:
    shown = words.plain(text)
    assert "\n" not in shown
    for sign in ("[", "](", "<", "`", "*", "$", ":"):
        assert all(shown[at - 1] == "\\" for at in range(len(shown)) if shown.startswith(sign, at))


@given(st.text(max_size=300), st.integers(2, 50))
def test_an_excerpt_is_one_line_of_that_length_at_most(text: str, length: int) -> None:
    shown = words.excerpt(text, length)
    assert len(shown) <= length
    assert "\n" not in shown
