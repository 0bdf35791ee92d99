"""The model of dense text: an embedding makes a vector of a text, a head makes probabilities of the vector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Self

from winnow.domain import Outcome
from winnow.models.base import Question
from winnow.models.dense import load_pair, save_pair
from winnow.models.embeddings import KINDS, Embedding
from winnow.models.forest import Forest
from winnow.models.heads import Head
from winnow.models.net import Net

HEADS: Mapping[str, type[Head]] = MappingProxyType({Forest.kind: Forest, Net.kind: Net})


class DenseText:
    """Answers by an embedding and a head."""

    family: ClassVar[str] = "dense-text"

    def __init__(self, question: Question, embedding: Embedding, head: Head) -> None:
        self.question = question
        self._embedding = embedding
        self._head = head

    def answer(self, inputs: Sequence[str]) -> list[Outcome]:
        """One answer for each text, one after the other: together, sums might round otherwise."""
        vector, probabilities, word = self._embedding.vector, self._head.probabilities, self.question.answer
        return [word(probabilities(vector(text))) for text in inputs]

    def save(self, folder: Path) -> None:
        """Write the embedding, the head and which they are."""
        save_pair(folder, self._embedding, self._head)

    @classmethod
    def load(cls, folder: Path, question: Question) -> Self:
        """Read what `save` wrote; `BundleRefused` where it cannot be used."""
        return cls(question, *load_pair(folder, KINDS, HEADS, len(question.labels)))
