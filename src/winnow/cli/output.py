"""What a command says: its result on standard output, everything else on standard error.

With `--json` the result is one JSON document, be it the answer or the problem; its members have the API's names.
Where standard output is not a terminal there are no colours, no lines around tables and no line breaks that depend
on a width.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TextIO

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from winnow.cli.exit_codes import ExitCode
from winnow.domain import Json
from winnow.errors import WinnowError

_UNBOUNDED = 100_000
"""Columns of a line that goes to a file or a program: nothing is wrapped there."""

_LEAST = 10
"""Columns that are left of a cell that is cut short: its first word, mostly."""

Cell = str | Text


@dataclass(frozen=True, slots=True)
class Grid:
    """A table. Columns named in `numbers` are aligned to the right.

    On a narrow terminal columns named in `prose` are wrapped, those in `cut` cut short, and those in `spare` left
    out one by one until the others fit. A name's line break shows on terminals only.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    numbers: Collection[str] = ()
    prose: Collection[str] = ()
    cut: Collection[str] = ()
    spare: Sequence[str] = ()


Block = str | Text | Grid


class Output:
    """Speaks for one command."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.screen = _console(sys.stdout)
        self.notes = _console(sys.stderr)

    def result(self, value: Json, *blocks: Block) -> None:
        """Give the result: `value` to programs, `blocks` to people."""
        if self.as_json:
            sys.stdout.write(f"{json.dumps(value, ensure_ascii=False, indent=2, default=_plain)}\n")
            sys.stdout.flush()
            return
        for block in blocks:
            _print(block, self.screen)

    def note(self, line: Block) -> None:
        """Say something beside the result: what is under way, what to do next."""
        _print(line, self.notes)

    def problem(self, error: BaseException, sentence: str, code: ExitCode) -> None:
        """Say why the command failed, in a sentence or as a problem (RFC 9457, without what is HTTP's)."""
        if self.as_json:
            kind = error.kind() if isinstance(error, WinnowError) else code.name.lower().replace("_", "-")
            details = error.details() if isinstance(error, WinnowError) else {}
            self.result(problem(kind, sentence) | {"exit_code": code} | dict(details))
            return
        for line in sentence.splitlines():
            self.note(Text("error: ", style="bold red").append(clean(line), style="not bold default"))


def problem(kind: str, sentence: str) -> dict[str, Json]:
    """Word a refusal as the API does."""
    title = kind.replace("-", " ").capitalize()
    return {"type": f"urn:winnow:problem:{kind}", "title": title, "detail": sentence}


def styled(text: str, style: str) -> Text:
    """Text in a style that only terminals show."""
    return Text(text, style=style)


def clean(text: str, limit: int | None = None) -> str:
    """Return a text on one line, harmless to a terminal, and at most so long."""
    line = " ".join(text.split())
    line = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in line)
    return line if limit is None or len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def moment(when: datetime | None) -> str:
    """Return a moment as the reader's own clock has it."""
    return "" if when is None else when.astimezone().strftime("%Y-%m-%d %H:%M")


def count(number: int, thing: str) -> str:
    """`1 row`, `2,000 rows`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _console(file: TextIO) -> Console:
    """Write to this stream. Markup and emoji are off: what people write in data is shown as they wrote it."""
    width = None if file.isatty() else _UNBOUNDED
    return Console(file=file, width=width, markup=False, highlight=False, emoji=False, soft_wrap=width is not None)


def _print(block: Block, console: Console) -> None:
    if not isinstance(block, Grid):
        console.print(block)
    elif console.is_terminal:
        console.print(_table(block, console))
    else:
        with console.capture() as captured:
            console.print(_table(block, console))
        lines = captured.get().splitlines()
        console.file.write("".join(f"{line.rstrip()}\n" for line in lines))


def _table(grid: Grid, console: Console) -> Table:
    unbounded = console.options.update(max_width=_UNBOUNDED)
    for spared in range(len(grid.spare) + 1):
        table = _table_without(grid, grid.spare[:spared], terminal=console.is_terminal)
        if Measurement.get(console, unbounded, table).minimum <= console.width:
            break
    return table


def _table_without(grid: Grid, spared: Collection[str], *, terminal: bool) -> Table:
    table = Table(
        box=SIMPLE_HEAD if terminal else None,
        pad_edge=False,
        padding=(0, 1 if terminal else 2, 0, 0),
        header_style="bold",
    )
    shown = [(place, name) for place, name in enumerate(grid.columns) if name not in spared]
    for place, name in shown:
        title = name if terminal else name.replace("\n", " ")
        width = _width([title, *(row[place] for row in grid.rows)])
        table.add_column(
            title,
            justify="right" if name in grid.numbers else "left",
            no_wrap=name not in grid.prose and name not in grid.cut,
            min_width=None if name in grid.prose else min(width, _LEAST) if name in grid.cut else width,
            overflow="fold",
        )
    for row in grid.rows:
        table.add_row(*(_cut(row[place]) if name in grid.cut else row[place] for place, name in shown))
    return table


def _width(cells: Sequence[Cell]) -> int:
    return max(cell_len(line) for cell in cells for line in str(cell).splitlines() or [""])


def _cut(cell: Cell) -> Text:
    """Return a cell that ends in an ellipsis where there is no room for all of it."""
    text = Text(cell) if isinstance(cell, str) else cell.copy()
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _plain(value: Any) -> Json:
    """Word for JSON what `json.dumps` does not know."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)
