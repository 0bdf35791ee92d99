"""Linear layers, learned by scikit-learn and reduced to numbers: coefficients, offsets and the link that fits."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np
import numpy.typing as npt

from winnow.domain import Progress
from winnow.models.base import Question
from winnow.models.targets import Targets, repeat_rare, rule_of_succession

Doubles = npt.NDArray[np.float64]

FOLDS = 3
"""Parts in which a margin's meaning as a probability is learned, each on what the others' margins say of it."""


@dataclass(frozen=True, slots=True)
class Layer:
    """`coefficients` (columns x features), `offsets` (columns) and the name of the link, from `links.py`."""

    coefficients: Doubles
    offsets: Doubles
    link: str


Learn = Callable[[Any, Targets], Layer]
"""Learns from a matrix (examples x features) and classes 0, 1, …, each of which stands in at least one row."""


def fit_layer(learn: Learn, matrix: Any, targets: Targets, question: Question, progress: Progress) -> Layer:
    """Learn what the question asks: one label of all, or for each label whether it applies."""
    if not question.several:
        progress("fitting", 0.0)
        present, classes = np.unique(targets, return_inverse=True)
        return spread(learn(matrix, classes), present, len(question.labels))
    layers = []
    for i, label in enumerate(question.labels):
        progress(f"fitting {label}", i / len(question.labels))
        applies = targets[:, i]
        if applies.any() and not applies.all():
            layers.append(learn(matrix, applies))
        else:
            probability = rule_of_succession(int(applies.sum()), len(applies))
            layers.append(_constant(probability, matrix.shape[1]))
    return Layer(
        np.vstack([layer.coefficients for layer in layers]),
        np.concatenate([layer.offsets for layer in layers]),
        "independent",
    )


def logistic_regression(strength: float, *, balanced: bool, seed: int) -> Learn:
    """Probabilities by design. `strength` is scikit-learn's C: how closely the examples are followed."""

    def learn(matrix: Any, classes: Targets) -> Layer:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression

        weight = "balanced" if balanced else None
        model = LogisticRegression(C=strength, class_weight=weight, max_iter=1000, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # what it has after so many rounds is good enough
            model.fit(matrix, classes)
        return Layer(model.coef_, model.intercept_, "two-labels" if len(model.classes_) == 2 else "softmax")

    return learn


def linear_svm(strength: float, *, balanced: bool, seed: int) -> Learn:
    """Support vectors; Platt's sigmoid, learned across folds, makes probabilities of their margins.

    Labels with fewer rows than there are folds stand in the matrix more than once, so that each fold has them.
    """

    def learn(matrix: Any, classes: Targets) -> Layer:
        from sklearn.calibration import CalibratedClassifierCV
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.svm import LinearSVC

        weight = "balanced" if balanced else None
        rows = repeat_rare(classes, FOLDS)
        if len(rows) > len(classes):
            matrix, classes = matrix[rows], classes[rows]
        machine = LinearSVC(C=strength, class_weight=weight, random_state=seed)
        model = CalibratedClassifierCV(machine, method="sigmoid", cv=FOLDS, ensemble=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(matrix, classes)
        return _with_platt(model.calibrated_classifiers_[0])

    return learn


def naive_bayes(smoothing: float) -> Learn:
    """Multinomial naive Bayes; `smoothing` is what is added to each term's count."""

    def learn(matrix: Any, classes: Targets) -> Layer:
        from sklearn.naive_bayes import MultinomialNB

        model = MultinomialNB(alpha=smoothing).fit(matrix, classes)
        coefficients, offsets = model.feature_log_prob_, model.class_log_prior_
        if len(model.classes_) == 2:  # only the difference matters, and one column costs half of two
            return Layer(coefficients[1:] - coefficients[:1], offsets[1:] - offsets[:1], "two-labels")
        return Layer(coefficients, offsets, "softmax")

    return learn


def _with_platt(calibrated: Any) -> Layer:
    """Fold each column's sigmoid, `1 / (1 + exp(A f + B))`, into the column."""
    slopes = -np.array([[sigmoid.a_] for sigmoid in calibrated.calibrators])
    shifts = -np.array([sigmoid.b_ for sigmoid in calibrated.calibrators])
    machine = calibrated.estimator
    return Layer(
        machine.coef_ * slopes,
        machine.intercept_ * slopes[:, 0] + shifts,
        "two-labels" if len(slopes) == 1 else "one-vs-rest",
    )


def _constant(probability: float, features: int) -> Layer:
    """The layer of a label that applied to all examples or to none."""
    return Layer(np.zeros((1, features)), np.array([log(probability / (1 - probability))]), "two-labels")


def spread(layer: Layer, present: Targets, labels: int) -> Layer:
    """Give labels that no example has a probability of 0: a column of zeros with minus infinity added."""
    if len(present) == labels:
        return layer
    if layer.link == "two-labels":  # a softmax of 0 and f is the sigmoid of f
        zeros = np.zeros_like(layer.coefficients)
        layer = Layer(np.vstack([zeros, layer.coefficients]), np.append(0.0, layer.offsets), "softmax")
    coefficients = np.zeros((labels, layer.coefficients.shape[1]))
    offsets = np.full(labels, -np.inf)
    coefficients[present], offsets[present] = layer.coefficients, layer.offsets
    return Layer(coefficients, offsets, layer.link)
