"""Candidates for tests, registered as an outsider's package registers its own. Each misbehaves in one way."""

# ruff: noqa: ARG002  (who refuses to learn has no use for what it is given)
from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Self

from winnow.domain import Examples, Outcome, Progress
from winnow.errors import InvalidInput, MissingExtra, TrainingFailed
from winnow.models.base import Candidate, Model, Question


class WordsModel:
    """Counts the words that each label had. It refuses inputs with the word `poison`."""

    family: ClassVar[str] = "toy-words"

    def __init__(self, question: Question, counts: Mapping[str, Mapping[str, int]], *, inverted: bool) -> None:
        self.question = question
        self._counts = counts
        self._inverted = inverted

    def answer(self, inputs: Sequence[str]) -> list[Outcome]:
        return [self._answer(text) for text in inputs]

    def _answer(self, text: str) -> Outcome:
        words = text.lower().split()
        if "poison" in words:
            return InvalidInput("there is poison in it")
        votes: list[float] = [
            1 + sum(self._counts[label].get(word, 0) for word in words) for label in self.question.labels
        ]
        if self._inverted:
            votes = [1 / vote for vote in votes]
        return self.question.answer([vote / sum(votes) for vote in votes])

    def save(self, folder: Path) -> None:
        (folder / "words.json").write_text(json.dumps({"counts": self._counts, "inverted": self._inverted}))

    @classmethod
    def load(cls, folder: Path, question: Question) -> Self:
        content = json.loads((folder / "words.json").read_text())
        return cls(question, content["counts"], inverted=content["inverted"])


class Words(Candidate):
    """Learns at once. `inverted` makes it as wrong as it would be right."""

    inverted: bool = False

    def fit(self, examples: Examples, question: Question, progress: Progress) -> Model:
        progress("counting words", 0.0)
        counts: dict[str, Counter[str]] = {label: Counter() for label in question.labels}
        for text, target in zip(examples.inputs, examples.targets, strict=True):
            for label in [target] if isinstance(target, str) else target:
                counts[label].update(text.lower().split())
        progress("counting words", 1.0)
        return WordsModel(question, counts, inverted=self.inverted)


class Slow(Words):
    """Takes its time, and says how far it is."""

    seconds: float = 60.0

    def fit(self, examples: Examples, question: Question, progress: Progress) -> Model:
        began = time.monotonic()
        while time.monotonic() - began < self.seconds:
            progress("dawdling", (time.monotonic() - began) / self.seconds)
            time.sleep(0.01)
        return super().fit(examples, question, progress)


class Deaf(Words):
    """Takes its time and listens to nobody, as compiled code does."""

    seconds: float = 60.0

    def fit(self, examples: Examples, question: Question, progress: Progress) -> Model:
        progress("dawdling", 0.5)
        time.sleep(self.seconds)
        return super().fit(examples, question, progress)


class Dying(Words):
    """Takes its process with it, as a crash in compiled code or the kernel's memory killer does."""

    def fit(self, examples: Examples, question: Question, progress: Progress) -> Model:
        os.kill(os.getpid(), signal.SIGKILL)
        return super().fit(examples, question, progress)


class Refusing(Words):
    """Says that it cannot learn from these examples."""

    def fit(self, examples: Examples, question: Question, progress: Progress) -> Model:
        raise TrainingFailed("these examples are too dull")


class Broken(Words):
    """Has a bug."""

    def fit(self, examples: Examples, question: Question, progress: Progress) -> Model:
        raise ZeroDivisionError("division by zero")


class Needy(Words):
    """Needs a package that is not there."""

    def fit(self, examples: Examples, question: Question, progress: Progress) -> Model:
        raise MissingExtra("toy-needy", "toys")


class UnheardOfModel(WordsModel):
    """A model that no package registers."""

    family: ClassVar[str] = "toy-unheard-of"


class Unregistered(Words):
    """Learns well, but what it writes down nobody can read."""

    def fit(self, examples: Examples, question: Question, progress: Progress) -> Model:
        return UnheardOfModel(question, {label: {} for label in question.labels}, inverted=False)
