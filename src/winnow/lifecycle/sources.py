"""Where a file's examples come from: a table, or for services that read images a folder or a ZIP of them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, cast

from winnow.errors import FileRefused, RowRefused
from winnow.lifecycle.archive import SUFFIX, open_archive
from winnow.lifecycle.pictures import FileRow, archive_rows, count_files, folder_rows, with_files
from winnow.lifecycle.tables import Row, format_of, open_table
from winnow.tasks.base import Task

FOLDER = "folder"
ZIP = "zip"
OF_FILES = (FOLDER, ZIP)
"""Formats of which each row is a file."""


@dataclass(frozen=True, slots=True)
class Source:
    """Open rows, which can be gone through once. `share` says how much of them was read, of 1.

    `stream` is the file itself, as long as the source is open; a folder has none.
    """

    format: str
    rows: Iterator[Row | FileRow]
    share: Callable[[], float]
    encoding: str | None = None
    separator: str | None = None
    stream: BinaryIO | None = None


@contextmanager
def open_source(origin: Path | BinaryIO, name: str, task: Task) -> Iterator[Source]:
    """Open what `name` says by its ending, or a folder; `FileRefused` where the service does not read such a thing.

    Paths in a table are followed where the table is itself a file here, and nowhere else.
    """
    if isinstance(origin, Path) and origin.is_dir():
        yield _folder(origin, task)
        return
    is_archive = task.reads_files and name.lower().endswith(SUFFIX)
    with _seekable(origin) as stream:
        yield _archive(stream, task) if is_archive else _table(stream, name, task, origin)


def _folder(folder: Path, task: Task) -> Source:
    if not task.reads_files:
        raise FileRefused("it is a folder, which is read for images only: give a CSV or JSONL file")
    columns = _two_columns(task)
    total = count_files(folder)
    reading = _Counted(folder_rows(folder, columns, task.file_bytes), total)
    return Source(FOLDER, reading.rows(), reading.share)


def _archive(stream: BinaryIO, task: Task) -> Source:
    columns = _two_columns(task)
    archive = open_archive(stream, task.file_bytes)
    reading = _Counted(archive_rows(archive, columns), len(archive.paths))
    return Source(ZIP, reading.rows(), reading.share, stream=stream)


def _table(stream: BinaryIO, name: str, task: Task, origin: Path | BinaryIO) -> Source:
    kind = format_of(name, also=(SUFFIX,) if task.reads_files else ())
    size = stream.seek(0, os.SEEK_END)
    columns = task.columns()
    table = open_table(stream, kind, columns)
    rows = table.rows
    if task.reads_files and isinstance(origin, Path):
        rows = with_files(rows, columns[0], origin.parent, task.file_bytes)
    return Source(kind, rows, lambda: stream.tell() / size, table.encoding, table.separator, stream)


def _two_columns(task: Task) -> tuple[str, ...]:
    """The columns of the input and of the one label that the name of a folder can be."""
    columns = task.columns()
    if len(columns) != 2:
        raise FileRefused(
            "a folder for each label says one label of each image, and this service has a column for each: load a "
            "CSV or JSONL file of paths"
        )
    return columns


class _Counted:
    """Rows of which it is known how many there will be."""

    def __init__(self, rows: Iterator[FileRow | RowRefused], total: int) -> None:
        self._rows = rows
        self._total = total
        self._read = 0

    def rows(self) -> Iterator[FileRow | RowRefused]:
        for row in self._rows:
            self._read += 1
            yield row

    def share(self) -> float:
        return min(1.0, self._read / self._total) if self._total else 1.0


@contextmanager
def _seekable(origin: Path | BinaryIO) -> Iterator[BinaryIO]:
    """The file, to be read more than once: an encoding is known for sure at its end only."""
    if isinstance(origin, Path):
        try:
            stream = origin.open("rb")
        except OSError as error:
            raise FileRefused(f"the file cannot be read: {error.strerror}") from error
        with stream:
            yield stream
    elif origin.seekable():
        yield origin
    else:
        with TemporaryFile() as copy:
            shutil.copyfileobj(origin, copy)
            yield cast("BinaryIO", copy)
