"""Embeddings: from a text to a vector of fixed length, on which forests and nets can learn.

Two kinds stand in a bundle. A `projection` is one matrix over a text's terms: latent semantic analysis (LSA), the
vectors of words from a file, or a net's first layer. An `encoder` is a transformer in ONNX.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Protocol, Self

from winnow.models.encoder import Encoder
from winnow.models.projection import TextProjection
from winnow.models.weights import Doubles


class Embedding(Protocol):
    """Text → vector. Immutable; may be asked from any thread; a text's vector depends on that text alone."""

    kind: ClassVar[str]

    @property
    def columns(self) -> int:
        """Length of the vectors."""
        ...

    def vector(self, text: str) -> Doubles:
        """The vector of one text. Shape (columns,)."""
        ...

    def save(self, folder: Path) -> None:
        """Write data files into this folder."""
        ...

    @classmethod
    def load(cls, folder: Path, columns: int) -> Self:
        """Read what `save` wrote; `BundleRefused` where it cannot be used or gives vectors of another length."""
        ...


KINDS: Mapping[str, type[Embedding]] = MappingProxyType(
    {TextProjection.kind: TextProjection, Encoder.kind: Encoder}
)
"""The embeddings by the names that bundles know them by."""
