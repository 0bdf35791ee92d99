"""`winnow predict`: answers for one text, for lines on standard input, or for a whole file."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from winnow.cli.command import ServiceName, Session, command, log_warnings
from winnow.cli.exit_codes import ExitCode
from winnow.cli.history import answered, sureness
from winnow.cli.output import Cell, Grid, Output, clean, count, problem, styled
from winnow.cli.progress import file_progress
from winnow.domain import History, Json, Prediction, Progress
from winnow.errors import WinnowError

if TYPE_CHECKING:
    from winnow.settings import Settings

_Outcome = Prediction | WinnowError


Text = Annotated[
    str | None, typer.Argument(metavar="TEXT", help="A text; without one, each line of standard input is one.")
]
Source = Annotated[
    Path | None,
    typer.Option("--file", "-f", metavar="FILE", exists=True, dir_okay=False, help="Answer each row of this file."),
]
Target = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", dir_okay=False, help="Where the rows go, with their answers."),
]
Kept = Annotated[
    History | None, typer.Option("--history", help="What is kept: durable, relaxed, or off for nothing.")
]


@command
def predict(
    session: Session,
    service: ServiceName,
    text: Text = None,
    file: Source = None,
    output: Target = None,
    history: Kept = None,
) -> None:
    """Ask the champion of a service.

    Answers are kept in the history, as those of `winnow up` are.

    A file is CSV or JSONL. Its rows come back with predicted_label, a score_... for each label, and error where a
    row could not be answered.
    """
    if (file is None) != (output is None):
        raise typer.BadParameter("a file that is answered needs both --file and --output", param_hint="--file")
    if text is not None and file is not None:
        raise typer.BadParameter("give a text or --file, not both", param_hint="TEXT")
    settings = session.settings(history=history)
    log_warnings(settings)
    if file is not None and output is not None:
        _answer_file(session.out, settings, service, file, output)
    elif text is not None:
        _answer_text(session.out, settings, service, text)
    elif sys.stdin.isatty():
        raise typer.BadParameter("give a text, --file, or lines on standard input", param_hint="TEXT")
    else:
        _answer_lines(session.out, settings, service)


def _answer_text(out: Output, settings: Settings, service: str, text: str) -> None:
    (outcome,) = asyncio.run(_ask(settings, service, [text]))
    if isinstance(outcome, WinnowError):
        raise outcome
    ranked = sorted(outcome.answer["scores"].items(), key=lambda entry: -entry[1])
    kept = f", kept in the history as {outcome.id}" if settings.history is not History.OFF else ""
    out.result(
        _json(outcome),
        styled(answered(outcome.answer), "bold green"),
        Grid(["label", "score"], [[label, f"{score:.3f}"] for label, score in ranked], numbers=["score"]),
        styled(f"version {outcome.version}, {outcome.latency_ms:.1f} ms{kept}", "dim"),
    )


def _answer_lines(out: Output, settings: Settings, service: str) -> None:
    texts = [line.rstrip("\r\n") for line in sys.stdin]
    outcomes = asyncio.run(_ask(settings, service, texts)) if texts else []
    rows = [_row(text, outcome) for text, outcome in zip(texts, outcomes, strict=True)]
    out.result(
        {"predictions": [_json(outcome) for outcome in outcomes]},
        Grid(["answer", "score", "input"], rows, numbers=["score"], cut=["input"]),
    )
    failed = sum(isinstance(outcome, WinnowError) for outcome in outcomes)
    if failed:
        out.note(f"{failed:,} of {count(len(texts), 'line')} could not be answered")
    if failed == len(texts):
        raise typer.Exit(ExitCode.REFUSED)


def _answer_file(out: Output, settings: Settings, service: str, file: Path, output: Path) -> None:
    from winnow.cli.scoring import score_file  # noqa: PLC0415
    from winnow.runtime import Runtime  # noqa: PLC0415  (it takes the whole house with it)

    async def score(progress: Progress) -> Json:
        async with Runtime(settings) as runtime:
            return await score_file(runtime, service, file, output, progress)

    with file_progress(out, f"answering {file.name}", file.stat().st_size) as progress:
        done = asyncio.run(score(progress))
    lines = [styled(f"{count(done['rows'], 'row')} answered: they are in {output}", "bold")]
    if done["failed"]:
        lines = [
            styled(f"{count(done['rows'] - done['failed'], 'row')} answered: they are in {output}", "bold"),
            styled(f"{count(done['failed'], 'row')} could not be answered: see the column error", "yellow"),
        ]
    out.result({**done, "output": str(output)}, *lines)
    if done["rows"] and done["rows"] == done["failed"]:
        raise typer.Exit(ExitCode.REFUSED)


async def _ask(settings: Settings, service: str, texts: Sequence[str]) -> list[_Outcome]:
    from winnow.cli.scoring import Scorer  # noqa: PLC0415
    from winnow.runtime import Runtime  # noqa: PLC0415

    async with Runtime(settings) as runtime:
        return [outcome async for outcome in Scorer(runtime.service(service)).answer_all(texts)]


def _row(text: str, outcome: _Outcome) -> list[Cell]:
    if isinstance(outcome, WinnowError):
        return [styled("error", "red"), "", f"{clean(text, 60)} ({outcome})"]
    return [answered(outcome.answer), f"{sureness(outcome.answer):.3f}", clean(text)]


def _json(outcome: _Outcome) -> Json:
    """Word an outcome as the API does."""
    if isinstance(outcome, WinnowError):
        return {"error": problem(outcome.kind(), str(outcome))}
    return {"id": outcome.id, **outcome.answer, "version": outcome.version}
