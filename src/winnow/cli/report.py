"""`winnow report`: what a run found out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from winnow.cli.command import ServiceName, Session, command
from winnow.cli.report_view import report_blocks
from winnow.domain import Status
from winnow.errors import Conflict, TrainingFailed

if TYPE_CHECKING:
    from winnow.workspace import Workspace


@command
def report(
    session: Session,
    service: ServiceName,
    run: Annotated[
        str | None, typer.Option("--run", metavar="ID", help="A run; the newest finished one by default.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", dir_okay=False, help="Write the report there, as JSON."),
    ] = None,
) -> None:
    """Show how candidates compare, and what was decided.

    The champion of that moment and a baseline stand beside them, measured on the same examples.
    """
    with session.workspace() as workspace:
        found = workspace.report(service) if run is None else _of_run(workspace, service, run)
    if output is not None:
        output.write_text(json.dumps(found, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        session.out.note(f"the report is in {output}")
        return
    session.out.result(found, *report_blocks(found))


def _of_run(workspace: Workspace, service: str, run_id: str) -> Mapping[str, Any]:
    run = workspace.run(service, run_id)
    if run.report is not None:
        return run.report
    if run.status is Status.FAILED:
        raise TrainingFailed(f"run {run_id} has no report, for it failed: {run.error}")
    done = f", {run.progress['done']:.0%} done" if run.progress and not run.status.final else ""
    raise Conflict(f"run {run_id} has no report: it is {run.status}{done}")
