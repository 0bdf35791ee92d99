"""`winnow doctor`: whether everything is in place."""

from __future__ import annotations

from dataclasses import asdict

import typer

from winnow.cli.checks import Check, check_all
from winnow.cli.command import Session, command
from winnow.cli.exit_codes import ExitCode
from winnow.cli.output import Cell, Grid, styled

_STYLES = {"ok": "green", "warning": "yellow", "failed": "bold red"}


@command
def doctor(session: Session) -> None:
    """Check that everything is in place, and say what to do if not.

    Looks at Python, settings, disk, port, Redis, project, database, and each service with its data and champion.
    Changes nothing. Exits with 1 where something failed.
    """
    checks = list(check_all(session.settings))
    failed = sum(check.state == "failed" for check in checks)
    warnings = sum(check.state == "warning" for check in checks)
    found = f"{failed} failed, {warnings} to look at" if failed or warnings else "all is well"
    session.out.result(
        {"checks": [asdict(check) for check in checks], "failed": failed, "warnings": warnings},
        Grid(["", "what", "how it is"], [_row(check) for check in checks], prose=["how it is"]),
        styled(found, "bold red" if failed else "bold yellow" if warnings else "bold green"),
    )
    if failed:
        raise typer.Exit(ExitCode.REFUSED)


def _row(check: Check) -> list[Cell]:
    told = f"{check.detail}\n→ {check.remedy}" if check.remedy else check.detail
    return [styled(check.state, _STYLES[check.state]), check.name, told]
