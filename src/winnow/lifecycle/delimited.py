"""Splits lines into the cells of RFC 4180, with embedded line ends, and says where a quote is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import StringIO

from winnow.errors import FileRefused, RowRefused
from winnow.lifecycle.encodings import MAX_ROW, row_too_long

SEPARATORS = (",", ";", "\t")

Cells = tuple[int, list[str] | RowRefused]
"""The line on which a row begins, counted from 1, with its cells or what is wrong with its quotes."""


def records(lines: Iterable[str], separator: str) -> Iterator[Cells]:
    """The rows of these lines, which come with their ends.

    After a row with a wrong quote, reading goes on at the next line. `FileRefused` where a quote is never closed.
    """
    return iter(_Splitter(lines, separator))


class _Splitter:
    def __init__(self, lines: Iterable[str], separator: str) -> None:
        self._lines = iter(lines)
        self._separator = separator
        self._number = 0
        self._line = ""
        self._size = 0

    def __iter__(self) -> Iterator[Cells]:
        separator = self._separator
        for line in self._lines:
            self._number += 1
            if '"' not in line:
                yield self._number, line.rstrip("\r\n").split(separator)
                continue
            first = self._number
            self._line = line
            self._size = len(line)
            try:
                yield first, self._quoted_row(first)
            except RowRefused as refusal:
                yield first, refusal

    def _quoted_row(self, first: int) -> list[str]:
        """The cells of a row that holds quotes. They open a cell at its very begin, and are text elsewhere."""
        cells: list[str] = []
        at = 0
        while True:
            if self._line.startswith('"', at):
                cell, at = self._quoted_cell(first, at + 1)
                cells.append(cell)
                if not self._line.startswith(self._separator, at):
                    break
            else:
                end = self._line.find(self._separator, at)
                if end < 0:
                    cells.append(self._line[at:].rstrip("\r\n"))
                    return cells
                cells.append(self._line[at:end])
                at = end
            at += 1
        if self._line[at:].rstrip("\r\n"):
            raise self._misplaced_quote(first, len(cells), at)
        return cells

    def _quoted_cell(self, first: int, at: int) -> tuple[str, int]:
        """The text of a cell from behind its opening quote; and the place behind the closing one."""
        end = self._line.find('"', at)
        if end >= 0 and not self._line.startswith('"', end + 1):
            return self._line[at:end], end + 1
        opened = self._number
        text = StringIO(newline="")
        while True:
            if end < 0:
                text.write(self._line[at:])
                self._next_line(first, opened)
                at = 0
            elif self._line.startswith('"', end + 1):
                text.write(self._line[at : end + 1])
                at = end + 2
            else:
                text.write(self._line[at:end])
                return text.getvalue(), end + 1
            end = self._line.find('"', at)

    def _next_line(self, first: int, opened: int) -> None:
        line = next(self._lines, None)
        if line is None:
            raise FileRefused(f'line {opened}: the quote (") that opens here is never closed')
        self._number += 1
        self._line = line
        self._size += len(line)
        if self._size > MAX_ROW:
            raise row_too_long(first)

    def _misplaced_quote(self, first: int, cell: int, at: int) -> RowRefused:
        where = "" if self._number == first else f" on line {self._number}"
        return RowRefused(
            first,
            f"text follows the closing quote of cell {cell}{where} (character {at + 1}): "
            'write a quote within a quoted cell twice ("")',
        )
