"""Reads image files: hostile ones are refused before they are decoded, all others come out upright and in RGB.

    picture = open_picture(content, Limits())

JPEG, PNG, WebP, GIF and BMP are read. The camera's orientation (EXIF) is applied; grey, palettes and CMYK become
RGB; what is transparent is laid on white; of an animation the first frame counts.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from winnow.errors import InvalidInput

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
_WHITE = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class Limits:
    """What an image file may be at most: its bytes, and the pixels that decoding it would fill memory with."""

    bytes: int = 10_000_000
    pixels: int = 50_000_000


def check_picture(content: bytes, limits: Limits) -> None:
    """Look at a file's size and header only; `InvalidInput` says why it cannot be an image that is read here."""
    _opened(content, limits).close()


def open_picture(content: bytes, limits: Limits) -> Image:
    """Decode an image: upright, RGB. `InvalidInput` where it is none, is damaged, or is too large."""
    from PIL import ImageOps

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd metadata, which does not matter here
        picture = _opened(content, limits)
        try:
            picture.load()
            upright = ImageOps.exif_transpose(picture)
            return _in_rgb(upright)
        except Exception as error:  # noqa: BLE001  (a damaged file may break a decoder in any way)
            raise InvalidInput(f"the {picture.format} image is damaged: {_first_line(error)}") from None


def _opened(content: bytes, limits: Limits) -> Image:
    """Open without decoding. Pillow's own bomb check is replaced by ours, which is the service's."""
    from PIL import Image as Pillow
    from PIL import UnidentifiedImageError

    if not content:
        raise InvalidInput("the image is empty: it has no bytes")
    if len(content) > limits.bytes:
        raise InvalidInput(f"the image has {len(content):,} bytes; at most {limits.bytes:,} are read")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Pillow.DecompressionBombWarning)
            picture = Pillow.open(BytesIO(content), formats=FORMATS)
    except UnidentifiedImageError:
        raise InvalidInput(f"the file is no image that is read here: {', '.join(FORMATS)}") from None
    except Pillow.DecompressionBombError:
        raise InvalidInput(f"the image has far more than the {limits.pixels:,} pixels that are read") from None
    except Exception as error:  # noqa: BLE001  (a damaged header may break a parser in any way)
        raise InvalidInput(f"the image's header is damaged: {_first_line(error)}") from None
    width, height = picture.size
    if width * height > limits.pixels:
        raise InvalidInput(
            f"the image has {width:,} × {height:,} pixels, which is more than the {limits.pixels:,} that are read"
        )
    return picture


def _in_rgb(picture: Image) -> Image:
    from PIL import Image as Pillow

    if picture.mode.startswith("I") or picture.mode == "F":
        return _in_eight_bits(picture)
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        ground = Pillow.new("RGBA", layer.size, (*_WHITE, 255))
        return Pillow.alpha_composite(ground, layer).convert("RGB")
    return picture.convert("RGB")


def _in_eight_bits(picture: Image) -> Image:
    """Sixteen bits of grey, by their high byte: Pillow's own conversion would clip them to white."""
    return picture.convert("I").point(lambda value: value / 256).convert("L").convert("RGB")


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:200] or type(error).__name__
