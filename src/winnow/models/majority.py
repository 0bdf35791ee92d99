"""The baseline: answers what is most frequent, whatever the input. A model that does not beat it knows nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from winnow.domain import Examples, Input, Outcome, Progress
from winnow.errors import BundleRefused, TrainingFailed
from winnow.models import files
from winnow.models.base import Candidate, Model, Question
from winnow.models.targets import label_positions

FACTS = "majority.json"


class MajorityModel:
    """Gives each input the same answer: how frequent each label was among the examples."""

    family: ClassVar[str] = "majority"

    def __init__(self, question: Question, frequencies: Sequence[float]) -> None:
        self.question = question
        self._frequencies = tuple(frequencies)

    def answer(self, inputs: Sequence[Input]) -> list[Outcome]:
        """One answer for each input: an object of its own, as with every model."""
        return [self.question.answer(self._frequencies) for _ in inputs]

    def save(self, folder: Path) -> None:
        """Write the frequencies."""
        files.write_json(folder / FACTS, {"frequencies": self._frequencies})

    @classmethod
    def load(cls, folder: Path, question: Question) -> Self:
        """Read what `save` wrote; `BundleRefused` where it cannot be used."""
        frequencies = files.read_object(folder / FACTS).get("frequencies")
        if (
            not isinstance(frequencies, list)
            or len(frequencies) != len(question.labels)
            or not all(isinstance(share, int | float) and 0 <= share <= 1 for share in frequencies)
        ):
            raise BundleRefused(f"{folder / FACTS} does not hold a frequency for each label")
        return cls(question, frequencies)


class Majority(Candidate):
    """Learns how frequent each label is."""

    tasks: ClassVar[tuple[str, ...]] = ("text-classification", "image-classification")

    def fit(self, examples: Examples, question: Question, progress: Progress) -> Model:
        """Count the labels."""
        progress("counting", 0.0)
        if not len(examples):
            raise TrainingFailed("there are no examples to learn from")
        if question.several:
            applies = [[label in target for label in question.labels] for target in examples.targets]
            frequencies = np.mean(applies, axis=0)
        else:
            positions = label_positions(examples, question)
            frequencies = np.bincount(positions, minlength=len(question.labels)) / len(examples)
        progress("counting", 1.0)
        return MajorityModel(question, frequencies.tolist())
