"""What is asked on the command line: texts, or the paths of images, and how they are to be answered."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from winnow.domain import Input
from winnow.errors import InvalidInput

if TYPE_CHECKING:
    from winnow.serving.reader import Reader
    from winnow.serving.service import Options

CLIENT = "command line"
"""Who asks, for the history."""

Given = Annotated[
    str | None,
    typer.Argument(
        metavar="INPUT",
        help="A text, or the path of an image; without one, each line of standard input is one.",
    ),
]
Source = Annotated[
    Path | None,
    typer.Option("--file", "-f", metavar="FILE", exists=True, dir_okay=False, help="Answer each row of this file."),
]
VersionName = Annotated[
    str | None,
    typer.Option(
        "--version",
        metavar="VERSION",
        help="Ask this version instead of the champion: its number, or a candidate's name for its newest.",
    ),
]
TopK = Annotated[
    int | None,
    typer.Option("--top-k", metavar="COUNT", min=1, help="Show only so many of the most probable labels."),
]


def options_of(version: str | None, top_k: int | None) -> Options:
    """How to answer, as the API reads it: digits are a version's number."""
    from winnow.api.inputs import from_text, read_options  # noqa: PLC0415  (--help does not need them)

    return read_options(from_text(version), top_k)


def lines_given() -> list[str]:
    """The lines of standard input."""
    return [line.rstrip("\r\n") for line in sys.stdin]


def read_given(reader: Reader, given: str) -> Input:
    """A text as it is, or the bytes of the file that it names; `InvalidInput` where that cannot be read."""
    if not reader.files:
        return given
    try:
        return Path(given).read_bytes()
    except (OSError, ValueError) as error:
        reason = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
        raise InvalidInput(f"the image '{given[:200]}' cannot be read: {reason.lower()}") from None


def input_of(reader: Reader, given: str) -> Input | InvalidInput:
    """An input as its service reads it, or what is wrong with it."""
    try:
        return reader.read(read_given(reader, given))
    except InvalidInput as error:
        return error
