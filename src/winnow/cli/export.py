"""`winnow export`: the dataset of a service as a file that `winnow load` reads back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from winnow.cli.command import ServiceName, Session, command
from winnow.cli.output import count
from winnow.cli.whole_file import whole_file
from winnow.errors import InvalidInput


@command
def export(
    session: Session,
    service: ServiceName,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", dir_okay=False, help="Where it goes; else to standard output."
        ),
    ] = None,
    snapshot: Annotated[
        int | None,
        typer.Option("--snapshot", metavar="NUMBER", min=1, help="The dataset up to this one; else all of it."),
    ] = None,
    kind: Annotated[
        Literal["csv", "jsonl"] | None,
        typer.Option("--format", help="csv, or jsonl; else as the name of the output ends, or csv."),
    ] = None,
) -> None:
    """Write the dataset of a service into a file.

    Each input is there once, with the target that counts, as a run learns from it. The columns are those of
    winnow.toml, so `winnow load` reads the file back. Images are written in base64.
    """
    named_jsonl = output is not None and output.suffix.lower() in (".jsonl", ".ndjson")
    chosen: Literal["csv", "jsonl"] = kind or ("jsonl" if named_jsonl else "csv")
    if output is None and session.out.as_json:
        raise InvalidInput(
            "the dataset and the report cannot both go to standard output: name a file with --output"
        )
    with session.workspace() as workspace:
        if output is None:
            workspace.export(service, sys.stdout.buffer, snapshot=snapshot, kind=chosen)
            sys.stdout.flush()
            return
        with whole_file(output) as file:
            rows = workspace.export(service, file, snapshot=snapshot, kind=chosen)
    session.out.result(
        {"rows": rows, "format": chosen, "output": str(output)}, f"{count(rows, 'example')} are in {output}"
    )
