"""From examples' targets to numbers, with a clear sentence where nothing can be learned from them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt

from winnow.domain import Examples
from winnow.errors import TrainingFailed
from winnow.models.base import Question

Targets = npt.NDArray[np.intp]
"""One label each: its position in the question, shape (examples,). Several: 1 for each that applies, otherwise 0,
shape (examples, labels)."""


def read_targets(examples: Examples, question: Question) -> Targets:
    """The examples' targets; `TrainingFailed` where they give nothing to tell apart."""
    return _several_labels_each(examples, question) if question.several else _one_label_each(examples, question)


def _one_label_each(examples: Examples, question: Question) -> Targets:
    targets = np.array(label_positions(examples, question), np.intp)
    counts = np.bincount(targets, minlength=len(question.labels))
    if np.count_nonzero(counts) < 2:
        label = question.labels[int(counts.argmax())]
        raise TrainingFailed(
            f"learning takes examples of at least two labels, and all {len(examples)} examples are '{label}'"
        )
    return targets


def _several_labels_each(examples: Examples, question: Question) -> Targets:
    _some(examples)
    position = {label: i for i, label in enumerate(question.labels)}
    targets = np.zeros((len(examples), len(position)), np.intp)
    for row, target in enumerate(examples.targets):
        for label in [target] if isinstance(target, str) else target:
            targets[row, _position(position, label)] = 1
    if not (targets.min(axis=0) < targets.max(axis=0)).any():
        raise TrainingFailed(
            f"the labels of all {len(examples)} examples are the same: there is nothing to tell apart"
        )
    return targets


def label_positions(examples: Examples, question: Question) -> list[int]:
    """The position of each example's one label in the question; `TrainingFailed` where it has none there."""
    _some(examples)
    position = {label: i for i, label in enumerate(question.labels)}
    found = []
    for target in examples.targets:
        if not isinstance(target, str):
            raise TrainingFailed(f"an example has the labels {target!r} where one label is asked for")
        found.append(_position(position, target))
    return found


def repeat_rare(targets: Targets, least: int) -> Targets:
    """Rows in which each label present stands at least `least` times: all rows, then those of rare labels again."""
    rows = list(range(len(targets)))
    for target, count in sorted(Counter(targets.tolist()).items()):
        own = np.flatnonzero(targets == target).tolist()
        rows += [own[i % count] for i in range(max(0, least - count))]
    return np.array(rows, np.intp)


def rule_of_succession(applies: int, rows: int) -> float:
    """Probability of a label that applied to so many rows, by Laplace: never quite 0 or 1."""
    return (applies + 1) / (rows + 2)


def _position(position: dict[str, int], label: str) -> int:
    try:
        return position[label]
    except KeyError:
        raise TrainingFailed(f"an example has the label '{label}', which the question does not know") from None


def _some(examples: Examples) -> None:
    if not len(examples):
        raise TrainingFailed("there are no examples to learn from")
