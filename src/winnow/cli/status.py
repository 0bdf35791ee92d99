"""`winnow status`: the services of a project at a glance."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from rich.text import Text

from winnow.cli.alerts import open_alerts_block
from winnow.cli.command import Session, command
from winnow.cli.output import Cell, Grid, moment, styled
from winnow.cli.report_view import met, share
from winnow.domain import AlertState, Status, now

if TYPE_CHECKING:
    from winnow.workspace import Workspace

_COLUMNS = ["service", "examples", "champion", "accuracy", "f1_macro", "gates", "last run", "jobs", ""]
_SHOWN = (Status.QUEUED, Status.STARTED, Status.FAILED)
_LATELY = timedelta(days=1)
"""For how long a job that failed is worth a look."""
_SHOWN_ALERTS = 100


@command
def status(session: Session) -> None:
    """Show services, champions, last runs, jobs, and open alerts.

    Jobs are those that wait, those that are worked on, and those that failed within a day.
    """
    from winnow.store import alerts  # noqa: PLC0415  (it takes the whole store with it)
    from winnow.store.job_counts import tally  # noqa: PLC0415

    with session.workspace() as workspace:
        with workspace.database.read() as connection:
            jobs = tally(connection, now() - _LATELY)
            opened = alerts.newest(connection, _SHOWN_ALERTS, alerts.AlertFilter(AlertState.OPEN))
        services = [_service(workspace, name, jobs.get(name, {})) for name in workspace.project.services]
        project = workspace.project
    session.out.result(
        {"project": project.name, "folder": str(project.folder), "services": services, "alerts": opened},
        styled(f"{project.name} ({project.folder})", "bold"),
        Grid(
            _COLUMNS,
            [_row(service) for service in services],
            numbers=["examples", "accuracy", "f1_macro"],
            prose=["champion", "last run", "jobs"],
            spare=["f1_macro", "gates"],
        )
        if services
        else "winnow.toml has no service yet: add a table [services.NAME]",
        *([open_alerts_block(opened)] if opened else []),
    )


def _service(workspace: Workspace, name: str, jobs: Mapping[Status, int]) -> dict[str, Any]:
    champion = workspace.champion(name)
    run = next(iter(workspace.runs(name, 1)), None)
    return {
        "name": name,
        "examples": workspace.example_count(name),
        "champion": champion.number if champion else None,
        "candidate": champion.candidate if champion else None,
        "accuracy": champion.metrics.get("accuracy") if champion else None,
        "f1_macro": champion.metrics.get("f1_macro") if champion else None,
        "gates": champion.gates if champion else [],
        "last_run": {"id": run.id, "status": run.status, "created_at": run.created_at} if run else None,
        "jobs": {status.value: jobs.get(status, 0) for status in _SHOWN},
    }


def _row(service: dict[str, Any]) -> list[Cell]:
    run = service["last_run"]
    champion = service["champion"]
    return [
        service["name"],
        f"{service['examples']:,}",
        f"version {champion}, {service['candidate']}" if champion else "none",
        share(service["accuracy"]),
        share(service["f1_macro"]),
        met(service["gates"]) if champion else "",
        f"{run['status']} {moment(run['created_at'])}" if run else "never",
        _jobs(service["jobs"]),
        _next_step(service),
    ]


def _jobs(counts: Mapping[str, int]) -> Text:
    told = ", ".join(f"{number:,} {status}" for status, number in counts.items() if number)
    return styled(told or "none", "bold red" if counts[Status.FAILED] else "")


def _next_step(service: dict[str, Any]) -> str:
    if service["champion"]:
        return ""
    if service["examples"]:
        return f"`winnow train {service['name']}`"
    return f"`winnow load {service['name']} FILE`"
