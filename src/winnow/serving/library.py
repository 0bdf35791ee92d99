"""The image library of a service: a folder of images that users pick from by name.

A name is one file of the folder, as `names` lists it. Whatever else is asked for is not found: there is no way out
of the folder.
"""

from __future__ import annotations

from pathlib import Path

from winnow.errors import InvalidInput, NotFound, nearest

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".webp")


class Library:
    """The images of one folder. It is looked through anew at each call, so that files may come and go."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> list[str]:
        """The names of all images, sorted."""
        try:
            entries = list(self.folder.iterdir())
        except OSError as error:
            raise NotFound(f"the library {self.folder} cannot be read: {error.strerror}") from error
        return sorted(path.name for path in entries if path.suffix.lower() in SUFFIXES and _is_plain(path))

    def read(self, name: object) -> bytes:
        """The bytes of an image; `NotFound` with the nearest name where there is none of that name."""
        return self.path(name).read_bytes()

    def path(self, name: object) -> Path:
        """Where an image is; `NotFound` with the nearest name where there is none of that name."""
        if not isinstance(name, str):
            raise InvalidInput(f"an image of the library is named by a text, not {name!r}")
        names = self.names()
        if name not in names:
            raise NotFound(f"the library has no image '{name[:60]}'.{nearest(name[:60], names)}")
        return self.folder / name


def _is_plain(path: Path) -> bool:
    """A file of this very folder: a link could lead anywhere."""
    return path.is_file() and not path.is_symlink()
