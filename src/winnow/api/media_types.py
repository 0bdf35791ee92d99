"""What an image file is, by its first bytes. What it is called, by its name or its sender, says nothing."""

from __future__ import annotations

IMAGE_STARTS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF", b"GIF8", b"BM")
"""How files of the formats that are read begin. No JSON text begins like any of them."""

IMAGE_TYPES = ("image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp")


def media_type_of(content: bytes) -> str:
    """The media type of an image; `application/octet-stream`, which no browser shows, for anything else."""
    if content.startswith(b"RIFF") and content[8:12] != b"WEBP":
        return "application/octet-stream"
    found = (kind for start, kind in zip(IMAGE_STARTS, IMAGE_TYPES, strict=True) if content.startswith(start))
    return next(found, "application/octet-stream")
