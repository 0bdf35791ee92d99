"""`winnow train`: all candidates of a service learn, and the best takes over if it may."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from winnow.cli.command import Session, command
from winnow.cli.exit_codes import ExitCode, exit_code_of
from winnow.cli.report_view import report_blocks
from winnow.domain import Json, PromoteMode, Run
from winnow.errors import Cancelled, WinnowError

if TYPE_CHECKING:
    from winnow.workspace import Workspace

Promote = Annotated[
    PromoteMode | None,
    typer.Option("--promote", help="Whether the best version takes over by itself; winnow.toml says otherwise."),
]


@command
def train(
    session: Session,
    service: Annotated[str | None, typer.Argument(metavar="SERVICE", help="A service of winnow.toml.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Train every service, one after the other.")] = False,
    detach: Annotated[
        bool, typer.Option("--detach", help="Do not wait: print the run's id and leave it to itself.")
    ] = False,
    promote: Promote = None,
) -> None:
    """Train a service's candidates and promote the best.

    The best of those that meet the gates becomes champion, unless promotion is manual. Ctrl-C cancels the run, and
    nothing of it is kept. Exits with 1 where no candidate meets the gates.
    """
    if every == (service is not None):
        raise typer.BadParameter("name one service, or say --all", param_hint="SERVICE")
    with session.workspace() as workspace:
        services = [service] if service is not None else list(workspace.project.services)
        if detach:
            _start(session, workspace, services, promote, every=every)
        elif service is not None:
            _finish(session, workspace, service, promote)
        else:
            _finish_all(session, workspace, services, promote)


def _start(
    session: Session, workspace: Workspace, services: Sequence[str], promote: PromoteMode | None, *, every: bool
) -> None:
    from winnow.cli.training import start_training  # noqa: PLC0415  (it needs the whole workspace)

    runs = [start_training(workspace, name, promote) for name in services]
    lines = [f"{run.id}  {run.service}: see `winnow report {run.service} --run {run.id}`" for run in runs]
    session.out.result({"runs": runs} if every else runs[0], *lines)


def _finish(session: Session, workspace: Workspace, service: str, promote: PromoteMode | None) -> None:
    from winnow.cli.training import train_service  # noqa: PLC0415  (it needs the whole workspace)

    run = train_service(workspace, service, session.out, promote)
    session.out.result(run, *report_blocks(run.report or {}))
    if _refused(run):
        raise typer.Exit(ExitCode.REFUSED)


def _finish_all(
    session: Session, workspace: Workspace, services: Sequence[str], promote: PromoteMode | None
) -> None:
    """Train them all; one that fails does not keep the others from it. The first failure gives the exit code."""
    from winnow.cli.training import train_service  # noqa: PLC0415

    out = session.out
    code = ExitCode.DONE
    values: list[Json] = []
    for service in services:
        try:
            run = train_service(workspace, service, out, promote)
        except Cancelled:
            raise
        except WinnowError as error:
            code = code or exit_code_of(error)
            values.append({"service": service, "error": str(error)})
            if not out.as_json:
                out.problem(error, f"{service}: {error}", exit_code_of(error))
            continue
        code = code or (ExitCode.REFUSED if _refused(run) else ExitCode.DONE)
        values.append(run)
        if not out.as_json:
            out.result(None, *report_blocks(run.report or {}), "")
    if out.as_json:
        out.result({"runs": values})
    raise typer.Exit(code)


def _refused(run: Run) -> bool:
    """Whether no version may answer users: every one misses a gate."""
    candidates = (run.report or {}).get("candidates", [])
    return not any(
        entry["status"] == "fitted" and all(gate["passed"] for gate in entry["gates"]) for entry in candidates
    )
