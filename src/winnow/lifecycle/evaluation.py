"""How good a model is, and how fast: its answers to the test rows against their targets."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from winnow.domain import Classification, Examples, Input, Progress, no_progress
from winnow.errors import WinnowError
from winnow.models.base import Model, Question
from winnow.monitoring.profile import AnswerProfile, profile_answers
from winnow.tasks.base import Task
from winnow.tasks.classification import UNANSWERED

BATCH = 256
FILE_BATCH = 32
"""Inputs that a model is given at once; files are larger."""

TIMED_INPUTS = 200
_WARM_UP = 3


@dataclass(frozen=True, slots=True)
class PredictTime:
    """Milliseconds for one input asked alone, median and 95th percentile; inputs per second in batches."""

    p50_ms: float
    p95_ms: float
    per_second: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a model's answers to the test rows are worth. `size_mb` is of its bundle on disk, in 10^6 bytes.

    `answered` is what the answers looked like, for its profile.
    """

    metrics: Mapping[str, Any]
    interval: Mapping[str, Sequence[float] | None]
    predict: PredictTime
    size_mb: float
    answered: AnswerProfile

    def to_json(self) -> dict[str, Any]:
        """As the report and the registry keep it: the metrics at the top, the other figures under their names."""
        return {
            **self.metrics,
            "interval": dict(self.interval),
            "predict": asdict(self.predict),
            "size_mb": self.size_mb,
        }


def evaluate(
    model: Model,
    test: Examples,
    task: Task,
    question: Question,
    *,
    size_bytes: int,
    progress: Progress = no_progress,
) -> Evaluation:
    """Put the test inputs to the model. A row for which it has an error counts as wrong.

    `question` says which labels are counted: that of the run, also for a champion that learned another set.
    """
    batch = FILE_BATCH if task.reads_files else BATCH
    answers, seconds = _answer_in_batches(model, test.inputs, batch, progress)
    p50, p95 = time_one_at_a_time(model, test.inputs)
    return Evaluation(
        task.metrics(question, test.targets, answers),
        task.intervals(question, test.targets, answers),
        PredictTime(p50, p95, len(answers) / seconds if seconds else 0.0),
        size_bytes / 1e6,
        profile_answers(answers),
    )


def _answer_in_batches(
    model: Model, inputs: Sequence[Input], batch: int, progress: Progress
) -> tuple[list[Classification], float]:
    answers: list[Classification] = []
    seconds = 0.0
    for start in range(0, len(inputs), batch):
        progress("testing", start / len(inputs))
        asked = list(inputs[start : start + batch])  # read from the store now, and not while the model is timed
        began = time.perf_counter()
        outcomes = model.answer(asked)
        seconds += time.perf_counter() - began
        answers += [UNANSWERED if isinstance(outcome, WinnowError) else outcome for outcome in outcomes]
    return answers, seconds


def time_one_at_a_time(model: Model, inputs: Sequence[Input]) -> tuple[float, float]:
    """Median and 95th percentile in milliseconds, after a few that are not counted."""
    timed = [inputs[row] for row in np.linspace(0, len(inputs) - 1, min(len(inputs), TIMED_INPUTS)).astype(int)]
    for text in timed[:_WARM_UP]:
        model.answer([text])
    milliseconds = []
    for text in timed:
        began = time.perf_counter()
        model.answer([text])
        milliseconds.append((time.perf_counter() - began) * 1000)
    p50, p95 = np.percentile(milliseconds, [50, 95])
    return float(p50), float(p95)
