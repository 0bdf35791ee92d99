"""`winnow submit`: hand in work for later, and get a ticket for it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from winnow.cli.command import ServiceName, Session, command
from winnow.cli.counter import Counter, open_counter
from winnow.cli.following import follow
from winnow.cli.inputs import Given, Source, TopK, VersionName, lines_given, options_of, read_given
from winnow.cli.job_view import job_json, place_of
from winnow.cli.options import with_options
from winnow.cli.output import Output
from winnow.cli.progress import file_progress
from winnow.cli.taking import show_result, write_result
from winnow.cli.train import Promote
from winnow.domain import Job, Progress
from winnow.errors import InvalidInput

if TYPE_CHECKING:
    from winnow.jobs.desk import Order
    from winnow.serving.service import Options
    from winnow.store.jobs import NewJob


@dataclass(frozen=True)
class _Work:
    """What is handed in: an input, a file, a training, or the lines of standard input."""

    given: Given = None
    file: Source = None
    train: Annotated[bool, typer.Option("--train", help="Train the service.")] = False
    promote: Promote = None
    version: VersionName = None
    top_k: TopK = None
    key: Annotated[
        str | None,
        typer.Option("--key", metavar="TEXT", help="Idempotency key: with the same one, the same ticket."),
    ] = None
    webhook: Annotated[
        str | None, typer.Option("--webhook", metavar="URL", help="An address to be told when the job has ended.")
    ] = None
    wait: Annotated[bool, typer.Option("--wait", help="Wait for its end, and print the result.")] = False
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", dir_okay=False, help="With --wait: write the result there."),
    ] = None

    @property
    def lines(self) -> bool:
        """Whether standard input has the inputs."""
        return self.given is None and self.file is None and not self.train

    def check(self) -> None:
        """Refuse what does not go together."""
        if sum((self.given is not None, self.file is not None, self.train)) > 1:
            raise typer.BadParameter("give an input, --file or --train: one of them", param_hint="INPUT")
        if self.lines and sys.stdin.isatty():
            raise typer.BadParameter(
                "give an input, --file, --train, or lines on standard input", param_hint="INPUT"
            )
        if self.train and not (self.version is None and self.top_k is None):
            raise typer.BadParameter("a training answers nothing", param_hint="--version, --top-k")
        if self.promote is not None and not self.train:
            raise typer.BadParameter("there is something to promote with --train only", param_hint="--promote")
        if self.output is not None and not self.wait:
            raise typer.BadParameter("there is something to write with --wait only", param_hint="--output")

    def asked(self) -> list[str]:
        """The inputs as they were typed; none of a file or a training."""
        if self.given is not None:
            return [self.given]
        if not self.lines:
            return []
        if not (lines := lines_given()):
            raise InvalidInput("standard input has no lines: there is nothing to hand in")
        return lines


@command
@with_options(_Work)
def submit(session: Session, service: ServiceName, **given: Any) -> None:
    """Hand in a job and print its ticket.

    `winnow up` or `winnow worker` does it; neither need be running yet. The lines of standard input are one job of
    several inputs. A file comes back in its own format, with the answers.
    """
    work = _Work(**given)
    work.check()
    options = options_of(work.version, work.top_k)
    with open_counter(session) as counter:
        counter.workspace.config(service)
        if not work.train:
            counter.check_ready(service, options)
        asked = work.asked()
        order = counter.order(work.key, work.webhook)
        new = _made(counter, session.out, service, work, asked, order, options)
        audit = session.audit(counter.workspace) if work.train else None
        with nullcontext() if audit is None else audit("train", service=service, subject=f"job {new.id}"):
            job = counter.hand_in(new)
        if not work.wait:
            _give_ticket(counter, session.out, job)
            return
        session.out.note(f"the ticket is {job.id}")
        job = follow(counter, session.out, job)
        if work.output is not None:
            write_result(counter, session.out, job, work.output)
        else:
            show_result(counter, session.out, job, asked if work.lines else ())


def _made(
    counter: Counter, out: Output, service: str, work: _Work, asked: Sequence[str], order: Order, options: Options
) -> NewJob:
    """The job, with its file in the store already."""
    if work.train:
        return counter.desk.train(service, order=order, promote=work.promote)
    if work.file is not None:
        size = work.file.stat().st_size
        with file_progress(out, f"handing in {work.file.name}", size) as progress, work.file.open("rb") as file:
            parts = _parts(file, size, progress)
            return counter.desk.file(service, work.file.name, parts, order=order, options=options)
    values = [read_given(counter.workspace.readers[service], text) for text in asked]
    return counter.desk.predict(service, values, several=work.lines, order=order, options=options)


def _parts(file: BinaryIO, size: int, progress: Progress) -> Iterator[bytes]:
    from winnow.jobs.desk import PART_BYTES  # noqa: PLC0415

    while part := file.read(PART_BYTES):
        yield part
        progress("stored", file.tell() / max(size, 1))


def _give_ticket(counter: Counter, out: Output, job: Job) -> None:
    """The ticket alone is the result, so that a script can take it: ticket=$(winnow submit ...)."""
    standing = counter.desk.standing(job)
    out.result(job_json(job, standing.position, standing.estimated_wait), job.id)
    if out.as_json:
        return
    if job.status.final:  # a job of before, which has the same key
        out.note(f"{job.status}: `winnow jobs {job.id} --result` has what came of it")
        return
    where = "" if standing.position is None else f" ({place_of(standing.position, standing.estimated_wait)})"
    out.note(f"{job.status}{where}: `winnow jobs {job.id} --wait` follows it")
