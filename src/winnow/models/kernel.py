"""A head that compares: how alike a vector is to each of some remembered ones decides."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from winnow.errors import BundleRefused
from winnow.models import files
from winnow.models.links import LINKS
from winnow.models.weights import Doubles

FACTS, ARRAYS = "kernel.json", "kernel.npz"


class Kernel:
    """A radial basis function network: `exp(-|scale x - landmark|²)` for each landmark, and a layer on these.

    `scale` is (columns), `landmarks` (landmarks x columns) and scaled already, `weights` (landmarks x outputs) and
    `offsets` (outputs): one for each label, or one for two labels.
    """

    kind: ClassVar[str] = "kernel"

    def __init__(self, scale: Doubles, landmarks: Doubles, weights: Doubles, offsets: Doubles, link: str) -> None:
        self._scale = scale
        self._landmarks = landmarks
        self._squares = (landmarks * landmarks).sum(axis=1)
        self._weights = weights
        self._offsets = offsets
        self._link_name = link
        self._link = LINKS[link]

    def probabilities(self, vector: Doubles) -> Sequence[float]:
        """One probability for each label."""
        alike = likeness(vector * self._scale, self._landmarks, self._squares)
        return self._link((alike.dot(self._weights) + self._offsets).tolist())

    def save(self, folder: Path) -> None:
        """Write the arrays and the link."""
        files.write_json(folder / FACTS, {"link": self._link_name})
        arrays = {"scale": self._scale, "landmarks": self._landmarks}
        files.write_arrays(folder / ARRAYS, arrays | {"weights": self._weights, "offsets": self._offsets})

    @classmethod
    def load(cls, folder: Path, columns: int, labels: int) -> Self:
        """Read what `save` wrote; `BundleRefused` where it cannot be used."""
        link = str(files.read_object(folder / FACTS).get("link"))
        if link not in LINKS:
            raise BundleRefused(f"{folder / FACTS} names no link of ours: '{link}'")
        outputs = 1 if link == "two-labels" else labels
        shapes = {
            "scale": (columns,),
            "landmarks": (None, columns),
            "weights": (None, outputs),
            "offsets": (outputs,),
        }
        arrays = files.read_arrays(folder / ARRAYS, shapes)
        if len(arrays["landmarks"]) != len(arrays["weights"]):
            raise BundleRefused(f"{folder / ARRAYS} has not as many weights as landmarks")
        return cls(arrays["scale"], arrays["landmarks"], arrays["weights"], arrays["offsets"], link)


def likeness(vector: Doubles, landmarks: Doubles, squares: Doubles) -> Doubles:
    """How alike a scaled vector is to each landmark, from 0 to 1. `squares` are the landmarks' squared lengths."""
    distances = squares + vector.dot(vector) - 2.0 * landmarks.dot(vector)
    alike: Doubles = np.exp(-np.maximum(distances, 0.0))
    return alike
