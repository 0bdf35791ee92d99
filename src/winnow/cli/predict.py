"""`winnow predict`: answers for one input, for lines on standard input, or for a whole file."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from winnow.cli.answer_view import answer_blocks, answers_grid, for_programs, worded
from winnow.cli.command import ServiceName, Session, command, log_warnings
from winnow.cli.exit_codes import ExitCode
from winnow.cli.inputs import CLIENT, Given, Source, TopK, VersionName, input_of, lines_given, options_of
from winnow.cli.job_view import file_blocks
from winnow.cli.output import Output, count
from winnow.cli.progress import file_progress
from winnow.domain import History, Json, Prediction, Progress, new_id
from winnow.errors import WinnowError

if TYPE_CHECKING:
    from winnow.serving.service import Options
    from winnow.settings import Settings

_Outcome = Prediction | WinnowError
_Taken = TypeVar("_Taken")
_AT_ONCE = 256
"""Inputs that are in memory together, and committed to the history at once."""


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
    given: Given = None,
    file: Source = None,
    output: Target = None,
    history: Kept = None,
    version: VersionName = None,
    top_k: TopK = None,
) -> None:
    """Ask the champion of a service, or another version.

    Answers are kept in the history, as those of `winnow up` are.

    A file is CSV or JSONL, or a ZIP of images for a service of images. Its rows come back with predicted_label, a
    score_... for each label, and error where a row could not be answered.
    """
    if (file is None) != (output is None):
        raise typer.BadParameter("a file that is answered needs both --file and --output", param_hint="--file")
    if given is not None and file is not None:
        raise typer.BadParameter("give an input or --file, not both", param_hint="INPUT")
    options = options_of(version, top_k)
    settings = session.settings(history=history)
    log_warnings(settings)
    if file is not None and output is not None:
        _answer_file(session.out, settings, service, file, output, options)
    elif given is not None:
        _answer_one(session.out, settings, service, given, options)
    elif sys.stdin.isatty():
        raise typer.BadParameter("give an input, --file, or lines on standard input", param_hint="INPUT")
    else:
        _answer_lines(session.out, settings, service, options)


def _answer_one(out: Output, settings: Settings, service: str, given: str, options: Options) -> None:
    (outcome,) = asyncio.run(_ask(settings, service, [given], options, lambda outcome: outcome))
    if isinstance(outcome, WinnowError):
        raise outcome
    kept = f", kept in the history as {outcome.id}" if settings.history is not History.OFF else ""
    row = worded(outcome)
    out.result(row, *answer_blocks(row, f"version {outcome.version}, {outcome.latency_ms:.1f} ms{kept}"))


def _answer_lines(out: Output, settings: Settings, service: str, options: Options) -> None:
    given = lines_given()
    rows = asyncio.run(_ask(settings, service, given, options, worded)) if given else []
    out.result({"predictions": [for_programs(row) for row in rows]}, answers_grid(rows, given))
    failed = sum("error" in row for row in rows)
    if failed:
        out.note(f"{failed:,} of {count(len(given), 'line')} could not be answered")
    if failed == len(given):
        raise typer.Exit(ExitCode.REFUSED)


def _answer_file(out: Output, settings: Settings, service: str, file: Path, output: Path, options: Options) -> None:
    from winnow.cli.scoring import score_file  # noqa: PLC0415
    from winnow.runtime import Runtime  # noqa: PLC0415  (it takes the whole house with it)

    async def score(progress: Progress) -> Json:
        async with Runtime(settings) as runtime:
            return await score_file(runtime, service, file, output, progress, options)

    with file_progress(out, f"answering {file.name}", file.stat().st_size) as progress:
        done = asyncio.run(score(progress))
    out.result({**done, "output": str(output)}, *file_blocks(done, f"they are in {output}"))
    if done["rows"] and done["rows"] == done["failed"]:
        raise typer.Exit(ExitCode.REFUSED)


async def _ask(
    settings: Settings, service: str, given: Sequence[str], options: Options, take: Callable[[_Outcome], _Taken]
) -> list[_Taken]:
    """What is to be taken from each outcome, in order. Some inputs are read, answered and kept, then the next."""
    from winnow.runtime import Runtime  # noqa: PLC0415
    from winnow.serving.service import Caller  # noqa: PLC0415

    taken: list[_Taken] = []
    async with Runtime(settings) as runtime:
        asked = runtime.service(service)
        for begin in range(0, len(given), _AT_ONCE):
            inputs = [input_of(asked.reader, text) for text in given[begin : begin + _AT_ONCE]]
            outcomes = await asked.predict(inputs, Caller(new_id(), CLIENT), options)
            await asked.keep([outcome for outcome in outcomes if isinstance(outcome, Prediction)])
            taken += map(take, outcomes)
    return taken
