"""The model of encoded text: one linear layer on an encoder's vectors, alone or beside the text's terms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

from winnow.domain import Outcome
from winnow.errors import BundleRefused
from winnow.models import files
from winnow.models.base import Question
from winnow.models.encoder import Encoder
from winnow.models.links import LINKS
from winnow.models.projection import TextProjection
from winnow.models.weights import Doubles

FACTS, LAYER = "encoded.json", "layer.npz"


class EncoderText:
    """Answers by `encoder.vector(text) @ weights + offsets`, to which a projection of the terms may add its own.

    `weights` is (encoder's columns x columns); there is one column for each label, or one for two labels.
    """

    family: ClassVar[str] = "encoder-text"

    def __init__(
        self,
        question: Question,
        encoder: Encoder,
        weights: Doubles,
        offsets: Doubles,
        link: str,
        beside: TextProjection | None = None,
    ) -> None:
        self.question = question
        self._encoder = encoder
        self._weights = weights
        self._offsets = offsets
        self._link_name = link
        self._link = LINKS[link]
        self._beside = beside

    def answer(self, inputs: Sequence[str]) -> list[Outcome]:
        """One answer for each text, one after the other: together, sums might round otherwise."""
        return [self.question.answer(self._link(self._scores(text).tolist())) for text in inputs]

    def _scores(self, text: str) -> Doubles:
        scores: Doubles = self._encoder.vector(text).dot(self._weights) + self._offsets
        return scores if self._beside is None else scores + self._beside.vector(text)

    def save(self, folder: Path) -> None:
        """Write the encoder, the layer and, where there is one, the projection."""
        facts = {"link": self._link_name, "columns": self._encoder.columns, "beside": self._beside is not None}
        files.write_json(folder / FACTS, facts)
        files.write_arrays(folder / LAYER, {"weights": self._weights, "offsets": self._offsets})
        self._encoder.save(folder)
        if self._beside is not None:
            self._beside.save(folder)

    @classmethod
    def load(cls, folder: Path, question: Question) -> Self:
        """Read what `save` wrote; `BundleRefused` where it cannot be used."""
        facts = files.read_object(folder / FACTS)
        link, dimensions = str(facts.get("link")), facts.get("columns")
        if link not in LINKS or type(dimensions) is not int:
            raise BundleRefused(f"{folder / FACTS} is not what was saved: {facts}")
        columns = 1 if link == "two-labels" else len(question.labels)
        layer = files.read_arrays(folder / LAYER, {"weights": (dimensions, columns), "offsets": (columns,)})
        beside = TextProjection.load(folder, columns) if facts.get("beside") else None
        return cls(question, Encoder.load(folder, dimensions), layer["weights"], layer["offsets"], link, beside)
