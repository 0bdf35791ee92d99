"""Small pictures of images, for pages that list many of them."""

from __future__ import annotations

from io import BytesIO

from winnow.models.picture import Limits, open_picture

MIN_SIZE, MAX_SIZE = 16, 512
MEDIA_TYPE = "image/webp"


def make_thumbnail(content: bytes, size: int, limits: Limits) -> bytes:
    """A WebP file of at most `size` × `size` pixels, upright, in the image's own proportions and never enlarged.

    `InvalidInput` where the image cannot be decoded.
    """
    picture = open_picture(content, limits)
    picture.thumbnail((size, size))
    made = BytesIO()
    picture.save(made, "WEBP", quality=85, method=2)
    return made.getvalue()
