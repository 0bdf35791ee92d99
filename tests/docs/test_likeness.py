"""The comparison of shown with printed output: loose where it may be, exact elsewhere."""

from __future__ import annotations

import pytest

from tests.docs.likeness import unlike, unlike_json

TABLE = """\
candidate   version  accuracy  p95 ms  gates
linear-svm        2     0.810    0.06  all met"""


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("kept as 01a1fa1f-1b63-70f3-a995-40ac5d387f22", "kept as 01a1fa26-e8df-77a1-b3af-2306923bf506"),
        ("since 2026-11-20 18:01", "since 2027-01-02 03:04"),
        ("79 to test with, 2.6 s", "79 to test with, 13.0 s"),
        ("latency_p95_ms 0.05 meets <= 50", "latency_p95_ms 1.25 meets <= 50"),
        ("accuracy 0.81", "accuracy 0.82"),
        ("in /home/you/shop", "in /tmp/x/shop"),
        ("first\n...\nlast", "first\nsecond\nthird\nlast"),
        (TABLE, TABLE.replace("0.06", "9.87").replace("0.810", "0.823")),
    ],
)
def test_what_varies_is_not_compared(shown: str, printed: str) -> None:
    assert unlike(shown, printed) is None


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("positive", "negative"),
        ("417 examples added", "418 examples added"),
        ("accuracy 0.81", "accuracy 0.97"),
        ("first\nlast", "first"),
        ("first", "first\nlast"),
        ("first\n...\nlast", "first\nsecond"),
        (TABLE, TABLE.replace("accuracy", "f1_macro")),
        (TABLE, TABLE.replace("0.810", "0.310")),
    ],
)
def test_all_else_is(shown: str, printed: str) -> None:
    assert unlike(shown, printed) is not None


def test_json_is_compared_key_by_key() -> None:
    assert unlike_json('{"a": [1, 0.50], "latency_ms": 1.0}', '{"latency_ms": 9.0, "a": [1, 0.52]}') is None
    assert unlike_json('{"a": [1]}', '{"a": [2]}') == "$.a.0: 1 is shown, 2 printed"
    assert unlike_json('{"a": 1}', '{"a": 1, "b": 2}') is not None
