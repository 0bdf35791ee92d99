"""A neural net in ONNX as an embedding of images: what its last layer but one has learned to see."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

from winnow.errors import BundleRefused
from winnow.models import files
from winnow.models.image_graph import GRAPH, ImageGraph, ordinary_picture
from winnow.models.preprocessing import Preprocessing
from winnow.models.weights import Doubles

if TYPE_CHECKING:
    from PIL.Image import Image

FACTS, FOLDER = "preprocessing.json", "backbone"


class Backbone:
    """Image → the graph's vector. What it gives for places of the image is averaged over the places.

    An output of (1, columns) is taken as it is, of (1, places, columns) and (1, columns, height, width) the mean.
    """

    kind: ClassVar[str] = "backbone"

    def __init__(self, graph: ImageGraph) -> None:
        """`BundleRefused`, naming the file, where the graph gives no vector."""
        self._graph = graph
        shape = graph.try_out(ordinary_picture()).shape
        if len(shape) not in (1, 2, 3):
            raise BundleRefused(f"{graph.path} gives {len(shape) + 1} axes; a vector for an image has 2, 3 or 4")
        self.columns = shape[1] if len(shape) == 2 else shape[0]

    def vector(self, picture: Image) -> Doubles:
        """The vector of one image. Shape (columns,)."""
        found = self._graph.output(picture)
        if found.ndim == 1:
            return found
        vector: Doubles = found.mean(axis=0 if found.ndim == 2 else (1, 2))
        return vector

    def save(self, folder: Path) -> None:
        """Copy the graph, and write how images are prepared for it."""
        (folder / FOLDER).mkdir()
        self._graph.save(folder / FOLDER)
        files.write_json(folder / FOLDER / FACTS, self._graph.preprocessing.to_json())

    @classmethod
    def load(cls, folder: Path, columns: int) -> Self:
        """Read what `save` wrote; `BundleRefused` where it gives vectors of another length."""
        path = folder / FOLDER / FACTS
        preprocessing = Preprocessing.from_json(files.read_object(path), str(path))
        backbone = cls(ImageGraph.open(folder / FOLDER / GRAPH, preprocessing))
        if backbone.columns != columns:
            raise BundleRefused(f"{folder / FOLDER / GRAPH} gives {backbone.columns} numbers, not {columns}")
        return backbone
