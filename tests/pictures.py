"""Image files for tests, made in memory.

    encoded(plain("RGB", "red"), "JPEG")
    corner()        # told apart from each of its turned and mirrored selves

The hostile ones claim to be larger than anybody's memory, or are what files become on their way.
"""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any

from PIL import Image

Size = tuple[int, int]


def plain(mode: str = "RGB", colour: Any = "red", size: Size = (8, 6)) -> Image.Image:
    return Image.new(mode, size, colour)


def corner() -> Image.Image:
    """White, wider than high, with one black corner: top left."""
    picture = plain("RGB", "white", (48, 32))
    picture.paste((0, 0, 0), (0, 0, 16, 16))
    return picture


def encoded(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def numbered(number: int, size: Size = (8, 8)) -> bytes:
    """A PNG that differs from that of every other number up to 16 million."""
    return encoded(plain("RGB", (number & 255, number >> 8 & 255, number >> 16 & 255), size))


def huge_png(side: int = 30_000) -> bytes:
    """Whole and sound: so many pixels squared, of one bit each, that unpack from a few kilobytes."""
    packer = zlib.compressobj(9)
    line = bytes(1 + side // 8)
    data = b"".join(packer.compress(line) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    )


def huge_gif(screen: Size, frame: Size) -> bytes:
    """Says how large its screen and its first frame are, and that the frame is to be cleared away after."""
    head = b"GIF89a" + struct.pack("<HHBBB", *screen, 0x80, 1, 0) + bytes([1, 2, 3, 9, 9, 9])
    control = b"!\xf9\x04" + bytes([2 << 2 | 1, 0, 0, 1]) + b"\0"
    return head + control + b"," + struct.pack("<HHHHB", 0, 0, *frame, 0) + b"\x02\x02\x4c\x01\0;"


def huge_webp(width: int, height: int) -> bytes:
    """A small picture on a canvas that is said to be large."""
    inner = encoded(plain("RGBA", (1, 2, 3, 4), (2, 2)), "WEBP", lossless=True)[12:]
    canvas = b"\x10\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", len(canvas)) + canvas + inner
    return b"RIFF" + struct.pack("<I", len(body)) + body


def huge_jpeg(width: int = 65_000, height: int = 65_000) -> bytes:
    content = bytearray(encoded(plain(), "JPEG"))
    place = content.index(b"\xff\xc0") + 5
    content[place : place + 4] = struct.pack(">HH", height, width)
    return bytes(content)


def huge_bmp(width: int = 60_000, height: int = 60_000) -> bytes:
    content = bytearray(encoded(plain(), "BMP"))
    content[18:26] = struct.pack("<ii", width, height)
    return bytes(content)
