"""The model of linear text: TF-IDF of words and characters, one linear layer, one link. The product's hot path.

It answers as scikit-learn's pipeline would, to 1e-12, at a small part of the cost: see `projection.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

from winnow.domain import Outcome
from winnow.errors import BundleRefused
from winnow.models import files
from winnow.models.base import Question
from winnow.models.links import LINKS
from winnow.models.projection import TextProjection

FACTS = "linear.json"


class LinearText:
    """Answers by a projection with one column for each label (one for two labels) and the link that fits it."""

    family: ClassVar[str] = "linear-text"

    def __init__(self, question: Question, projection: TextProjection, link: str) -> None:
        self.question = question
        self._projection = projection
        self._link_name = link
        self._link = LINKS[link]

    def answer(self, inputs: Sequence[str]) -> list[Outcome]:
        """One answer for each text."""
        scores, link, word = self._projection.scores, self._link, self.question.answer
        return [word(link(scores(text))) for text in inputs]

    def save(self, folder: Path) -> None:
        """Write the projection and the name of the link."""
        files.write_json(folder / FACTS, {"link": self._link_name})
        self._projection.save(folder)

    @classmethod
    def load(cls, folder: Path, question: Question) -> Self:
        """Read what `save` wrote; `BundleRefused` where it cannot be used."""
        link = str(files.read_object(folder / FACTS).get("link"))
        if link not in LINKS:
            raise BundleRefused(f"{folder / FACTS} names an unknown link: {link!r}")
        columns = 1 if link == "two-labels" else len(question.labels)
        return cls(question, TextProjection.load(folder, columns), link)
