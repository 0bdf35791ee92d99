"""The image library of a service: a folder of images that users pick from by name.

A name is one file of the folder, as `names` lists it. Whatever else is asked for is not found: there is no way out
of the folder.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path

from winnow.errors import InvalidInput, NotFound, nearest
from winnow.models.picture import Limits
from winnow.serving.thumbnails import make_thumbnail

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".webp")
_SHOWN_NAME = 60


@dataclass(frozen=True, slots=True)
class Stamp:
    """Tells one state of a file from another."""

    changed_ns: int
    size: int


class Library:
    """The images of one folder. It is looked through anew at each call, so that files may come and go."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.folder = folder
        self._limits = limits
        self._decoding = threading.Lock()

    def names(self) -> list[str]:
        """The names of all images, sorted."""
        return sorted(name for name in self._listed() if _is_plain(self.folder / name))

    def read(self, name: object) -> bytes:
        """The bytes of an image; `NotFound` with the nearest name where there is none of that name."""
        path = self._path(name)
        try:
            with open(path, "rb", opener=_without_links) as file:
                content = file.read(self._limits.bytes + 1)
        except OSError as error:
            raise NotFound(f"the image '{name}' of the library cannot be read: {error.strerror}") from error
        if len(content) > self._limits.bytes:
            raise InvalidInput(f"the image '{name}' has more than the {self._limits.bytes:,} bytes that are read")
        return content

    def thumbnail(self, name: object, size: int) -> bytes:
        """A small WebP of an image, as `make_thumbnail` makes it. One is made at a time: each fills memory."""
        content = self.read(name)
        with self._decoding:
            return make_thumbnail(content, size, self._limits)

    def stamp(self, name: object) -> Stamp:
        """Which state of an image this is; `NotFound` as `read`."""
        try:
            found = self._path(name).lstat()
        except OSError as error:
            raise NotFound(f"the image '{name}' of the library cannot be read: {error.strerror}") from error
        return Stamp(found.st_mtime_ns, found.st_size)

    def _path(self, name: object) -> Path:
        if not isinstance(name, str):
            raise InvalidInput(f"an image of the library is named by a text, not {type(name).__name__}")
        if name not in self._listed() or not _is_plain(self.folder / name):
            shown = name[:_SHOWN_NAME]
            raise NotFound(f"the library has no image '{shown}'.{nearest(shown, self.names())}")
        return self.folder / name

    def _listed(self) -> set[str]:
        """The names in the folder that could be those of images."""
        try:
            names = {path.name for path in self.folder.iterdir()}
        except OSError as error:
            raise NotFound(f"the library {self.folder.name} cannot be read: {error.strerror}") from error
        return {name for name in names if _is_name(name)}


def _is_name(name: str) -> bool:
    """An image's name that can be shown: no hidden file, and no bytes that are not UTF-8."""
    if name.startswith(".") or not name.lower().endswith(SUFFIXES):
        return False
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_plain(path: Path) -> bool:
    """A file of this very folder: a link could lead anywhere."""
    return path.is_file() and not path.is_symlink()


def _without_links(path: str, flags: int) -> int:
    """Open a file that has not become a link meanwhile."""
    return os.open(path, flags | os.O_NOFOLLOW)
