"""From examples' targets to numbers, with a clear sentence where nothing can be learned from them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt

from winnow.domain import Examples
from winnow.errors import TrainingFailed
from winnow.models.base import Question

Indices = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]


def one_label_each(examples: Examples, question: Question) -> Indices:
    """The position of each example's label in the question: shape (examples,).

    `TrainingFailed` where there are not two different labels to tell apart.
    """
    targets = np.array(label_positions(examples, question), np.intp)
    counts = np.bincount(targets, minlength=len(question.labels))
    if np.count_nonzero(counts) < 2:
        label = question.labels[int(counts.argmax())]
        raise TrainingFailed(
            f"learning takes examples of at least two labels, and all {len(examples)} examples are '{label}'"
        )
    return targets


def several_labels_each(examples: Examples, question: Question) -> Flags:
    """Whether each label applies to each example: shape (examples, labels).

    `TrainingFailed` where no label ever tells two examples apart. One label that does not is allowed.
    """
    _some(examples)
    position = {label: i for i, label in enumerate(question.labels)}
    targets = np.zeros((len(examples), len(position)), np.bool_)
    for row, target in enumerate(examples.targets):
        for label in [target] if isinstance(target, str) else target:
            targets[row, _position(position, label)] = True
    if not (targets.any(axis=0) & ~targets.all(axis=0)).any():
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


def repeat_rare(targets: Indices, least: int) -> Indices:
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
