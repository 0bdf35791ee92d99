"""`winnow erase`: a person's text is erased wherever it is kept."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from winnow.cli.command import Session, command
from winnow.cli.output import Block, Grid, count
from winnow.errors import Conflict, InvalidInput

if TYPE_CHECKING:
    from winnow.lifecycle.erasure import Erased


@command
def erase(
    session: Session,
    text: Annotated[
        str,
        typer.Argument(metavar="TEXT", help="The text; - reads it from standard input."),
    ],
    contains: Annotated[
        bool,
        typer.Option("--contains", help="Erase whatever has the text in it, in any case; else what is exactly it."),
    ] = False,
    service: Annotated[
        str | None, typer.Option("--service", metavar="SERVICE", help="Only where this service keeps it.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be erased.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase a person's text wherever it is kept.

    That is in examples, kept files, history, feedback, jobs and self-tests of models. What models have learned of
    it stays until the next training. It cannot be undone.
    """
    from winnow.lifecycle.erasure import Asked  # noqa: PLC0415  (it takes the whole store with it)
    from winnow.store.examples import digest  # noqa: PLC0415

    asked = Asked(sys.stdin.read().removesuffix("\n") if text == "-" else text, service, contains)
    with session.workspace() as workspace:
        found = workspace.erase(asked, dry_run=True)
        if dry_run:
            session.out.result(_facts(found, dry_run=True), *_blocks(found, "would be erased"))
            return
        if not yes:
            _ask(session, found, from_input=text == "-")
        subject = f"text {digest(asked.text)}"
        with session.audit(workspace)("erase", service=service, subject=subject, contains=contains):
            erased = workspace.erase(asked)
    session.out.result(_facts(erased, dry_run=False), *_blocks(erased, "erased"))


def _ask(session: Session, found: Erased, *, from_input: bool) -> None:
    """Go on only where a person says so."""
    if from_input or session.out.as_json or not sys.stdin.isatty():
        raise InvalidInput("nobody can be asked whether this is meant: say --yes, or look first with --dry-run")
    for block in _blocks(found, "would be erased"):
        session.out.note(block)
    if not typer.confirm("Erase it for good?", err=True):
        raise Conflict("nothing was erased")


def _facts(erased: Erased, *, dry_run: bool) -> dict[str, object]:
    return {"dry_run": dry_run, **dataclasses.asdict(erased)}


def _blocks(erased: Erased, done: str) -> Iterator[Block]:
    counts = [
        count(erased.examples, "example"),
        count(erased.predictions, "prediction"),
        f"{erased.feedback:,} with feedback",
        count(erased.jobs, "job"),
        f"rows of {count(erased.uploads, 'kept file')}",
        f"self-tests of {count(len(erased.versions), 'version')}",
    ]
    yield Grid([done], [[line] for line in counts])
