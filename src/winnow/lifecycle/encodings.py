"""From a file's bytes to its lines of text, whatever it was encoded in, in bounded memory.

    encoding = detect(stream)
    for line in lines(stream, encoding): ...

A file that is read this way never fails for a bad byte: the byte arrives as a lone surrogate, and whoever reads
the row refuses that row.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from typing import BinaryIO

from winnow.errors import FileRefused

MAX_ROW = 16 * 1024 * 1024
"""Characters that one row may have, its line ends included. More is no table, or a quote that nobody closed."""

_BLOCK = 256 * 1024
_HEAD = 4096
_NON_ASCII = bytes(range(0x80, 0x100))
_NOT_IN_CP1252 = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
_LINE_END = re.compile("[\r\n]")
_ESCAPED = re.compile("[\udc80-\udcff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a file's bytes are read. `start` is the length of its byte order mark."""

    name: str
    start: int = 0
    damaged: bool = False
    """Whether some bytes may not be what the encoding allows, so that rows have to be looked at for them."""


def detect(stream: BinaryIO) -> Encoding:
    """Find out how a seekable stream is encoded: one pass at most, one block in memory.

    A byte order mark decides, or the NUL bytes of UTF-16. Else it is UTF-8, unless the bytes that UTF-8 does not
    allow outnumber the characters beyond ASCII that it does: then it is cp1252 (or Latin-1, where cp1252 leaves a
    byte undefined). So a UTF-8 file keeps its encoding when a row of it is damaged, and a cp1252 file in which
    two neighbours happen to make a UTF-8 character is not mistaken.
    """
    stream.seek(0)
    head = read_block(stream, _HEAD)
    for bom, name in _BOMS:
        if head.startswith(bom):
            if name == "utf-8":
                return Encoding(name, len(bom), _survey(stream, len(bom)).escaped > 0)
            return Encoding(name, len(bom), damaged=True)
    utf16 = _utf16_without_bom(head)
    if utf16 is not None:
        return Encoding(utf16, damaged=True)
    found = _survey(stream, 0)
    if found.escaped <= found.beyond_ascii:
        return Encoding("utf-8", damaged=found.escaped > 0)
    return Encoding("latin-1" if found.outside_cp1252 else "cp1252")


def lines(stream: BinaryIO, encoding: Encoding) -> Iterator[str]:
    """The physical lines with their ends, which are CR, LF or CRLF and nothing else that Unicode calls one.

    `FileRefused` where a line is longer than `MAX_ROW`.
    """
    number = 1
    begun: list[str] = []  # the line that no block has ended yet
    for text in _texts(stream, encoding):
        begun.append(text)
        if not _LINE_END.search(text):
            if sum(map(len, begun)) > MAX_ROW:
                raise row_too_long(number)
            continue
        found = StringIO("".join(begun), newline="").readlines()
        # The last one may go on in the next block, and a CR there may be the first half of a CRLF.
        begun = [] if found[-1].endswith("\n") else [found.pop()]
        number += len(found)
        yield from found
    yield from StringIO("".join(begun), newline="")


def row_too_long(line: int) -> FileRefused:
    """The refusal of a file in which a row does not end."""
    return FileRefused(
        f"line {line}: a row begins here that has more than {MAX_ROW:,} characters: is this a table of texts, with "
        "every quote closed?"
    )


def damage(text: str, encoding: Encoding) -> str | None:
    """Say what is wrong with a row's text where it holds bytes that its encoding does not allow."""
    found = None if text.isascii() else _SURROGATE.search(text)
    if found is None:
        return None
    byte = ord(found[0]) - 0xDC00
    if encoding.name == "utf-8" and 0x80 <= byte <= 0xFF:
        return f"the byte 0x{byte:02X} is not {encoding.name.upper()}: the row was cut, or is encoded otherwise"
    return f"the bytes are not {encoding.name.upper()}: the row was cut, or is encoded otherwise"


@dataclass(slots=True)
class _Survey:
    """What reading a file as UTF-8 would give: bytes that it does not allow, and characters beyond ASCII."""

    escaped: int = 0
    beyond_ascii: int = 0
    outside_cp1252: bool = False


def _survey(stream: BinaryIO, start: int) -> _Survey:
    found = _Survey()
    stream.seek(start)
    rest = b""
    while block := read_block(stream, _BLOCK):
        if not rest and block.isascii():
            continue
        data = rest + block
        text, used = _decode_utf8(data)
        rest = data[used:]
        _count(found, data[:used], text)
    if rest:
        _count(found, rest, rest.decode("utf-8", "surrogateescape"))
    return found


def _decode_utf8(data: bytes) -> tuple[str, int]:
    """Decode all but a character that the end cuts; returns the text and how many bytes it took."""
    try:
        return codecs.utf_8_decode(data, "strict", False)  # noqa: FBT003  (positional only)
    except UnicodeDecodeError:
        return codecs.utf_8_decode(data, "surrogateescape", False)  # noqa: FBT003


def _count(found: _Survey, data: bytes, text: str) -> None:
    ascii_bytes = len(data.translate(None, _NON_ASCII))
    escaped = len(text) - len(_ESCAPED.sub("", text))
    found.escaped += escaped
    found.beyond_ascii += len(text) - ascii_bytes - escaped
    found.outside_cp1252 = found.outside_cp1252 or _NOT_IN_CP1252.search(data) is not None


def _utf16_without_bom(head: bytes) -> str | None:
    """Text in a Latin script is half NUL bytes in UTF-16; which half says the order of bytes."""
    low, high = head[0::2], head[1::2]
    if len(high) < 2:
        return None
    low_nuls, high_nuls = low.count(0) / len(low), high.count(0) / len(high)
    if high_nuls > 0.4 and low_nuls < high_nuls / 4:
        return "utf-16-le"
    if low_nuls > 0.4 and high_nuls < low_nuls / 4:
        return "utf-16-be"
    return None


def _texts(stream: BinaryIO, encoding: Encoding) -> Iterator[str]:
    errors = "surrogateescape" if encoding.name == "utf-8" else "surrogatepass"
    if encoding.name in ("cp1252", "latin-1"):
        errors = "strict"  # `detect` has seen that every byte has a meaning
    decoder = codecs.getincrementaldecoder(encoding.name)(errors)
    stream.seek(encoding.start)
    while block := read_block(stream, _BLOCK):
        yield decoder.decode(block)
    cut, _ = decoder.getstate()
    if cut:  # the file ends within a character
        yield "\udcff" if encoding.name != "utf-8" else cut.decode("utf-8", "surrogateescape")


def read_block(stream: BinaryIO, size: int) -> bytes:
    """The next bytes of a file; `FileRefused` where the disk does not give them."""
    try:
        return stream.read(size)
    except OSError as error:
        raise FileRefused(f"the file cannot be read: {error.strerror or error}") from error


def printable(text: str, most: int) -> str:
    """A hostile file's text as a message can show it: one line, which any terminal, store and client can hold."""
    short = text if len(text) <= most else f"{text[: most - 3]}..."
    if short.isprintable():
        return short
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in short)
