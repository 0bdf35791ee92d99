"""Reads image files: hostile ones are refused before they are decoded, all others come out upright and in RGB.

    picture = open_picture(content, Limits())

JPEG, PNG, WebP, GIF and BMP are read, whatever the file is called. The camera's orientation (EXIF) is applied;
grey, palettes and CMYK become RGB; what is transparent is laid on white; of an animation the first frame counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Self

from winnow.errors import InvalidInput
from winnow.models.picture_header import canvas

if TYPE_CHECKING:
    from PIL.Image import Image

    from winnow.project import Serving

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
_WHITE = (255, 255, 255)
_ORIENTATION = 0x0112  # the tag of EXIF


@dataclass(frozen=True, slots=True)
class Limits:
    """What an image file may be at most: its bytes, and the pixels that decoding it would fill memory with."""

    bytes: int = 10_000_000
    pixels: int = 50_000_000

    @classmethod
    def of(cls, serving: Serving) -> Self:
        """The limits of a service, as winnow.toml has them."""
        return cls(int(serving.max_image_mb * 1_000_000), serving.max_pixels)


def check_picture(content: bytes, limits: Limits) -> None:
    """Look at a file's size and header only; `InvalidInput` says why it cannot be an image that is read here."""
    _opened(content, limits).close()


def check_decodes(content: bytes, limits: Limits) -> None:
    """Decode a file to its end and keep nothing of it; `InvalidInput` where `open_picture` would raise it.

    A JPEG is decoded at an eighth of its size, which reads all of the file in a fraction of the time.
    """
    with _opened(content, limits) as picture, _decoding(picture):
        picture.draft(None, (1, 1))
        picture.load()


def open_picture(content: bytes, limits: Limits) -> Image:
    """Decode an image: upright, RGB. `InvalidInput` where it is none, is damaged, or is too large."""
    picture = _opened(content, limits)
    with _decoding(picture):
        picture.load()
        return _in_rgb(_upright(picture))


@contextmanager
def _decoding(picture: Image) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001  (a damaged file may break a decoder in any way)
        raise InvalidInput(f"the {picture.format} image is damaged: {_first_line(error)}") from None


def _opened(content: bytes, limits: Limits) -> Image:
    """Open without decoding. The service's limit of pixels is never above Pillow's own."""
    from PIL import Image as Pillow
    from PIL import UnidentifiedImageError

    if not content:
        raise InvalidInput("the image is empty: it has no bytes")
    if len(content) > limits.bytes:
        raise InvalidInput(f"the image has {len(content):,} bytes; at most {limits.bytes:,} are read")
    try:
        _check_pixels(canvas(content), limits)
        picture = Pillow.open(BytesIO(content), formats=FORMATS)
    except InvalidInput:
        raise
    except UnidentifiedImageError:
        raise InvalidInput(f"the file is no image that is read here: {', '.join(FORMATS)}") from None
    except Pillow.DecompressionBombError:
        raise InvalidInput(f"the image has far more than the {limits.pixels:,} pixels that are read") from None
    except Exception as error:  # noqa: BLE001  (a damaged header may break a parser in any way)
        raise InvalidInput(f"the image's header is damaged: {_first_line(error)}") from None
    _check_pixels(picture.size, limits)
    return picture


def _check_pixels(size: tuple[int, int] | None, limits: Limits) -> None:
    if size is not None and size[0] * size[1] > limits.pixels:
        raise InvalidInput(
            f"the image has {size[0]:,} × {size[1]:,} pixels, which is more than the {limits.pixels:,} that are "
            "read"
        )


def _upright(picture: Image) -> Image:
    """As the camera was held. Metadata that nobody can read say nothing, nor does a direction that is none."""
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    try:
        turn = turns.get(picture.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001  (hostile metadata may break a parser in any way)
        return picture
    return picture if turn is None else picture.transpose(turn)


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
