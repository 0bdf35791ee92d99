"""From an image to the numbers that a neural net was trained to see."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from winnow.errors import BundleRefused

if TYPE_CHECKING:
    from PIL.Image import Image

Tensor = npt.NDArray[np.float32]
Three = tuple[float, float, float]

IMAGENET_MEAN: Three = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION: Three = (0.229, 0.224, 0.225)
CROP = 224
"""What nets of ImageNet see, unless they say otherwise."""

MOST = 4096
"""The largest side, in pixels, that an image is brought to."""


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """Resize until the shorter side has `resize` pixels, cut a square of `crop` out of the middle, standardise.

    `mean` and `deviation` are of red, green and blue, on a scale from 0 to 1.
    """

    resize: int
    crop: int
    mean: Three = IMAGENET_MEAN
    deviation: Three = IMAGENET_DEVIATION

    def __post_init__(self) -> None:
        """`ValueError` says what cannot be."""
        if not all(type(side) is int for side in (self.resize, self.crop)) or not 1 <= self.crop <= MOST:
            raise ValueError(f"images are cut to a square of 1 to {MOST} pixels a side, not {self.crop!r}")
        if not self.crop <= self.resize <= 4 * MOST:
            raise ValueError(f"a square of {self.crop} pixels cannot be cut out of a side of {self.resize}")
        if not all(isfinite(value) for value in (*self.mean, *self.deviation)) or min(self.deviation) <= 0:
            raise ValueError(f"means are numbers and deviations above 0, not {self.mean} and {self.deviation}")

    @classmethod
    def suggested(
        cls, resize: int | None, crop: int | None, side: int | None, mean: Three, deviation: Three
    ) -> Self:
        """Fill in what was left out: the side that a graph fixes, or 224; and a margin around it, as 256 has."""
        crop = crop or side or (CROP if resize is None else min(CROP, resize))
        return cls(resize or round(crop * 256 / CROP), crop, mean, deviation)

    def tensor(self, picture: Image) -> Tensor:
        """The image as (crop, crop, 3).

        Both steps are one: the square that the middle of the resized image would be is resampled from the original.
        An image of one line, however long, takes no more memory than any other.
        """
        from PIL.Image import Resampling

        width, height = picture.size
        side = min(width, height) * self.crop / self.resize
        left, top = (width - side) / 2, (height - side) / 2
        square = picture.resize(
            (self.crop, self.crop), Resampling.BILINEAR, box=(left, top, left + side, top + side)
        )
        pixels: Tensor = np.asarray(square, np.float32) / np.float32(255)
        mean, deviation = (np.array(values, np.float32) for values in (self.mean, self.deviation))
        return (pixels - mean) / deviation

    def to_json(self) -> dict[str, Any]:
        """As bundles and the registry keep it."""
        return {**asdict(self), "mean": list(self.mean), "deviation": list(self.deviation)}

    @classmethod
    def from_json(cls, facts: Any, where: str) -> Self:
        """Read what `to_json` gave; `BundleRefused`, naming the place, for anything else."""
        try:
            return cls(facts["resize"], facts["crop"], _three(facts["mean"]), _three(facts["deviation"]))
        except (KeyError, TypeError, ValueError) as error:
            raise BundleRefused(f"{where} does not say how images are prepared: {error}") from error


def _three(values: Any) -> Three:
    red, green, blue = values
    return float(red), float(green), float(blue)
