"""The files in a ZIP, one after the other, in bounded memory, whatever the ZIP says of itself.

    for entry in open_archive(stream, most=10_000_000): ...

What an entry holds is counted as it is read: the sizes in a ZIP are claims. Nothing is ever written to disk under
a name that a ZIP gives.
"""

from __future__ import annotations

import os
import stat
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from winnow.errors import FileRefused, InvalidInput

SUFFIX = ".zip"
MAX_ENTRIES = 100_000
MAX_DIRECTORY = 32_000_000
"""Bytes of a ZIP's table of contents, which is in memory whole."""
MAX_GROWTH = 200
"""How many times its own size a ZIP may unpack to. Images are packed already, and hardly grow."""
ALWAYS_UNPACKED = 100_000_000
"""Bytes that a ZIP may unpack to however small it is."""

_PIECE = 1_000_000
_ENCRYPTED = 0x1
_LEFT_BY_SYSTEMS = frozenset({"__MACOSX", "Thumbs.db", "desktop.ini"})
_DAMAGES = (
    BadZipFile, NotImplementedError, RuntimeError, ValueError, OverflowError, EOFError, OSError, struct.error,
    zlib.error,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in a ZIP: its name there, and its bytes or why it cannot be read."""

    name: str
    content: bytes | InvalidInput


def open_archive(stream: BinaryIO, most: int) -> Archive:
    """The files of a ZIP, in its order, each of `most` bytes at most. What systems put beside them is left out.

    `FileRefused` at once where it is no ZIP or has too many entries, and later where they become too much.
    """
    size = stream.seek(0, os.SEEK_END)
    bounded = _Bounded(stream)
    try:
        archive = ZipFile(bounded)
    except _DAMAGES as error:
        raise FileRefused(f"the file is not a ZIP that can be read: {error}") from error
    bounded.most = None
    found = [info for info in archive.infolist() if _is_of_interest(info)]
    if len(found) > MAX_ENTRIES:
        raise FileRefused(f"the ZIP has {len(found):,} files; at most {MAX_ENTRIES:,} are read: make several of it")
    if not found:
        raise FileRefused("there is no file in the ZIP")
    return Archive(archive, found, most, max(ALWAYS_UNPACKED, MAX_GROWTH * size))


class Archive:
    """An open ZIP. It can be gone through once."""

    def __init__(self, archive: ZipFile, found: Sequence[ZipInfo], most: int, most_together: int) -> None:
        self._archive = archive
        self._found = found
        self._most = most
        self._left = most_together

    @property
    def paths(self) -> list[list[str]]:
        """The folders and name of each entry, in order."""
        return [_parts(info) for info in self._found]

    def __iter__(self) -> Iterator[Entry]:
        for info in self._found:
            yield Entry(info.filename, self._content(info))

    def _content(self, info: ZipInfo) -> bytes | InvalidInput:
        reason = _unreadable(info)
        if reason is not None:
            return InvalidInput(reason)
        content = bytearray()
        try:
            with self._archive.open(info) as file:
                while len(content) <= self._most and (piece := file.read(_PIECE)):
                    content += piece
        except _DAMAGES as error:
            return InvalidInput(f"the file is damaged in the ZIP: {error}")
        finally:
            self._count(len(content))
        if len(content) > self._most:
            return InvalidInput(f"the file has more than {self._most:,} bytes")
        return bytes(content)

    def _count(self, unpacked: int) -> None:
        self._left -= unpacked
        if self._left < 0:
            raise FileRefused(f"the ZIP unpacks to more than {MAX_GROWTH} times its size, as a bomb does")


def is_left_by_system(name: str) -> bool:
    """Whether operating systems put a file or folder of this name beside people's own: nobody means it."""
    return (name.startswith(".") and name not in (".", "..")) or name in _LEFT_BY_SYSTEMS


def _is_of_interest(info: ZipInfo) -> bool:
    parts = _parts(info)
    return bool(parts[-1]) and not any(is_left_by_system(part) for part in parts)


def _parts(info: ZipInfo) -> list[str]:
    """The folders of an entry and its name; the last is empty where it is itself a folder."""
    first, *others = info.filename.replace("\\", "/").removeprefix("./").split("/")
    inner = [part for part in others[:-1] if part not in ("", ".")]
    return [first, *inner, *others[-1:]]


def _unreadable(info: ZipInfo) -> str | None:
    """Why an entry is not read, as far as the table of contents says it."""
    parts = _parts(info)
    if ".." in parts or not parts[0] or ":" in parts[0]:
        return "the name leads out of the ZIP"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "it is a link, and no file"
    if info.flag_bits & _ENCRYPTED:
        return "the file is encrypted in the ZIP"
    if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):  # others let the file say how much memory they need
        return "the file is compressed in a way that is not read: use deflate, as most programs do"
    return None


class _Bounded:
    """A stream that is not read in huge pieces, as a table of contents is: in one read, of the size it says."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.most: int | None = MAX_DIRECTORY

    def read(self, size: int = -1) -> bytes:
        if self.most is not None and size > self.most:
            raise FileRefused(f"the ZIP's table of contents has more than {self.most:,} bytes")
        return self._stream.read(size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
