"""Images as rows: from a folder for each label, from a ZIP of such folders, and from a table of paths.

The label of an image is the name of the first folder that it is in. In a ZIP in which all folders are in one
more, as packing a whole folder makes it, it is the second.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from winnow.errors import FileRefused, InvalidInput, RowRefused
from winnow.lifecycle.archive import Archive, is_left_by_system
from winnow.lifecycle.tables import Row


@dataclass(frozen=True, slots=True)
class FileRow:
    """An image with its label, from a file: which one it is, counted from 1, and its name."""

    position: int
    file: str
    cells: Mapping[str, Any]


FileRows = Iterator[FileRow | RowRefused]


def folder_rows(folder: Path, columns: Sequence[str], most_bytes: int) -> FileRows:
    """The images of a folder for each label, sorted by name. `columns` are those of the input and of the label."""
    for position, name in enumerate(_names(folder), start=1):
        try:
            content = read_below(folder, name, most_bytes)
            label = _label(Path(name).parts)
        except InvalidInput as error:
            yield RowRefused(position, str(error), name)
        else:
            yield FileRow(position, name, dict(zip(columns, (content, label), strict=True)))


def archive_rows(archive: Archive, columns: Sequence[str]) -> FileRows:
    """The images of an archive, in its order. `columns` are those of the input and of the label."""
    paths = archive.paths
    above = 1 if len({path[0] for path in paths}) == 1 and all(len(path) > 2 for path in paths) else 0
    for position, (path, entry) in enumerate(zip(paths, archive, strict=True), start=1):
        try:
            if isinstance(entry.content, InvalidInput):
                raise entry.content
            label = _label(path[above:])
        except InvalidInput as error:
            yield RowRefused(position, str(error), entry.name)
        else:
            yield FileRow(position, entry.name, dict(zip(columns, (entry.content, label), strict=True)))


def with_files(rows: Iterable[Row], column: str, folder: Path, most_bytes: int) -> Iterator[Row]:
    """The rows of a table with images in place of their paths, which are relative to `folder`.

    What stands there in base64 is left as it is. A path has an ending, and so a dot, which base64 has not.
    """
    for row in rows:
        if isinstance(row, RowRefused) or not _is_path(row[1][column]):
            yield row
            continue
        line, cells = row
        try:
            yield line, {**cells, column: read_below(folder, cells[column].strip(), most_bytes)}
        except InvalidInput as error:
            yield RowRefused(line, f"'{cells[column][:100]}': {error}")


def count_files(folder: Path) -> int:
    """How many rows a folder has."""
    return sum(1 for _ in _names(folder))


def read_below(folder: Path, name: str, most_bytes: int) -> bytes:
    """The bytes of an ordinary file below a folder; `InvalidInput` where it is none, or too large."""
    try:
        path = (folder / name).resolve(strict=True)
        if not path.is_relative_to(folder.resolve()):
            raise InvalidInput("the file is not below the folder in which the paths begin")
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise InvalidInput("it is no ordinary file")
        if facts.st_size > most_bytes:
            raise InvalidInput(f"the file has {facts.st_size:,} bytes; at most {most_bytes:,} are read")
        return path.read_bytes()
    except FileNotFoundError:
        raise InvalidInput("there is no such file") from None
    except (OSError, ValueError, RuntimeError) as error:  # of a NUL in a name, and of links in a circle
        raise InvalidInput(f"the file cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _names(folder: Path) -> Iterator[str]:
    """The names of all files, and of links to folders, which are not followed; sorted in each folder."""
    for found, folders, files in os.walk(folder, onerror=_refuse):
        folders[:] = sorted(name for name in folders if not is_left_by_system(name))
        links = [name for name in folders if (Path(found) / name).is_symlink()]
        for name in sorted([*links, *(name for name in files if not is_left_by_system(name))]):
            yield (Path(found) / name).relative_to(folder).as_posix()


def _refuse(error: OSError) -> None:
    raise FileRefused(f"the folder cannot be read: {error.strerror}: {error.filename}") from error


def _label(parts: Sequence[str]) -> str:
    if len(parts) < 2:
        raise InvalidInput("it is in no folder: each image should be in a folder that is named after its label")
    return parts[0]


def _is_path(value: object) -> bool:
    return isinstance(value, str) and "." in value and value.lstrip()[:5].lower() != "data:"
