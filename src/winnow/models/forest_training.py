"""Grows the boosted trees of a `Forest`."""

from __future__ import annotations

from typing import Any

from winnow.domain import Progress
from winnow.models.base import Question
from winnow.models.forest import Forest
from winnow.models.targets import Targets, repeat_rare, rule_of_succession
from winnow.models.weights import Doubles


def boosting_options(learning_rate: float, rounds: int, leaves: int, smoothing: float, seed: int) -> dict[str, Any]:
    """What candidates call these, as scikit-learn names them; and what none of them changes.

    Few bins, and a fifth of the columns at each split, keep learning quick where vectors have hundreds of numbers.
    """
    return {
        "learning_rate": learning_rate,
        "max_iter": rounds,
        "max_leaf_nodes": leaves,
        "l2_regularization": smoothing,
        "max_bins": 63,
        "max_features": 0.2,
        "random_state": seed,
    }


def grow_forest(
    vectors: Doubles, targets: Targets, question: Question, options: dict[str, Any], progress: Progress
) -> Forest:
    """Learn what the question asks. `options` are scikit-learn's; small data get smaller leaves."""
    options = {"min_samples_leaf": min(20, max(1, len(targets) // 10)), **options}
    labels = len(question.labels)
    if not question.several:
        progress("fitting", 0.0)
        estimator = _grow(vectors, targets, options)
        places = estimator.classes_.tolist()
        return Forest([estimator], "two-labels" if len(places) == 2 else "softmax", places, [0.0] * labels)
    constants = [rule_of_succession(int(applies.sum()), len(applies)) for applies in targets.T]
    places = [i for i, applies in enumerate(targets.T) if applies.any() and not applies.all()]
    estimators = []
    for place in places:
        progress(f"fitting {question.labels[place]}", place / labels)
        estimators.append(_grow(vectors, targets[:, place], options))
    return Forest(estimators, "independent", places, constants)


def _grow(vectors: Doubles, classes: Targets, options: dict[str, Any]) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    rows = repeat_rare(classes, 2)  # where scikit-learn sets rows aside, each class has to be on both sides
    return HistGradientBoostingClassifier(**options).fit(vectors[rows], classes[rows])
