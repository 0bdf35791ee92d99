"""A pair on disk: an embedding, which makes a vector of an input, and a head, which makes probabilities of that."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Protocol, Self, TypeVar

from winnow.errors import BundleRefused
from winnow.models import files
from winnow.models.heads import Head

FACTS = "dense.json"


class StoredEmbedding(Protocol):
    """What an embedding of whatever inputs can do with a bundle."""

    kind: ClassVar[str]

    @property
    def columns(self) -> int:
        """Length of the vectors."""
        ...

    def save(self, folder: Path) -> None:
        """Write data files into this folder."""
        ...

    @classmethod
    def load(cls, folder: Path, columns: int) -> Self:
        """Read what `save` wrote; `BundleRefused` where it cannot be used or gives vectors of another length."""
        ...


_Embedding = TypeVar("_Embedding", bound=StoredEmbedding)


def save_pair(folder: Path, embedding: StoredEmbedding, head: Head) -> None:
    """Write both, and which they are."""
    facts = {"embedding": embedding.kind, "columns": embedding.columns, "head": head.kind}
    files.write_json(folder / FACTS, facts)
    embedding.save(folder)
    head.save(folder)


def load_pair(
    folder: Path, embeddings: Mapping[str, type[_Embedding]], heads: Mapping[str, type[Head]], labels: int
) -> tuple[_Embedding, Head]:
    """Read what `save_pair` wrote; `BundleRefused` where it cannot be used. Only these kinds are known."""
    facts = files.read_object(folder / FACTS)
    try:
        embedding, head, columns = embeddings[facts["embedding"]], heads[facts["head"]], int(facts["columns"])
    except (KeyError, TypeError, ValueError) as error:
        raise BundleRefused(f"{folder / FACTS} is not what was saved: {error!r}") from error
    return embedding.load(folder, columns), head.load(folder, columns, labels)
