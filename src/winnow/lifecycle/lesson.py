"""What every candidate of a run is given: the examples of one snapshot, checked and split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from winnow import plugins
from winnow.domain import Examples, Input, Target
from winnow.errors import TrainingFailed
from winnow.lifecycle.report import Counts
from winnow.lifecycle.splitting import groups_by_label, key, split
from winnow.models.base import Question
from winnow.project import ServiceConfig
from winnow.store import Database
from winnow.store import examples as stored
from winnow.store.blobs import StoredFiles
from winnow.tasks.base import Task

GOLDEN_INPUTS = 8
_GOLDEN_CHARS = 2_000
_GOLDEN_BYTES = 100_000
_GOLDEN_LOOKED_AT = 100  # files, beside each label's first: to know its size, one is read from the store


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is asked, what to learn from, and what to be tested with."""

    task: Task
    question: Question
    train: Examples
    test: Examples
    left_out: Mapping[str, int]

    @property
    def counts(self) -> Counts:
        """How many examples there are of what, for the report."""
        train, test = _label_counts(self.train), _label_counts(self.test)
        return {
            "examples": len(self.train) + len(self.test),
            "train": len(self.train),
            "test": len(self.test),
            "labels": {label: {"train": train[label], "test": test[label]} for label in self.question.labels},
            "left_out": dict(self.left_out),
        }

    @property
    def golden(self) -> list[Input]:
        """Varied test inputs for a bundle's self-test: the shortest, the longest that is not huge, each label's."""
        most = _GOLDEN_BYTES if self.task.reads_files else _GOLDEN_CHARS
        lengths = {row: len(self.test.inputs[row]) for row in self._looked_at()}
        fitting = [row for row, length in lengths.items() if length <= most]
        by_length = sorted(fitting, key=lengths.__getitem__)
        first_of_label = self._first_of_label(fitting)
        chosen = dict.fromkeys([*by_length[:1], *by_length[-1:], *sorted(first_of_label.values()), *fitting])
        return [self.test.inputs[row] for row in list(chosen)[:GOLDEN_INPUTS]]

    def _looked_at(self) -> Sequence[int]:
        rows = range(len(self.test))
        if not self.task.reads_files:
            return rows
        return sorted({*rows[:_GOLDEN_LOOKED_AT], *self._first_of_label(rows).values()})

    def _first_of_label(self, rows: Sequence[int]) -> Mapping[str, int]:
        return {label: row for row in reversed(rows) for label in _labels(self.test.targets[row])}


def make_task(config: ServiceConfig) -> Task:
    """Make the task that winnow.toml names; `NotFound` for an unknown one."""
    task: Task = plugins.find(plugins.TASKS, config.task)(config)
    return task


def prepare_lesson(database: Database, service: str, config: ServiceConfig, snapshot: int) -> Lesson:
    """Read a snapshot and split it; `TrainingFailed` where there is too little to learn from or to test with."""
    task = make_task(config)
    with database.read() as connection:
        rows = list(stored.dataset(connection, service, snapshot))
    kept, left_out = of_known_labels(rows, config.known_labels)
    examples = Examples([text for text, _ in kept], [target for _, target in kept])
    question = task.question(examples.targets)
    _require_enough(service, examples, question)
    parts = split(examples)
    train, test = (_opened(database, task, examples.take(rows)) for rows in (parts.train, parts.test))
    return Lesson(task, question, train, test, left_out)


def _opened(database: Database, task: Task, examples: Examples) -> Examples:
    """With files in place of their references; each is read when a candidate comes to it."""
    if not task.reads_files:
        return examples
    return Examples(StoredFiles(database, examples.inputs), examples.targets)


def of_known_labels(
    rows: Sequence[tuple[str, Target]], known: Sequence[str] | None
) -> tuple[Sequence[tuple[str, Target]], Mapping[str, int]]:
    """Leave out examples whose labels winnow.toml has dropped since; the dataset itself keeps everything."""
    if known is None:
        return rows, {}
    kept: list[tuple[str, Target]] = []
    left_out: Counter[str] = Counter()
    for text, target in rows:
        unknown = [label for label in _labels(target) if label not in known]
        left_out.update(unknown)
        if not unknown:
            kept.append((text, target))
    return kept, left_out


def _require_enough(service: str, examples: Examples, question: Question) -> None:
    if not len(examples):
        raise TrainingFailed(f"service '{service}' has no examples to learn from: add some first")
    if len(question.labels) < 2 and not question.several:
        raise TrainingFailed(
            f"all {len(examples)} examples of '{service}' have the label '{question.labels[0]}': "
            "there must be at least two labels to tell apart"
        )
    groups = groups_by_label([key(text) for text in examples.inputs], examples.targets)
    if not groups:
        raise TrainingFailed(f"no example of '{service}' has a label: there is nothing to learn")
    few = [(label, len(groups.get(label, ()))) for label in question.labels if len(groups.get(label, ())) < 2]
    if few:
        listed = ", ".join(f"'{label}' has {found or 'none'}" for label, found in few[:5])
        more = f", and {len(few) - 5} others have too few" if len(few) > 5 else ""
        raise TrainingFailed(
            f"each label of '{service}' needs at least 2 different examples, one to learn from and one to be "
            f"tested with, and {listed}{more}: add examples, or take the label out of winnow.toml"
        )


def _labels(target: Target) -> list[str]:
    return [target] if isinstance(target, str) else target


def _label_counts(examples: Examples) -> Counter[str]:
    return Counter(label for target in examples.targets for label in _labels(target))
