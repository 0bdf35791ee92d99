"""`winnow versions`, `promote` and `rollback`: the registry, and who answers users."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer

from winnow.cli.command import ServiceName, Session, command
from winnow.cli.output import Block, Grid, moment, styled
from winnow.cli.report_view import met, share
from winnow.domain import Promotion, Version

Number = Annotated[int, typer.Argument(metavar="VERSION", help="The version's number.")]
Limit = Annotated[int, typer.Option("-n", metavar="COUNT", min=1, max=1000, help="How many, newest first.")]


@command
def versions(session: Session, service: ServiceName, n: Limit = 20) -> None:
    """List the versions of a service, and who was champion when."""
    with session.workspace() as workspace:
        found = workspace.versions(service, n)
        promotions = workspace.promotions(service, n)
    session.out.result({"versions": found, "promotions": promotions}, *_blocks(service, found, promotions))


@command
def promote(
    session: Session,
    service: ServiceName,
    version: Number,
    force: Annotated[
        bool, typer.Option("--force", help="Promote although it misses a gate; the reasons will say so.")
    ] = False,
) -> None:
    """Make a version the champion, which answers users.

    Refused where it misses a gate of winnow.toml as it is now.
    """
    with session.workspace() as workspace:
        workspace.config(service)
        with session.audit(workspace)("promote", service=service, subject=f"version {version}", force=force):
            promotion = workspace.promote(service, version, force=force)
    _show(session, promotion)


@command
def rollback(session: Session, service: ServiceName) -> None:
    """Give the place back to the champion before this one."""
    with session.workspace() as workspace:
        workspace.config(service)
        with session.audit(workspace)("rollback", service=service):
            promotion = workspace.rollback(service)
    _show(session, promotion)


def _show(session: Session, promotion: Promotion) -> None:
    before = "" if promotion.previous is None else f" (before: version {promotion.previous})"
    session.out.result(
        promotion,
        styled(f"Version {promotion.version} of {promotion.service} is the champion now{before}.", "bold green"),
        *(f"  - {reason}" for reason in promotion.reasons),
    )


def _blocks(service: str, found: Sequence[Version], promotions: Sequence[Promotion]) -> Iterator[Block]:
    if not found:
        yield f"{service} has no versions yet: `winnow train {service}`"
        return
    columns = ["version", "candidate", "accuracy", "f1_macro", "p95 ms", "MB", "gates", "trained", ""]
    numbers = ["version", "accuracy", "f1_macro", "p95 ms", "MB"]
    yield Grid(columns, [_row(version) for version in found], numbers=numbers, spare=["MB", "p95 ms", "trained"])
    if promotions:
        yield ""
        yield "Champions, newest first:"
        rows = [[moment(p.created_at), f"version {p.version}", p.kind, p.reasons[0]] for p in promotions]
        yield Grid(["since", "champion", "how", "why"], rows, prose=["why"])


def _row(version: Version) -> list[Any]:
    metrics = version.metrics
    return [
        str(version.number),
        styled(version.candidate, "bold green" if version.champion else ""),
        share(metrics.get("accuracy")),
        share(metrics.get("f1_macro")),
        f"{metrics['predict']['p95_ms']:.2f}" if "predict" in metrics else "-",
        f"{version.size_bytes / 1e6:.2f}",
        met(version.gates),
        moment(version.created_at),
        styled("champion", "bold green") if version.champion else "",
    ]
