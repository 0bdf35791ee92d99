"""`winnow load`: examples from a file into a service's dataset."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from winnow.cli.command import ServiceName, Session, command
from winnow.cli.output import Block, Grid, count, styled
from winnow.cli.progress import file_progress
from winnow.errors import FileRefused

_MAX_LINES = 8
"""Line numbers that are shown for one reason; the JSON report lists a thousand."""

_Report = Mapping[str, Any]


@command
def load(
    session: Session,
    service: ServiceName,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", exists=True, dir_okay=False, readable=True, help="A CSV or JSONL file."),
    ],
    keep_good: Annotated[
        bool, typer.Option("--keep-good", help="Keep the good rows of a file that has bad ones.")
    ] = False,
) -> None:
    """Add the examples of a file to a service.

    All of its rows are added, or none where one of them cannot be used. The same example is kept once.
    """
    with session.workspace() as workspace:
        try:
            with file_progress(session.out, f"loading {file.name}", file.stat().st_size) as progress:
                report = workspace.load(service, file, name=file.name, keep_good=keep_good, progress=progress)
        except FileRefused as refusal:
            if refusal.report and not session.out.as_json:
                for block in _refusal_blocks(refusal.report):
                    session.out.note(block)
            raise
        session.out.result(
            report.to_json(),
            *load_blocks(report.to_json()),
            f"{service} has {count(workspace.example_count(service), 'example')} now: `winnow train {service}`",
        )


def load_blocks(report: _Report) -> Iterator[Block]:
    """What became of the rows of a file that was loaded."""
    parts = [count(report["accepted"], "example") + " added"]
    if report["duplicates"]:
        word = "line" if report["duplicates"] == 1 else "lines"
        parts.append(f"{report['duplicates']:,} there already ({word} {_listed(report['duplicate_lines'])})")
    if report["refused"]:
        parts.append(f"{count(report['refused'], 'row')} refused")
    yield styled(f"{report['file']}: {', '.join(parts)}", "bold")
    if report["labels"]:
        yield "labels: " + ", ".join(f"{label} {rows:,}" for label, rows in report["labels"].items())
    yield from _refusal_blocks(report)


def _refusal_blocks(report: _Report) -> Iterator[Block]:
    if not report["refused"]:
        return
    lines: dict[str, list[int]] = {}
    first: dict[str, str] = {}
    for refusal in report["refusals"]:
        kind = _kind(refusal["reason"], report["reasons"])
        lines.setdefault(kind, []).append(refusal["line"])
        first.setdefault(kind, refusal["reason"])
    rows = [
        [f"{report['reasons'].get(kind, len(found)):,}", _listed(found), first[kind]]
        for kind, found in lines.items()
    ]
    why = "refused because (the first of them)"
    yield ""
    yield Grid(["rows", "lines", why], rows, numbers=["rows"], prose=["lines", why])
    yield ""


def _kind(reason: str, kinds: Mapping[str, int]) -> str:
    """Return the kind of reason that this is one of; a kind has … for what differs from row to row."""
    for kind in kinds:
        if re.fullmatch(re.escape(kind).replace("…", ".*"), reason, re.DOTALL):
            return kind
    return "other reasons"


def _listed(lines: Sequence[int]) -> str:
    return ", ".join(str(line) for line in lines[:_MAX_LINES]) + (", …" if len(lines) > _MAX_LINES else "")
