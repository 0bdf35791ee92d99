"""From raw scores to probabilities, at both ends of what floats can hold."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from scipy.special import softmax as scipy_softmax

from winnow.models.links import independent, one_vs_rest, sigmoid, softmax, two_labels

SCORES = st.floats(allow_nan=False, allow_infinity=False)


@given(SCORES)
def test_the_sigmoid_is_scipys(score: float) -> None:
    assert sigmoid(score) == pytest.approx(float(expit(score)), rel=1e-12, abs=1e-300)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=6))
def test_the_softmax_is_scipys(scores: list[float]) -> None:
    np.testing.assert_allclose(softmax(scores), scipy_softmax(scores), rtol=1e-9, atol=1e-300)


def test_what_no_example_had_is_impossible() -> None:
    assert softmax([0.0, -inf, 0.0]) == [0.5, 0.0, 0.5]
    assert one_vs_rest([2.0, -inf]) == [1.0, 0.0]


def test_shares_are_even_where_no_label_has_any_probability() -> None:
    assert one_vs_rest([-inf, -inf]) == [0.5, 0.5]


def test_two_labels_share_one() -> None:
    assert two_labels([0.0]) == [0.5, 0.5]
    assert independent([0.0, inf, -inf]) == [0.5, 1.0, 0.0]
