"""Rows of CSV and JSONL files, one after the other, in bounded memory.

    table = open_table(stream, "csv", needed=("text", "label"))
    for row in table.rows: ...

A row is its line with the needed cells, or a `RowRefused`; only what makes the rest of the file unreadable is a
`FileRefused`. CSV is RFC 4180 with `,`, `;` or tab. Python's own `csv` is not used: its limit on cells is one for
the whole process, and it does not say where the quote stands that swallowed the rest of a file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal, NoReturn

from winnow.errors import FileRefused, RowRefused, WinnowError, nearest
from winnow.lifecycle.delimited import SEPARATORS, Cells, records
from winnow.lifecycle.encodings import Encoding, damage, detect, lines, printable, read_block

Format = Literal["csv", "jsonl"]

Row = tuple[int, Mapping[str, Any]] | RowRefused
"""The line on which a row begins, counted from 1, with its needed cells; or why it cannot be read."""

_FORMATS: Mapping[str, Format] = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_ARCHIVES = (b"PK\x03\x04", b"\x1f\x8b", b"\xd0\xcf\x11\xe0")


@dataclass(frozen=True, slots=True)
class Table:
    """An open file of rows. `rows` can be gone through once. `columns` are those that each row of a CSV has."""

    format: Format
    encoding: str
    separator: str | None
    columns: Sequence[str]
    rows: Iterator[Row]


def format_of(name: str, also: Sequence[str] = ()) -> Format:
    """The format that a file's name says; `FileRefused` where it says none that is read.

    `also` are endings that the caller reads beside tables, for the message.
    """
    suffix = name[name.rfind(".") :].lower() if "." in name else ""
    known = _FORMATS.get(suffix)
    if known is None:
        raise FileRefused(
            f"'{printable(name, 200)}' is not a name that ends in {', '.join((*_FORMATS, *also))}: those are read"
        )
    return known


def open_table(stream: BinaryIO, kind: Format, needed: Sequence[str], *, whole: bool = False) -> Table:
    """Begin to read a seekable stream; `FileRefused` where it is no such table, or lacks a needed column.

    Rows have the needed columns only, unless those of a CSV are wanted `whole`.
    """
    stream.seek(0)
    head = read_block(stream, 4)
    if not head:
        raise FileRefused("the file is empty")
    if head in _ARCHIVES or head[:2] in _ARCHIVES:
        raise FileRefused("the file is an archive or a spreadsheet: save it as CSV (UTF-8) and load that")
    encoding = detect(stream)
    if kind == "jsonl":
        return Table(kind, encoding.name, None, (), _json_rows(lines(stream, encoding), encoding, needed))
    separator, header = _sniff(stream, encoding, needed)
    columns = header if whole else needed
    _refuse_repeated(columns, header)
    rows = _csv_rows(records(lines(stream, encoding), separator), encoding, columns)
    return Table(kind, encoding.name, separator, columns, rows)


# CSV


def _sniff(stream: BinaryIO, encoding: Encoding, needed: Sequence[str]) -> tuple[str, list[str]]:
    """The separator that finds the most needed columns in the header, of equals the most; and the header."""
    headers = {separator: _header(stream, encoding, separator) for separator in SEPARATORS}
    best = max(SEPARATORS, key=lambda separator: _fit(headers[separator], needed))
    header = headers[best]
    unreadable = [error for error in headers.values() if isinstance(error, WinnowError)]
    if isinstance(header, WinnowError) or (unreadable and not set(needed).issubset(header)):
        raise FileRefused(f"the header cannot be read: {unreadable[0]}")
    for name in needed:
        if name not in header:
            _refuse_missing(name, header)
    return best, header


def _header(stream: BinaryIO, encoding: Encoding, separator: str) -> list[str] | WinnowError:
    """The names of the columns as this separator divides them, or why it cannot."""
    try:
        _, cells = next(_without_blanks(records(lines(stream, encoding), separator)))
    except FileRefused as error:
        return error
    except StopIteration:
        raise FileRefused("the file is blank: there is no header") from None
    return cells if isinstance(cells, RowRefused) else [cell.strip() for cell in cells]


def _fit(header: list[str] | WinnowError, needed: Sequence[str]) -> tuple[int, int]:
    if isinstance(header, WinnowError):
        return -1, 0
    return sum(name in header for name in needed), len(header)


def _refuse_missing(name: str, header: list[str]) -> NoReturn:
    there = ", ".join(f"'{_short(column)}'" for column in header[:20]) + (", ..." if len(header) > 20 else "")
    raise FileRefused(f"there is no column '{name}'.{_nearest(name, header)} The header has: {there}.")


def _refuse_repeated(columns: Iterable[str], header: list[str]) -> None:
    for name in columns:
        if header.count(name) > 1:
            raise FileRefused(f"the header has the column '{_short(name)}' {header.count(name)} times")


def _csv_rows(found: Iterable[Cells], encoding: Encoding, needed: Sequence[str]) -> Iterator[Row]:
    rows = _without_blanks(found)
    _, header = next(rows)
    names = [name.strip() for name in header] if isinstance(header, list) else []
    places = [(name, names.index(name)) for name in needed]
    for line, cells in rows:
        if isinstance(cells, RowRefused):
            yield cells
        elif len(cells) != len(names):
            yield RowRefused(line, f"the row has {_cells(len(cells))}, the header {len(names)}")
        elif encoding.damaged and (reason := damage("".join(cells), encoding)):
            yield RowRefused(line, reason)
        else:
            yield line, {name: cells[place] for name, place in places}


def _without_blanks(found: Iterable[Cells]) -> Iterator[Cells]:
    """Leave out blank rows before the header and at the end; others are refused, one refusal for each gap."""
    begun = False
    gap: RowRefused | None = None
    for line, cells in found:
        if isinstance(cells, list) and not cells[0].strip() and not "".join(cells).strip():
            gap = gap or (RowRefused(line, "the row is blank, and others follow") if begun else None)
            continue
        if gap is not None:
            yield gap.line, gap
            gap = None
        begun = True
        yield line, cells


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"


# JSONL


def _json_rows(found: Iterable[str], encoding: Encoding, needed: Sequence[str]) -> Iterator[Row]:
    decoder = json.JSONDecoder(object_pairs_hook=_once_each, parse_constant=_no_number)
    gap: RowRefused | None = None
    for line, text in enumerate(found, start=1):
        if text.isspace():
            gap = gap or RowRefused(line, "the line is blank, and others follow")
            continue
        if gap is not None:
            yield gap
            gap = None
        reason = damage(text, encoding) if encoding.damaged else None
        yield RowRefused(line, reason) if reason else _json_row(decoder, line, text, needed)


def _json_row(decoder: json.JSONDecoder, line: int, text: str, needed: Sequence[str]) -> Row:
    try:
        return line, _needed_values(decoder.decode(text), needed)
    except _Unusable as unusable:
        return RowRefused(line, str(unusable))
    except json.JSONDecodeError as error:
        reason = f"{error.msg[:1].lower()}{error.msg[1:]} (character {error.colno})"
        return RowRefused(line, f"the line is not JSON: {reason}")
    except (RecursionError, ValueError):  # of `int`, which reads no more than some thousand digits
        return RowRefused(line, "the line is nested too deeply, or has a number too long, to be read")


class _Unusable(Exception):
    """A line is JSON, and still cannot be used."""


def _needed_values(row: object, needed: Sequence[str]) -> dict[str, Any]:
    if not isinstance(row, dict):
        pattern = ", ".join(f'"{name}": ...' for name in needed[:3])
        raise _Unusable(f"the line is {_kind(row)}, not an object such as {{{pattern}}}")
    for name in needed:
        if name not in row:
            raise _Unusable(f"the key '{name}' is missing.{_nearest(name, row)}")
        if not _flat(row[name]):
            raise _Unusable(f"'{name}' should be a text, a number or a list of them, not nested")
    return {name: row[name] for name in needed}


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, value in pairs:
        if name in row:
            raise _Unusable(f"the key '{_short(name)}' is there twice")
        row[name] = value
    return row


def _no_number(word: str) -> NoReturn:
    raise _Unusable(f"{word} is not a JSON value")


def _flat(value: object) -> bool:
    if isinstance(value, list):
        return not any(isinstance(entry, list | dict) for entry in value)
    return not isinstance(value, dict)


def _kind(value: object) -> str:
    names = {list: "an array", str: "a text", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def _nearest(name: str, there: Iterable[str]) -> str:
    """The closest of the names that are there; a hostile file has too many of them, and too long ones."""
    short = [column for column in there if 0 < len(column) <= 64][:100]
    hint = printable(nearest(name, short), 120)
    return hint if hint.startswith(" Did") else ""


def _short(text: str) -> str:
    return printable(text, 40)
