"""Trains the layers of a `Net`."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from winnow.models.base import Question
from winnow.models.linear_layers import Layer, spread
from winnow.models.scaling import column_scale
from winnow.models.targets import Targets, repeat_rare
from winnow.models.text_features import MANY_ROWS
from winnow.models.weights import Doubles

Layers = list[tuple[Doubles, Doubles]]


def train_net(matrix: Any, targets: Targets, question: Question, options: dict[str, Any]) -> tuple[Layers, str]:
    """Learn what the question asks from a matrix (examples x features): the layers and the name of their link.

    `options` are scikit-learn's. Rounds end early on many examples, where a tenth of them is enough to tell when.
    """
    from sklearn.neural_network import MLPClassifier

    many = len(targets) >= MANY_ROWS
    options = {"batch_size": 128 if many else min(16, len(targets)), "early_stopping": many, **options}
    net = MLPClassifier(n_iter_no_change=3, **options)
    matrix = matrix.astype(np.float32)
    if question.several:
        _fit(net, matrix, targets)
        return _layers(net), "independent"
    rows = repeat_rare(targets, 2)  # of the rows set aside, and of the rest, each class has to have one
    _fit(net, matrix[rows], targets[rows])
    layers = _layers(net)
    weights, biases = layers.pop()
    last = Layer(weights.T, biases, "two-labels" if len(net.classes_) == 2 else "softmax")
    last = spread(last, net.classes_, len(question.labels))
    return [*layers, (np.ascontiguousarray(last.coefficients.T), last.offsets)], last.link


def train_net_on_vectors(
    vectors: Doubles, targets: Targets, question: Question, options: dict[str, Any]
) -> tuple[Layers, str]:
    """Learn from dense vectors. Nets learn from numbers around 0 and 1: their scaling is folded into a layer."""
    middle, deviation = column_scale(vectors)
    layers, link = train_net((vectors - middle) / deviation, targets, question, options)
    weights, biases = layers[0]
    weights = weights / deviation[:, None]
    return [(weights, biases - middle.dot(weights)), *layers[1:]], link


def _fit(net: Any, matrix: Any, targets: Any) -> None:
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the number of rounds is chosen, not a failure
        net.fit(matrix, targets)


def _layers(net: Any) -> Layers:
    pairs = zip(net.coefs_, net.intercepts_, strict=True)
    return [(weights.astype(np.float64), biases.astype(np.float64)) for weights, biases in pairs]
