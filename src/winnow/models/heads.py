"""Heads: from a vector to one probability for each label, for a row at a time.

A head is learned by scikit-learn and then asked without it: for one row, checking and converting it would cost
ten times what the answer does.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Protocol, Self

from winnow.models.weights import Doubles


class Head(Protocol):
    """Vector → probabilities. Immutable; may be asked from any thread."""

    kind: ClassVar[str]

    def probabilities(self, vector: Doubles) -> Sequence[float]:
        """One probability for each label of the question, in order."""
        ...

    def save(self, folder: Path) -> None:
        """Write data files into this folder."""
        ...

    @classmethod
    def load(cls, folder: Path, columns: int, labels: int) -> Self:
        """Read what `save` wrote; `BundleRefused` where it does not fit vectors of `columns` or so many labels."""
        ...
