"""The model of images: an embedding makes a vector of an image, a head makes probabilities of the vector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Protocol, Self

from winnow.domain import Classification, Input, Outcome
from winnow.models.backbone import Backbone
from winnow.models.base import Question
from winnow.models.dense import StoredEmbedding, load_pair, save_pair
from winnow.models.forest import Forest
from winnow.models.heads import Head
from winnow.models.image_features import ImageFeatures
from winnow.models.image_rows import answer_each
from winnow.models.kernel import Kernel
from winnow.models.net import Net
from winnow.models.weights import Doubles

if TYPE_CHECKING:
    from PIL.Image import Image


class ImageEmbedding(StoredEmbedding, Protocol):
    """Image → vector. Immutable; may be asked from any thread; an image's vector depends on that image alone."""

    def vector(self, picture: Image) -> Doubles:
        """The vector of one image, upright and in RGB. Shape (columns,)."""
        ...


EMBEDDINGS: Mapping[str, type[ImageEmbedding]] = MappingProxyType(
    {ImageFeatures.kind: ImageFeatures, Backbone.kind: Backbone}
)
HEADS: Mapping[str, type[Head]] = MappingProxyType({Forest.kind: Forest, Kernel.kind: Kernel, Net.kind: Net})


class DenseImage:
    """Answers by an embedding and a head."""

    family: ClassVar[str] = "dense-image"

    def __init__(self, question: Question, embedding: ImageEmbedding, head: Head) -> None:
        self.question = question
        self._embedding = embedding
        self._head = head

    def answer(self, inputs: Sequence[Input]) -> list[Outcome]:
        """One outcome for each file, one after the other: together, sums might round otherwise."""
        return answer_each(inputs, self._answer)

    def _answer(self, picture: Image) -> Classification:
        return self.question.answer(self._head.probabilities(self._embedding.vector(picture)))

    def save(self, folder: Path) -> None:
        """Write the embedding, the head and which they are."""
        save_pair(folder, self._embedding, self._head)

    @classmethod
    def load(cls, folder: Path, question: Question) -> Self:
        """Read what `save` wrote; `BundleRefused` where it cannot be used."""
        return cls(question, *load_pair(folder, EMBEDDINGS, HEADS, len(question.labels)))
