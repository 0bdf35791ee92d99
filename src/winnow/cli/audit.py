"""`winnow audit`: who changed what."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from winnow.cli.command import Session, command
from winnow.cli.output import Grid, clean, moment
from winnow.cli.versions import Limit
from winnow.domain import Event


@command
def audit(
    session: Session,
    n: Limit = 20,
    actor: Annotated[
        str | None, typer.Option("--actor", metavar="NAME", help="Only what this account, token or user did.")
    ] = None,
    action: Annotated[
        str | None, typer.Option("--action", metavar="ACTION", help="Only this action, such as promote.")
    ] = None,
    service: Annotated[
        str | None, typer.Option("--service", "-s", metavar="SERVICE", help="Only what concerns this service.")
    ] = None,
) -> None:
    """List who changed what, newest first."""
    from winnow.store import events  # noqa: PLC0415  (half a second that --help does not need)
    from winnow.store.events import EventFilter  # noqa: PLC0415

    only = EventFilter(actor=actor, action=action, service=service)
    with session.workspace() as workspace, workspace.database.read() as connection:
        found = events.newest(connection, n, only)
    columns = ["when", "who", "what", "service", "to what", "how it ended", "details"]
    rows = [_row(event) for event in found]
    nothing = "nothing was changed yet" if only == EventFilter() else "no event passes the filter"
    session.out.result({"events": found}, Grid(columns, rows, spare=["details"]) if found else nothing)


def _row(event: Event) -> list[str]:
    details = {name: value for name, value in event.details.items() if value is not None}
    return [
        moment(event.created_at),
        clean(event.actor, 60),
        event.action,
        event.service or "-",
        clean(event.subject or "-", 60),
        event.outcome or "not known",
        clean(json.dumps(details, ensure_ascii=False), 80) if details else "",
    ]
