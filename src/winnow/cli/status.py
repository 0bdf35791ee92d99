"""`winnow status`: the services of a project at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from winnow.cli.command import Session, command
from winnow.cli.output import Cell, Grid, moment, styled
from winnow.cli.report_view import met, share

if TYPE_CHECKING:
    from winnow.workspace import Workspace

_COLUMNS = ["service", "examples", "champion", "accuracy", "f1_macro", "gates", "last run", ""]


@command
def status(session: Session) -> None:
    """Show every service: its examples, its champion and its last run."""
    with session.workspace() as workspace:
        services = [_service(workspace, name) for name in workspace.project.services]
        project = workspace.project
    session.out.result(
        {"project": project.name, "folder": str(project.folder), "services": services},
        styled(f"{project.name} ({project.folder})", "bold"),
        Grid(
            _COLUMNS,
            [_row(service) for service in services],
            numbers=["examples", "accuracy", "f1_macro"],
            prose=["champion", "last run"],
        )
        if services
        else "winnow.toml has no service yet: add a table [services.NAME]",
    )


def _service(workspace: Workspace, name: str) -> dict[str, Any]:
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
        _next_step(service),
    ]


def _next_step(service: dict[str, Any]) -> str:
    if service["champion"]:
        return ""
    if service["examples"]:
        return f"`winnow train {service['name']}`"
    return f"`winnow load {service['name']} FILE`"
