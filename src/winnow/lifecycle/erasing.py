"""What somebody asks to have erased, and where it is found: in texts, in cells of tables, in lines of JSON.

asked = Asked("Jane Doe", contains=True)
asked.found_in("I, JANE DOE, was not amused.")
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO
from zipfile import BadZipFile, ZipFile

from winnow.errors import FileRefused, InvalidInput, RowRefused
from winnow.lifecycle.delimited import SEPARATORS, Cells, records
from winnow.lifecycle.encodings import Encoding, detect, lines
from winnow.tasks.labels import refuse_lone_surrogates

LEAST_PART = 3
"""Characters that a part of a text must have: fewer would be found nearly everywhere."""

Range = tuple[int, int]
"""Where something begins and ends in a file, in bytes."""

_ENDS = "\r\n"
_ZIP = b"PK"
_REFERENCE = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Asked:
    """A person's text, which is to be erased: where it is all of an input, or where it is part of one.

    As a part it is found whatever its case, and however its accents are composed. `service` None means all.
    """

    text: str = field(repr=False)
    service: str | None = None
    contains: bool = False

    def __post_init__(self) -> None:
        refuse_lone_surrogates(self.text)
        if not self.text.strip() or "\0" in self.text:
            raise InvalidInput("the text to erase is blank, or has a NUL character: nothing like it is ever kept")
        if self.contains and len(self.text) < LEAST_PART:
            raise InvalidInput(
                f"a part of a text that is to be erased should have at least {LEAST_PART} characters: fewer are "
                "found nearly everywhere"
            )

    @property
    def exact(self) -> str | None:
        """The text, where only inputs that equal it are meant."""
        return None if self.contains else self.text

    def found_in(self, value: object) -> bool:
        """Whether this value is meant: a text, and not the reference of an image."""
        if not isinstance(value, str) or _REFERENCE.fullmatch(value):
            return False
        return self.within(value) if self.contains else value == self.text

    def within(self, value: str) -> bool:
        """Whether the text is part of this one."""
        return _folded(self.text) in _folded(value)


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def strings(value: Any) -> Iterator[str]:
    """Every text in a JSON value, the names of its members too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, entry in value.items():
            yield name
            yield from strings(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from strings(entry)


class TableSearch:
    """Finds what was asked for in a file of rows, of which one row is in memory.

    Of a text that is a whole input only the `column` of inputs is looked at, where the file has one: it may well be
    somebody else's label.
    """

    def __init__(self, asked: Asked, column: str | None) -> None:
        self._asked = asked
        self._column = column

    def places(self, stream: BinaryIO, name: str) -> list[Range] | None:
        """The lines of rows that hold it, without their ends; None where it cannot be taken out of the file."""
        stream.seek(0)
        if stream.read(len(_ZIP)) == _ZIP:
            return self._in_archive(stream)
        encoding = detect(stream)
        if name.lower().endswith((".jsonl", ".ndjson")):
            return self._in_json(_Lines(stream, encoding))
        return self._in_csv(stream, encoding)

    def unit(self, stream: BinaryIO) -> bytes:
        """A blank, as the file writes it."""
        return " ".encode(detect(stream).name)

    def _in_archive(self, stream: BinaryIO) -> list[Range] | None:
        """Images hold no text that could be found; their names do."""
        stream.seek(0)
        try:
            with ZipFile(stream) as archive:
                names = [part for name in archive.namelist() for part in name.split("/")]
        except (BadZipFile, ValueError, OSError, RuntimeError):
            return None
        return None if any(map(self._asked.found_in, names)) else []

    def _in_json(self, counted: _Lines) -> list[Range]:
        found: list[Range] = []
        for line in counted:
            if self._line_has_it(line):
                found += counted.taken
            counted.forget()
        return found

    def _line_has_it(self, line: str) -> bool:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            return self._asked.within(line)
        if self._asked.exact is not None and isinstance(row, dict) and self._column in row:
            return self._asked.found_in(row[self._column])
        return any(map(self._asked.found_in, strings(row)))

    def _in_csv(self, stream: BinaryIO, encoding: Encoding) -> list[Range]:
        """Nobody has written down what separated the cells: whatever finds the column did, or else any may have."""
        headers = {separator: _header(_Lines(stream, encoding), separator) for separator in SEPARATORS}
        likely = [separator for separator, header in headers.items() if self._column in header]
        found: set[Range] = set()
        for separator in likely or SEPARATORS:
            header = headers[separator]
            place = header.index(self._column) if self._column in header and not self._asked.contains else None
            found.update(self._in_records(_Lines(stream, encoding), separator, place))
        return sorted(found)

    def _in_records(self, counted: _Lines, separator: str, place: int | None) -> Iterator[Range]:
        for _, cells in _readable(records(counted, separator)):
            if self._record_has_it(cells, place, counted.text):
                yield from counted.taken
            counted.forget()
        if counted.text and self._asked.within(counted.text):  # behind a quote that is never closed
            yield from counted.taken

    def _record_has_it(self, cells: list[str] | RowRefused, place: int | None, raw: str) -> bool:
        if isinstance(cells, RowRefused) or (place is not None and place >= len(cells)):
            return self._asked.within(raw)
        return any(map(self._asked.found_in, cells if place is None else [cells[place]]))


class _Lines:
    """The lines of a file; it knows where those begin and end that were read since it was told to forget."""

    def __init__(self, stream: BinaryIO, encoding: Encoding) -> None:
        self._lines = lines(stream, encoding)
        self._encoding = encoding.name
        self._errors = "surrogateescape" if encoding.name == "utf-8" else "surrogatepass"
        self._at = encoding.start
        self._read: list[str] = []
        self.taken: list[Range] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        size = len(line.encode(self._encoding, self._errors))
        held = len(line.rstrip(_ENDS).encode(self._encoding, self._errors))
        self.taken.append((self._at, self._at + held))
        self._at += size
        self._read.append(line)
        return line

    @property
    def text(self) -> str:
        """What was read since."""
        return "".join(self._read)

    def forget(self) -> None:
        """Go on from here."""
        self._read = []
        self.taken = []


def _readable(found: Iterable[Cells]) -> Iterator[Cells]:
    """The records up to where the file cannot be read on with this separator."""
    try:
        yield from found
    except FileRefused:
        return


def _header(counted: _Lines, separator: str) -> list[str]:
    for _, cells in _readable(records(counted, separator)):
        if isinstance(cells, RowRefused):
            return []
        if any(cell.strip() for cell in cells):
            return [cell.strip() for cell in cells]
    return []
