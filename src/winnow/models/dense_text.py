"""The model of dense text: an embedding makes a vector of a text, a head makes probabilities of the vector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Self

from winnow.domain import Outcome
from winnow.errors import BundleRefused
from winnow.models import files
from winnow.models.base import Question
from winnow.models.embeddings import KINDS, Embedding
from winnow.models.forest import Forest
from winnow.models.heads import Head
from winnow.models.net import Net

FACTS = "dense.json"

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
        embedding, head = self._embedding, self._head
        facts = {"embedding": embedding.kind, "columns": embedding.columns, "head": head.kind}
        files.write_json(folder / FACTS, facts)
        embedding.save(folder)
        head.save(folder)

    @classmethod
    def load(cls, folder: Path, question: Question) -> Self:
        """Read what `save` wrote; `BundleRefused` where it cannot be used."""
        facts = files.read_object(folder / FACTS)
        try:
            embedding, head, columns = KINDS[facts["embedding"]], HEADS[facts["head"]], int(facts["columns"])
        except (KeyError, TypeError, ValueError) as error:
            raise BundleRefused(f"{folder / FACTS} is not what was saved: {error!r}") from error
        return cls(question, embedding.load(folder, columns), head.load(folder, columns, len(question.labels)))
