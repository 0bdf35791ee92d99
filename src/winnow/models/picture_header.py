"""The pixels that a GIF or WebP file says it has, without opening it.

Of the other formats Pillow reads the header and stops. For these two it sets memory aside as it opens a file, as
much as the header asks for, and so the header has to be read before.
"""

from __future__ import annotations

_EXTENSION, _FRAME, _END = 0x21, 0x2C, 0x3B
_COMMENT = 0xFE
_LOOP = b"NETSCAPE2.0"


def canvas(content: bytes) -> tuple[int, int] | None:
    """Width and height of what opening the file would fill; None where it is neither GIF nor WebP, or is cut.

    `ValueError` where no header is written like that.
    """
    try:
        if content.startswith((b"GIF87a", b"GIF89a")):
            return _gif_canvas(content)
        if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
            return _webp_canvas(content)
    except IndexError:
        return None  # the decoder will say where it ends
    return None


def _gif_canvas(content: bytes) -> tuple[int, int]:
    """The screen, or more: a first frame that is larger grows it."""
    width, height = _number(content, 6, 2), _number(content, 8, 2)
    flags = content[10]
    place = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    while (kind := content[place]) != _FRAME:
        if kind == _END:
            return width, height
        place = _behind_extension(content, place) if kind == _EXTENSION else place + 1
    right = _number(content, place + 1, 2) + _number(content, place + 5, 2)
    bottom = _number(content, place + 3, 2) + _number(content, place + 7, 2)
    return max(width, right), max(height, bottom)


def _behind_extension(content: bytes, place: int) -> int:
    """The place behind its blocks, each of which has its length before it, and the empty one that ends them.

    Where the end comes too early, readers differ in where they go on: such a file could show us one size and the
    decoder another.
    """
    blocks = []
    label, at = content[place + 1], place + 2
    while length := content[at]:
        blocks.append(content[at + 1 : at + 1 + length])
        at += 1 + length
    if label != _COMMENT and (not blocks or (blocks[0].startswith(_LOOP) and len(blocks) == 1)):
        raise ValueError("an extension has no content")
    return at + 1


def _webp_canvas(content: bytes) -> tuple[int, int] | None:
    match content[12:16]:
        case b"VP8X":
            return _number(content, 24, 3) + 1, _number(content, 27, 3) + 1
        case b"VP8L":
            bits = _number(content, 21, 4)
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            return _number(content, 26, 2) & 0x3FFF, _number(content, 28, 2) & 0x3FFF
    return None


def _number(content: bytes, place: int, size: int) -> int:
    """So many bytes, the lowest first; `IndexError` behind the end."""
    return sum(content[place + i] << 8 * i for i in range(size))
