"""Rows of a file that is to be answered: a CSV, JSONL, or a ZIP of images, in bounded memory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal, NamedTuple

from winnow.errors import RowRefused
from winnow.lifecycle.archive import SUFFIX, open_archive
from winnow.lifecycle.encodings import detect, lines
from winnow.lifecycle.tables import format_of, open_table

FileFormat = Literal["csv", "jsonl", "zip"]

NAME_COLUMN = "file"
"""Where the answers of a ZIP say which file they are of."""


class Row(NamedTuple):
    """The cells of a row, for the answer to stand beside, and what is asked: or why it cannot be read."""

    cells: Mapping[str, Any]
    asked: object


@dataclass(frozen=True, slots=True)
class Rows:
    """An open file. `rows` can be gone through once; `FileRefused` where the rest of it cannot be read.

    `columns` are those of a CSV; JSONL has its own in each row.
    """

    format: FileFormat
    columns: Sequence[str]
    separator: str
    rows: Iterator[Row]


def file_format(name: str, *, files: bool) -> FileFormat:
    """The format that a file's name says; a ZIP is one where inputs are files. `FileRefused` for any other."""
    if files and name.lower().endswith(SUFFIX):
        return "zip"
    return format_of(name, also=(SUFFIX,) if files else ())


def open_rows(stream: BinaryIO, kind: FileFormat, column: str, file_bytes: int) -> Rows:
    """Begin to read a seekable stream; `FileRefused` where it is no such file, or lacks the column of the input.

    The files of a ZIP may have so many bytes each.
    """
    if kind == "zip":
        entries = open_archive(stream, file_bytes)
        return Rows(kind, (NAME_COLUMN,), ",", (Row({NAME_COLUMN: entry.name}, entry.content) for entry in entries))
    table = open_table(stream, kind, (column,), whole=True)
    if table.separator is None:
        return Rows(kind, (), ",", _json_rows(stream, column))
    rows = (Row({}, row) if isinstance(row, RowRefused) else Row(row[1], row[1][column]) for row in table.rows)
    return Rows(kind, table.columns, table.separator, rows)


def _json_rows(stream: BinaryIO, column: str) -> Iterator[Row]:
    for number, line in enumerate(lines(stream, detect(stream)), start=1):
        if not line.isspace():
            yield _json_row(number, line, column)


def _json_row(number: int, line: str, column: str) -> Row:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        return Row({}, RowRefused(number, f"the line is not JSON: {error}"))
    if not isinstance(row, dict):
        return Row({}, RowRefused(number, "the line is not an object"))
    if column not in row:
        return Row(row, RowRefused(number, f"the key '{column}' is missing"))
    return Row(row, row[column])
