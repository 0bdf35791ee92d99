"""What an image looks like, in numbers that need no neural net: its colours, and which way its edges run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import numpy.typing as npt

from winnow.errors import BundleRefused
from winnow.models import files
from winnow.models.weights import Doubles

if TYPE_CHECKING:
    from PIL.Image import Image

FACTS = "features.json"
MOST_SIDE = 512

_DIRECTIONS = 9  # an edge and its opposite run the same way: 20 degrees each
_SHADES = 4  # of red, of green and of blue: 64 colours
_FAINT = 0.01  # added to a block's squares, so that noise on an even ground is not blown up to edges


@dataclass(frozen=True, slots=True)
class ImageFeatures:
    """Image → vector, by what `size` x `size` pixels of it show. What is not wanted is 0 or ().

    - `thumbnail`: so many squares a side, of each its mean red, green and blue;
    - `edges`: grids of so many cells a side, of each how strongly it changes in which direction, relative to the
      cells around it (histograms of oriented gradients);
    - `colours`: so many squares a side, of each the share of 64 colours, as square roots.

    Each of these divides `size`. The image is squeezed into the square whatever its shape.
    """

    kind: ClassVar[str] = "features"

    size: int
    thumbnail: int = 0
    edges: tuple[int, ...] = ()
    colours: int = 0

    @property
    def parts(self) -> tuple[int, ...]:
        """How many numbers each part of a vector has, in order."""
        thumbnail = (3 * self.thumbnail**2,) if self.thumbnail else ()
        colours = (_SHADES**3 * self.colours**2,) if self.colours else ()
        return *thumbnail, *((cells - 1) ** 2 * 4 * _DIRECTIONS for cells in self.edges), *colours

    @property
    def columns(self) -> int:
        """Length of the vectors."""
        return sum(self.parts)

    def vector(self, picture: Image) -> Doubles:
        """The vector of one image. Shape (columns,)."""
        from PIL.Image import Resampling

        square = np.asarray(picture.resize((self.size, self.size), Resampling.BILINEAR))
        return np.concatenate(list(self._parts_of(square)))

    def _parts_of(self, square: npt.NDArray[np.uint8]) -> Iterator[Doubles]:
        pixels = square / 255.0
        if self.thumbnail:
            yield _tiled(pixels, self.thumbnail).mean(axis=(1, 3)).ravel()
        if self.edges:
            strengths = _edge_strengths(pixels)
            for cells in self.edges:
                yield _blocks(_tiled(strengths, cells).sum(axis=(1, 3)))
        if self.colours:
            yield _colour_shares(square, self.colours)

    def save(self, folder: Path) -> None:
        """Write what they are made of."""
        files.write_json(folder / FACTS, asdict(self))

    @classmethod
    def load(cls, folder: Path, columns: int) -> Self:
        """Read what `save` wrote; `BundleRefused` where it cannot be used or gives vectors of another length."""
        facts = files.read_object(folder / FACTS)
        try:
            features = cls(facts["size"], facts["thumbnail"], tuple(facts["edges"]), facts["colours"])
            grids = [features.thumbnail, *features.edges, features.colours]
            whole = all(type(number) is int and number >= 0 for number in [features.size, *grids])
            fits = (
                whole and 1 <= features.size <= MOST_SIDE and all(n == 0 or features.size % n == 0 for n in grids)
            )
        except (KeyError, TypeError) as error:
            raise BundleRefused(f"{folder / FACTS} is not what was saved: {error!r}") from error
        if not fits or features.columns != columns:
            raise BundleRefused(f"{folder / FACTS} does not describe {columns} features of an image")
        return features


def _tiled(pixels: Doubles, tiles: int) -> Doubles:
    """Cut (size, size, channels) into a grid: shape (tiles, rows, tiles, columns, channels)."""
    side = len(pixels) // tiles
    return pixels.reshape(tiles, side, tiles, side, pixels.shape[-1])


def _edge_strengths(pixels: Doubles) -> Doubles:
    """How strongly each pixel changes in each of the directions. Shape (size, size, directions).

    Of the three colours the one that changes most counts; its strength is shared by the two nearest directions.
    Square roots of the pixels make edges in the dark count as much as those in the light.
    """
    framed = np.pad(np.sqrt(pixels), ((1, 1), (1, 1), (0, 0)), mode="edge")
    across = framed[1:-1, 2:] - framed[1:-1, :-2]
    down = framed[2:, 1:-1] - framed[:-2, 1:-1]
    strength = np.hypot(across, down)
    leading = strength.argmax(axis=-1)[..., None]
    across, down, strength = (np.take_along_axis(each, leading, -1).ravel() for each in (across, down, strength))
    place = (np.arctan2(down, across) % np.pi) / np.pi * _DIRECTIONS
    lower = np.floor(place)
    share = place - lower
    first = lower.astype(np.intp) % _DIRECTIONS
    strengths = np.zeros((len(place), _DIRECTIONS))
    rows = np.arange(len(place))
    strengths[rows, first] = strength * (1.0 - share)
    strengths[rows, (first + 1) % _DIRECTIONS] += strength * share
    return strengths.reshape(*pixels.shape[:2], _DIRECTIONS)


def _blocks(cells: Doubles) -> Doubles:
    """Each two by two neighbouring cells, brought to one length: light and contrast no longer matter."""
    corners = [cells[:-1, :-1], cells[:-1, 1:], cells[1:, :-1], cells[1:, 1:]]
    blocks = np.concatenate(corners, axis=-1)
    blocks /= np.sqrt((blocks * blocks).sum(axis=-1, keepdims=True) + _FAINT)
    return blocks.ravel()


def _colour_shares(square: npt.NDArray[np.uint8], squares: int) -> Doubles:
    """The share of each colour in each of the squares, as square roots."""
    shades = (square.astype(np.intp) * _SHADES) // 256
    colour = (shades[..., 0] * _SHADES + shades[..., 1]) * _SHADES + shades[..., 2]
    side = len(square) // squares
    where = np.arange(len(square)) // side
    place = (where[:, None] * squares + where[None, :]) * _SHADES**3 + colour
    counts = np.bincount(place.ravel(), minlength=_SHADES**3 * squares**2)
    return np.sqrt(counts / (side * side))
