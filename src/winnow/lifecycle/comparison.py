"""The comparison of two versions: both answer the same held-out rows, and it is told where they differ."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from winnow.domain import Classification, Examples, Input, Target
from winnow.errors import NotReady, WinnowError
from winnow.lifecycle.lesson import prepare_lesson
from winnow.project import ServiceConfig
from winnow.store import Database, examples
from winnow.store.blobs import reference
from winnow.tasks.base import Task
from winnow.tasks.classification import UNANSWERED

MOST_ROWS = 500
MOST_DIFFERENCES = 100
_AT_ONCE = 32
"""Rows that are in memory at the same time: files may be large."""

Ask = Callable[[Sequence[Input]], Awaitable[Sequence[Classification | WinnowError]]]
"""Puts inputs to one of the two versions: one outcome for each, in order."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A held-out row that the versions answer differently. An answer that could not be had has its `error`."""

    input: str
    target: Target
    first: dict[str, Any]
    second: dict[str, Any]


@dataclass(slots=True)
class Comparison:
    """How often each version is right, and alone right, on the same rows; and where they differ."""

    rows: int = 0
    first_right: int = 0
    second_right: int = 0
    only_first_right: int = 0
    only_second_right: int = 0
    differences: list[Difference] = field(default_factory=list)


def held_out(database: Database, service: str, config: ServiceConfig) -> Examples:
    """At most five hundred test rows of the present dataset, spread over all of them.

    No version that was trained here has learned them. `NotReady` without examples, `TrainingFailed` where there are
    too few to hold any out.
    """
    with database.read() as connection:
        snapshot = examples.latest_snapshot(connection, service)
    if snapshot is None:
        raise NotReady(f"service '{service}' has no examples to compare versions on: add some first")
    test = prepare_lesson(database, service, config, snapshot).test
    if len(test) <= MOST_ROWS:
        return test
    return test.take(np.linspace(0, len(test) - 1, MOST_ROWS).astype(int).tolist())


async def compare(task: Task, rows: Examples, first: Ask, second: Ask) -> Comparison:
    """Put the rows to both versions, a few at a time."""
    found = Comparison()
    for start in range(0, len(rows), _AT_ONCE):
        part = await asyncio.to_thread(_read, rows, start)
        outcomes = await first(part.inputs), await second(part.inputs)
        _add(found, task, part, *outcomes)
    return found


def _read(rows: Examples, start: int) -> Examples:
    """Some rows, with files read from the store."""
    return rows.take(range(start, min(start + _AT_ONCE, len(rows))))


def _add(
    found: Comparison,
    task: Task,
    part: Examples,
    first: Sequence[Classification | WinnowError],
    second: Sequence[Classification | WinnowError],
) -> None:
    rights = zip(_right(task, part.targets, first), _right(task, part.targets, second), strict=True)
    rows = zip(part.inputs, part.targets, first, second, rights, strict=True)
    for asked, target, one, other, (one_right, other_right) in rows:
        found.rows += 1
        found.first_right += one_right
        found.second_right += other_right
        found.only_first_right += one_right and not other_right
        found.only_second_right += other_right and not one_right
        if _decision(one) != _decision(other) and len(found.differences) < MOST_DIFFERENCES:
            shown = asked if isinstance(asked, str) else reference(asked)
            found.differences.append(Difference(shown, target, _told(one), _told(other)))


def _right(
    task: Task, targets: Sequence[Target], outcomes: Sequence[Classification | WinnowError]
) -> Sequence[bool]:
    answers = [UNANSWERED if isinstance(outcome, WinnowError) else outcome for outcome in outcomes]
    return task.correct(targets, answers)


def _decision(outcome: Classification | WinnowError) -> object:
    """What an answer says, whatever its scores."""
    if isinstance(outcome, WinnowError):
        return None
    return sorted(outcome["labels"]) if "labels" in outcome else outcome["label"]


def _told(outcome: Classification | WinnowError) -> dict[str, Any]:
    return {"error": str(outcome)} if isinstance(outcome, WinnowError) else dict(outcome)
