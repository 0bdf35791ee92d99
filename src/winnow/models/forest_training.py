"""Grows the boosted trees of a `Forest`."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from winnow.domain import Examples, Progress
from winnow.models.base import Question
from winnow.models.forest import Forest
from winnow.models.targets import Indices, one_label_each, repeat_rare, rule_of_succession, several_labels_each
from winnow.models.weights import Doubles


def grow_forest(
    vectors: Doubles, examples: Examples, question: Question, options: dict[str, Any], progress: Progress
) -> Forest:
    """Learn what the question asks. `options` are scikit-learn's; small data get smaller leaves."""
    options = {"min_samples_leaf": min(20, max(1, len(examples) // 10)), **options}
    labels = len(question.labels)
    if not question.several:
        progress("fitting", 0.6)
        estimator = _grow(vectors, one_label_each(examples, question), options)
        places = estimator.classes_.tolist()
        return Forest([estimator], "two-labels" if len(places) == 2 else "softmax", places, [0.0] * labels)
    flags = several_labels_each(examples, question)
    constants = [rule_of_succession(int(applies.sum()), len(applies)) for applies in flags.T]
    places = [i for i, applies in enumerate(flags.T) if applies.any() and not applies.all()]
    estimators = []
    for place in places:
        progress(f"fitting {question.labels[place]}", 0.6 + 0.3 * place / labels)
        estimators.append(_grow(vectors, flags[:, place].astype(np.intp), options))
    return Forest(estimators, "independent", places, constants)


def _grow(vectors: Doubles, classes: Indices, options: dict[str, Any]) -> Any:
    rows = repeat_rare(classes, 2)  # where scikit-learn sets rows aside, each class has to be on both sides
    return HistGradientBoostingClassifier(**options).fit(vectors[rows], classes[rows])
