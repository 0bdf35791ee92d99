"""A neural net in ONNX that reads images: what it takes, how images are prepared for it, and what it gives."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from winnow.errors import BundleRefused, ModelFailed
from winnow.models.onnx_graph import open_session
from winnow.models.preprocessing import MOST, Preprocessing, Three
from winnow.models.weights import Doubles

if TYPE_CHECKING:
    from PIL.Image import Image

GRAPH = "model.onnx"
FEATURE = "an ONNX model of images"
FLOATS = "tensor(float)"


@dataclass(frozen=True, slots=True)
class GraphInput:
    """What a graph reads: the input's name, where the colours stand, and the side that it fixes, if it does."""

    name: str
    colours_last: bool
    side: int | None

    @classmethod
    def of(cls, session: Any, path: Path) -> Self:
        """Look at a graph's input; `BundleRefused` says what it is and what it should be."""
        inputs = session.get_inputs()
        if len(inputs) != 1:
            names = ", ".join(f"'{entry.name}'" for entry in inputs) or "none"
            raise BundleRefused(f"{path} has {len(inputs)} inputs ({names}); a model of images has one, the image")
        (entry,) = inputs
        found = f"{path} takes '{entry.name}' as {entry.type} of shape {shown(entry.shape)}"
        if entry.type != FLOATS:
            raise BundleRefused(f"{found}; images are given as {FLOATS}: export it with float32 input")
        if len(entry.shape) != 4 or not _may_be(entry.shape[0], 1):
            raise BundleRefused(f"{found}; one image is (1, 3, height, width) or (1, height, width, 3)")
        colours_last = entry.shape[3] == 3 and entry.shape[1] != 3
        if not colours_last and not _may_be(entry.shape[1], 3):
            raise BundleRefused(f"{found}; images have 3 colours, in the second place of the shape or the last")
        sides = entry.shape[1:3] if colours_last else entry.shape[2:4]
        fixed = {side for side in sides if isinstance(side, int)}
        if len(fixed) > 1 or any(not 1 <= side <= MOST for side in fixed):
            raise BundleRefused(f"{found}; images are cut to a square of at most {MOST} pixels a side")
        return cls(entry.name, colours_last, next(iter(fixed), None))


class ImageGraph:
    """Image → the numbers of the graph's first output. Immutable; may be asked from any thread."""

    def __init__(self, path: Path, session: Any, preprocessing: Preprocessing) -> None:
        """Take an open session into use; `BundleRefused` where it cannot read images prepared in this way."""
        self.path = path
        self.preprocessing = preprocessing
        self._session = session
        self._input = GraphInput.of(session, path)
        if self._input.side not in (None, preprocessing.crop):
            raise BundleRefused(
                f"{path} takes images of {self._input.side} pixels a side, and they would be cut to "
                f"{preprocessing.crop}: leave 'crop' out, or set it to {self._input.side}"
            )
        self._output = session.get_outputs()[0].name

    @classmethod
    def open(cls, path: Path, preprocessing: Preprocessing) -> Self:
        """Open a graph for images that are prepared in this way; `BundleRefused` says what is wrong with it."""
        return cls(path, open_session(path, FEATURE), preprocessing)

    @classmethod
    def suggested(cls, path: Path, resize: int | None, crop: int | None, mean: Three, deviation: Three) -> Self:
        """Open a graph of which not everything is said: a side left out (None) is the graph's own, or 224."""
        session = open_session(path, FEATURE)
        side = GraphInput.of(session, path).side
        try:
            preprocessing = Preprocessing.suggested(resize, crop, side, mean, deviation)
        except ValueError as error:
            raise BundleRefused(f"{path} cannot be used so: {error}") from error
        return cls(path, session, preprocessing)

    def output(self, picture: Image) -> Doubles:
        """What the graph gives for an image, without the axis of the batch. `ModelFailed` where it cannot run."""
        tensor = self.preprocessing.tensor(picture)
        given = np.ascontiguousarray(tensor if self._input.colours_last else tensor.transpose(2, 0, 1))[None]
        try:
            (found,) = self._session.run([self._output], {self._input.name: given})
        except Exception as error:  # its own kinds of error are no part of onnxruntime's interface
            raise ModelFailed(f"{self.path.name} could not read the image: {_first_line(error)}") from error
        if not isinstance(found, np.ndarray) or found.dtype.kind != "f" or found.ndim < 2 or len(found) != 1:
            raise ModelFailed(f"{self.path.name} does not give numbers for one image, but {_described(found)}")
        numbers: Doubles = found[0].astype(np.float64)
        return numbers

    def try_out(self, picture: Image) -> Doubles:
        """Put an image to the graph, so that one that cannot is refused now; `BundleRefused` says why."""
        try:
            found = self.output(picture)
        except ModelFailed as error:
            raise BundleRefused(f"{self.path} cannot be used: {error}") from error
        if not found.size or not np.isfinite(found).all():
            raise BundleRefused(f"{self.path} gives numbers that are none (infinite or NaN) for an ordinary image")
        return found

    def save(self, folder: Path) -> None:
        """Copy the graph, so that a bundle needs nothing but itself. How images are prepared is the caller's."""
        shutil.copyfile(self.path, folder / GRAPH)


def ordinary_picture() -> Image:
    """An image as good as any, to try a graph out with: soft colours that change from corner to corner."""
    from PIL import Image as Pillow

    ramp = np.linspace(0, 255, 64)
    down, across = np.meshgrid(ramp, ramp, indexing="ij")
    return Pillow.fromarray(np.stack([down, across, 255 - down], axis=-1).astype(np.uint8))


def shown(shape: Sequence[Any]) -> str:
    """A shape in a sentence; a length that is free is a name, or '?'."""
    return f"({', '.join(str(length) if length is not None else '?' for length in shape)})"


def _may_be(length: Any, wanted: int) -> bool:
    return length == wanted or not isinstance(length, int)


def _described(found: Any) -> str:
    return f"{found.dtype} of shape {shown(found.shape)}" if isinstance(found, np.ndarray) else type(found).__name__


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:300]
