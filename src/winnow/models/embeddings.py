"""Embeddings: from a text to a vector of fixed length, on which forests and nets can learn.

Two kinds stand in a bundle. A `projection` is one matrix over a text's terms: latent semantic analysis (LSA), the
vectors of words from a file, or a net's first layer. An `encoder` is a transformer in ONNX.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from winnow.models.dense import StoredEmbedding
from winnow.models.encoder import Encoder
from winnow.models.projection import TextProjection
from winnow.models.weights import Doubles


class Embedding(StoredEmbedding, Protocol):
    """Text → vector. Immutable; may be asked from any thread; a text's vector depends on that text alone."""

    def vector(self, text: str) -> Doubles:
        """The vector of one text. Shape (columns,)."""
        ...


KINDS: Mapping[str, type[Embedding]] = MappingProxyType(
    {TextProjection.kind: TextProjection, Encoder.kind: Encoder}
)
"""The embeddings by the names that bundles know them by."""
