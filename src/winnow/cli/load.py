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
from winnow.lifecycle.sources import OF_FILES

_MAX_LINES = 8
"""Line numbers that are shown for one reason; the JSON report lists a thousand."""

_Report = Mapping[str, Any]


@command
def load(
    session: Session,
    service: ServiceName,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            exists=True,
            readable=True,
            help="A CSV or JSONL file; of images also a ZIP, or a folder that has one for each label.",
        ),
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
            name = file.resolve().name
            workspace.config(service)
            audit = session.audit(workspace)
            audited = audit("load", service=service, subject=name, keep_good=keep_good)
            with audited, file_progress(session.out, f"loading {name}", _size(file)) as progress:
                report = workspace.load(
                    service, file, name=name, keep_good=keep_good, progress=progress, account=audit.actor
                )
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
        parts.append(f"{report['duplicates']:,} there already{_where(report)}")
    if report["refused"]:
        parts.append(f"{count(report['refused'], 'row')} refused")
    yield styled(f"{report['file']}: {', '.join(parts)}", "bold")
    if report["labels"]:
        yield "labels: " + ", ".join(f"{label} {rows:,}" for label, rows in report["labels"].items())
    yield from _refusal_blocks(report)


def _size(file: Path) -> int:
    """The bytes of a file, or of all files in a folder."""
    if file.is_file():
        return file.stat().st_size
    return sum(path.lstat().st_size for path in file.rglob("*"))


def _where(report: _Report) -> str:
    """The lines of the duplicates. Of a folder or a ZIP they would only say which file in order."""
    if report["format"] in OF_FILES:
        return ""
    word = "line" if report["duplicates"] == 1 else "lines"
    return f" ({word} {_listed(report['duplicate_lines'])})"


def _refusal_blocks(report: _Report) -> Iterator[Block]:
    if not report["refused"]:
        return
    lines: dict[str, list[object]] = {}
    first: dict[str, str] = {}
    for refusal in report["refusals"]:
        kind = _kind(refusal["reason"], report["reasons"])
        lines.setdefault(kind, []).append(refusal.get("file", refusal["line"]))
        first.setdefault(kind, refusal["reason"])
    rows = [
        [f"{report['reasons'].get(kind, len(found)):,}", _listed(found), first[kind]]
        for kind, found in lines.items()
    ]
    why = "refused because (the first of them)"
    yield ""
    what, where = ("files", "which") if report["format"] in OF_FILES else ("rows", "lines")
    yield Grid([what, where, why], rows, numbers=[what], prose=[where, why])
    yield ""


def _kind(reason: str, kinds: Mapping[str, int]) -> str:
    """Return the kind of reason that this is one of; a kind has … for what differs from row to row."""
    for kind in kinds:
        if re.fullmatch(re.escape(kind).replace("…", ".*"), reason, re.DOTALL):
            return kind
    return "other reasons"


def _listed(lines: Sequence[object]) -> str:
    return ", ".join(str(line) for line in lines[:_MAX_LINES]) + (", …" if len(lines) > _MAX_LINES else "")
