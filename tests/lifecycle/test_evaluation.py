"""Evaluation: refused rows count as wrong, figures are complete and plausible."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

import pytest

from winnow.domain import Examples, Outcome
from winnow.errors import Cancelled, InvalidInput
from winnow.lifecycle.evaluation import BATCH, evaluate
from winnow.models.base import Question
from winnow.project import ServiceConfig
from winnow.tasks.text_classification import TextClassification

QUESTION = Question(("long", "short"))
TASK = TextClassification(ServiceConfig(task="text-classification"))


class ByLength:
    """Right by construction, save for what it refuses."""

    family: ClassVar[str] = "by-length"

    def __init__(self) -> None:
        self.question = QUESTION
        self.largest_batch = 0

    def answer(self, inputs: Sequence[str]) -> list[Outcome]:
        self.largest_batch = max(self.largest_batch, len(inputs))
        return [self._answer(text) for text in inputs]

    def _answer(self, text: str) -> Outcome:
        if not text:
            return InvalidInput("there is nothing")
        return QUESTION.answer([0.9, 0.1] if len(text) > 3 else [0.2, 0.8])

    def save(self, folder: Path) -> None: ...

    @classmethod
    def load(cls, folder: Path, question: Question) -> Self:  # noqa: ARG003
        return cls()


def rows(count: int) -> Examples:
    texts = ["x" * (number % 7 + 1) for number in range(count)]
    return Examples(texts, ["long" if len(text) > 3 else "short" for text in texts])


def test_a_right_model_is_right() -> None:
    model = ByLength()
    found = evaluate(model, rows(700), TASK, QUESTION, size_bytes=2_500_000)
    assert found.metrics["accuracy"] == 1.0
    assert found.interval == {"accuracy": [1.0, 1.0], "f1_macro": [1.0, 1.0]}
    assert found.size_mb == 2.5
    assert 0 < found.predict.p50_ms <= found.predict.p95_ms
    assert found.predict.per_second > 0
    assert model.largest_batch == BATCH


def test_a_row_that_the_model_refuses_counts_as_wrong() -> None:
    test = Examples(["long text", "", "s", "t"], ["long", "long", "short", "short"])
    found = evaluate(ByLength(), test, TASK, QUESTION, size_bytes=1)
    assert found.metrics["accuracy"] == 0.75
    assert found.metrics["unanswered"] == 1
    assert found.metrics["labels"]["long"]["recall"] == 0.5


def test_it_is_ready_for_json_with_the_metrics_at_the_top() -> None:
    content = evaluate(ByLength(), rows(20), TASK, QUESTION, size_bytes=1000).to_json()
    json.dumps(content, allow_nan=False)
    assert content["accuracy"] == 1.0
    assert set(content["predict"]) == {"p50_ms", "p95_ms", "per_second"}
    assert {"interval", "size_mb"} <= set(content)


def test_it_can_be_stopped() -> None:
    told: list[float] = []

    def stop(_stage: str, done: float) -> None:
        told.append(done)
        if len(told) == 2:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        evaluate(ByLength(), rows(3 * BATCH), TASK, QUESTION, size_bytes=1, progress=stop)
    assert told == [0.0, pytest.approx(1 / 3)]
