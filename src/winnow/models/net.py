"""A head that is a neural net: a few dense layers, computed for a row at a time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from winnow.errors import BundleRefused
from winnow.models import files
from winnow.models.links import LINKS
from winnow.models.weights import Doubles

FACTS, LAYERS = "net.json", "net.npz"


class Net:
    """Layers of weights (inputs x outputs) and biases (outputs), with ReLU between them and a link at the end.

    With `activated` the vector is itself what a first layer gave, and ReLU is applied to it before anything else:
    so it is where that layer stands in the embedding.
    """

    kind: ClassVar[str] = "net"

    def __init__(self, layers: Sequence[tuple[Doubles, Doubles]], link: str, *, activated: bool) -> None:
        self._layers = list(layers)
        self._link_name = link
        self._link = LINKS[link]
        self._activated = activated

    def probabilities(self, vector: Doubles) -> Sequence[float]:
        """One probability for each label."""
        if self._activated:
            vector = np.maximum(vector, 0.0)
        for weights, biases in self._layers[:-1]:
            vector = np.maximum(vector.dot(weights) + biases, 0.0)
        weights, biases = self._layers[-1]
        return self._link((vector.dot(weights) + biases).tolist())

    def save(self, folder: Path) -> None:
        """Write the layers."""
        files.write_json(folder / FACTS, {"link": self._link_name, "activated": self._activated, **self._shape()})
        arrays = {f"weights_{i}": weights for i, (weights, _) in enumerate(self._layers)}
        files.write_arrays(
            folder / LAYERS, arrays | {f"biases_{i}": biases for i, (_, biases) in enumerate(self._layers)}
        )

    def _shape(self) -> dict[str, list[int]]:
        return {"sizes": [len(self._layers[0][0]), *(len(biases) for _, biases in self._layers)]}

    @classmethod
    def load(cls, folder: Path, columns: int, labels: int) -> Self:
        """Read what `save` wrote; `BundleRefused` where it cannot be used."""
        facts = files.read_object(folder / FACTS)
        sizes, link, activated = facts.get("sizes"), str(facts.get("link")), facts.get("activated")
        if not isinstance(sizes, list) or not all(type(size) is int for size in sizes) or link not in LINKS:
            raise BundleRefused(f"{folder / FACTS} does not describe a net")
        if len(sizes) < 2 or sizes[0] != columns or sizes[-1] != (1 if link == "two-labels" else labels):
            raise BundleRefused(
                f"{folder / FACTS}: a net of {sizes} does not lead from {columns} to {labels} labels"
            )
        shapes: dict[str, tuple[int, ...]] = {f"weights_{i}": pair for i, pair in enumerate(pairwise(sizes))}
        shapes |= {f"biases_{i}": (size,) for i, size in enumerate(sizes[1:])}
        arrays = files.read_arrays(folder / LAYERS, shapes)
        layers = [(arrays[f"weights_{i}"], arrays[f"biases_{i}"]) for i in range(len(sizes) - 1)]
        return cls(layers, link, activated=bool(activated))
