"""`winnow jobs`: what waits, what is worked on, what failed; and one job in full."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from winnow.cli.command import Session, command
from winnow.cli.counter import Counter, open_counter
from winnow.cli.following import follow
from winnow.cli.job_view import job_blocks, job_json, jobs_grid
from winnow.cli.options import with_options
from winnow.cli.output import Block, Output
from winnow.cli.taking import print_result, write_result
from winnow.cli.versions import Limit
from winnow.domain import JobKind, Status


@dataclass(frozen=True)
class _Wanted:
    """A list of jobs, filtered; or one job, and what to do with it."""

    ticket: Annotated[str | None, typer.Argument(metavar="TICKET", help="One job, in full.")] = None
    service: Annotated[
        str | None, typer.Option("--service", "-s", metavar="SERVICE", help="Only jobs of this service.")
    ] = None
    status: Annotated[Status | None, typer.Option("--status", help="Only jobs that stand so.")] = None
    kind: Annotated[JobKind | None, typer.Option("--kind", help="Only jobs of this kind.")] = None
    n: Limit = 20
    cancel: Annotated[bool, typer.Option("--cancel", help="End a job that waits or is worked on.")] = False
    wait: Annotated[bool, typer.Option("--wait", help="Wait until the job has ended.")] = False
    result: Annotated[bool, typer.Option("--result", help="Print what came of it.")] = False
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", dir_okay=False, help="Write what came of it there."),
    ] = None

    @property
    def filtered(self) -> bool:
        """Whether only some jobs are wanted."""
        return any(given is not None for given in (self.service, self.status, self.kind))

    def check(self) -> None:
        """Refuse what does not go together."""
        taken = self.wait or self.result or self.output is not None
        if self.ticket is None and (taken or self.cancel):
            raise typer.BadParameter("name the job by its ticket", param_hint="TICKET")
        if self.ticket is not None and self.filtered:
            raise typer.BadParameter("--service, --status and --kind are for the list", param_hint="TICKET")
        if self.cancel and taken:
            raise typer.BadParameter("a cancelled job has no result to wait for", param_hint="--cancel")


@command
@with_options(_Wanted)
def jobs(session: Session, **given: Any) -> None:
    """List jobs, newest first, or look at one.

    With a ticket: show it, follow it, take its result, or cancel it.
    """
    wanted = _Wanted(**given)
    wanted.check()
    with open_counter(session) as counter:
        if wanted.ticket is None:
            _list(counter, session.out, wanted)
        elif wanted.cancel:
            job = counter.desk.cancel(wanted.ticket)
            session.out.result(job_json(job), f"job {job.id} was cancelled: nothing of it is kept")
        else:
            _look(counter, session.out, wanted.ticket, wanted)


def _list(counter: Counter, out: Output, wanted: _Wanted) -> None:
    found = counter.desk.jobs(wanted.n, service=wanted.service, status=wanted.status, kind=wanted.kind)
    nothing: Block = "no job passes the filter" if wanted.filtered else "no job was handed in yet"
    out.result({"jobs": [job_json(job) for job in found]}, jobs_grid(found) if found else nothing)


def _look(counter: Counter, out: Output, ticket: str, wanted: _Wanted) -> None:
    job = counter.desk.job(ticket)
    if wanted.wait:
        job = follow(counter, out, job)
    if wanted.output is not None:
        write_result(counter, out, job, wanted.output)
    elif wanted.result:
        print_result(counter, out, job)
    else:
        standing = counter.desk.standing(job)
        blocks = job_blocks(job, standing.position, standing.estimated_wait)
        out.result(job_json(job, standing.position, standing.estimated_wait), *blocks)
