"""`winnow alerts`: what a person should know of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from winnow.cli.command import Session, command
from winnow.cli.output import Block, Cell, Grid, clean, moment, styled
from winnow.cli.versions import Limit
from winnow.domain import Alert, AlertState
from winnow.errors import ConnectionFailed, ProjectError

if TYPE_CHECKING:
    from winnow.workspace import Workspace


@command
def alerts(
    session: Session,
    every: Annotated[bool, typer.Option("--all", help="Also those that were resolved.")] = False,
    acknowledge: Annotated[
        str | None,
        typer.Option(
            "--acknowledge", metavar="ID", help="Say that you know of this one; it stays until it is over."
        ),
    ] = None,
    test: Annotated[
        bool, typer.Option("--test", help="Send a message to everybody whom WINNOW_NOTIFY names.")
    ] = False,
    n: Limit = 20,
) -> None:
    """List the alerts that are open, newest first.

    Rules and their requirements are in winnow.toml; who is told is in the setting `notify`.
    """
    if acknowledge is not None and test:
        raise typer.BadParameter("acknowledge an alert, or send a message", param_hint="--test")
    with session.workspace() as workspace:
        if test:
            _test(session, workspace)
        elif acknowledge is not None:
            _acknowledge(session, workspace, acknowledge)
        else:
            _list(session, workspace, n, every=every)


def _list(session: Session, workspace: Workspace, n: int, *, every: bool) -> None:
    from winnow.store import alerts as kept  # noqa: PLC0415  (it takes the whole store with it)

    with workspace.database.read() as connection:
        found = kept.newest(connection, n, kept.AlertFilter(None if every else AlertState.OPEN))
    nothing = "there was no alert yet" if every else "no alert is open"
    session.out.result({"alerts": found}, _grid(found) if found else nothing)


def _acknowledge(session: Session, workspace: Workspace, alert_id: str) -> None:
    from winnow.monitoring import alerts as life  # noqa: PLC0415

    audit = session.audit(workspace)
    with audit("acknowledge", subject=f"alert {alert_id}"):
        alert = life.acknowledge(workspace.database, alert_id, audit.actor)
    session.out.result(alert, f"acknowledged: {_what(alert)}")


def _test(session: Session, workspace: Workspace) -> None:
    """Tell each address that nothing is wrong; fail where one does not take it."""
    from winnow.monitoring.notifiers.base import Note, NotTold, open_notifiers  # noqa: PLC0415

    notifiers = open_notifiers(workspace.settings)
    if not notifiers:
        raise ProjectError("nobody is to be told: set WINNOW_NOTIFY to the addresses, with spaces between them")
    body = "This is how alerts are told. Nothing is wrong."
    note = Note(f"[{workspace.project.name}] a test", body, workspace.settings.public_url, good=True)
    failed = []
    for place, notifier in enumerate(notifiers.values(), 1):
        try:
            notifier.tell(note)
        except NotTold as error:
            failed.append(f"address {place}: {error}")
    if failed:
        raise ConnectionFailed(
            f"{len(notifiers) - len(failed)} of {len(notifiers)} were told; " + "; ".join(failed)
        )
    session.out.result({"told": len(notifiers)}, f"all were told: {len(notifiers)}")


def open_alerts_block(found: Sequence[Alert]) -> Block:
    """The alerts that are open in one line."""
    told = ", ".join(_what(alert) for alert in found)
    return styled(f"Open alerts: {told}. See `winnow alerts`.", "bold red")


def _grid(found: Sequence[Alert]) -> Block:
    columns = ["since", "alert", "state", "value", "required", "what is wrong", "id"]
    return Grid(columns, [_row(alert) for alert in found], numbers=["value"], prose=["what is wrong", "required"])


def _row(alert: Alert) -> list[Cell]:
    open_ = alert.state is AlertState.OPEN
    seen = f", seen by {alert.acknowledged_by}" if alert.acknowledged_by else ""
    return [
        moment(alert.since),
        styled(_what(alert), "bold red" if open_ and not seen else ""),
        f"{alert.state}{seen}",
        "-" if alert.value is None else f"{alert.value:.4g}",
        alert.requirement,
        clean(alert.detail),
        alert.id,
    ]


def _what(alert: Alert) -> str:
    return f"{alert.rule} on {alert.service}" if alert.service else alert.rule
