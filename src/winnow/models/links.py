"""Links: from a linear layer's raw scores to one probability for each label, in plain Python.

Platt's `1 / (1 + exp(A f + B))` needs no link of its own: A and B are folded into the layer's weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import exp
from types import MappingProxyType

Link = Callable[[Sequence[float]], list[float]]


def sigmoid(score: float) -> float:
    """`1 / (1 + exp(-score))`, without overflow at either end."""
    if score >= 0:
        return 1.0 / (1.0 + exp(-score))
    grown = exp(score)
    return grown / (1.0 + grown)


def two_labels(scores: Sequence[float]) -> list[float]:
    """One score, for the second of two labels against the first."""
    second = sigmoid(scores[0])
    return [1.0 - second, second]


def softmax(scores: Sequence[float]) -> list[float]:
    """Scores that are log-probabilities up to a constant. A score of minus infinity is a probability of 0."""
    top = max(scores)
    grown = [exp(score - top) for score in scores]
    total = sum(grown)
    return [value / total for value in grown]


def one_vs_rest(scores: Sequence[float]) -> list[float]:
    """Each label against all others, then shares of the sum; even shares where no label has any probability."""
    each = [sigmoid(score) for score in scores]
    total = sum(each)
    if not total:
        return [1.0 / len(each)] * len(each)
    return [value / total for value in each]


def independent(scores: Sequence[float]) -> list[float]:
    """Each label for itself: several may apply."""
    return [sigmoid(score) for score in scores]


LINKS: Mapping[str, Link] = MappingProxyType(
    {"two-labels": two_labels, "softmax": softmax, "one-vs-rest": one_vs_rest, "independent": independent}
)
"""The links by the names that bundles know them by."""
