"""Toy models with which the parts of the hot path are tested.

A toy is a real `Model`: it only learns nothing, notes the batches that it is given, and can be slow, stopped or
broken on request. Its answer to a text follows from the text alone, and different texts have different answers.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import ClassVar, Self

from winnow.domain import Classification, Outcome, Prediction, new_id, now
from winnow.models.base import Question
from winnow.monitoring.metrics import Metrics
from winnow.serving.batcher import Batcher, Loaded

QUESTION = Question(("negative", "positive"))
BREAKING = "break "
"""A text that begins so makes the toy raise, whatever stands beside it."""

ON_THE_SPOT, IN_A_THREAD = 0.0, 1.0
"""Seconds for a character, as the loader would have measured them, that lead a batch one way or the other."""


class ToyModel:
    """Answers from a hash of the text, `seconds` later for each row, and while `gate` is set."""

    family: ClassVar[str] = "toy"
    question = QUESTION

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.batches: list[list[str]] = []
        self.started = threading.Semaphore(0)
        self.gate = threading.Event()
        self.gate.set()

    @property
    def seen(self) -> list[str]:
        """Every text that ever reached it, in order."""
        return [text for batch in self.batches for text in batch]

    def answer(self, inputs: Sequence[str]) -> list[Outcome]:
        self.batches.append(list(inputs))
        self.started.release()
        assert self.gate.wait(20), "the test never opened the gate"
        if self.seconds:
            time.sleep(self.seconds * len(inputs))
        broken = [text for text in inputs if text.startswith(BREAKING)]
        if broken:
            raise ValueError(f"the toy cannot read {len(broken)} of these")
        return [answer_to(text) for text in inputs]

    def save(self, folder: Path) -> None:
        """Toys have no files."""

    @classmethod
    def load(cls, folder: Path, question: Question) -> Self:
        raise NotImplementedError


def answer_to(text: str) -> Classification:
    """What the toy answers."""
    digest = int.from_bytes(blake2b(text.encode(), digest_size=6).digest(), "big")
    positive = digest / 2**48
    return QUESTION.answer((1.0 - positive, positive))


def make_batcher(model: ToyModel, *, seconds_per_char: float = ON_THE_SPOT, max_batch: int = 64) -> Batcher:
    """A batcher in front of the toy, which is version 1."""
    loaded = Loaded(model, 1, seconds_per_char)
    return Batcher(lambda: loaded, max_batch, Metrics().of_batches("toys"))


def make_prediction(text: str = "fine") -> Prediction:
    """An answered input, as the journal is given it."""
    return Prediction(
        id=new_id(),
        service="toys",
        version=1,
        input=text,
        answer=answer_to(text),
        latency_ms=0.1,
        request_id="request",
        client="test",
        created_at=now(),
    )
