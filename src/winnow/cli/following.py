"""How a job is followed until it has ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from winnow.cli.counter import Counter
from winnow.cli.job_view import error_of, place_of, share_of, stage_of
from winnow.cli.output import Output, clean, styled
from winnow.cli.progress import job_progress
from winnow.domain import Job, Status

if TYPE_CHECKING:
    from winnow.jobs.desk import Standing

_LONELY_SECONDS = 5.0
"""How long a job may wait, with no worker in sight, before it is said aloud."""


def follow(counter: Counter, out: Output, job: Job) -> Job:
    """Return a job when it has ended. Whoever stops looking does not stop the job."""
    wonder = _wonderer(counter, out)
    try:
        with job_progress(out, f"{job.service} {job.kind}") as show:

            def told(job: Job, standing: Standing) -> None:
                show(clean(_stage(job, standing)), share_of(job))
                wonder(job)

            return counter.follow(job.id, told)
    except KeyboardInterrupt:
        out.note(f"the job goes on: `winnow jobs {job.id} --wait` follows it again")
        raise


def _stage(job: Job, standing: Standing) -> str:
    if job.status is not Status.QUEUED:
        return stage_of(job) or job.status
    if job.error is not None:
        return f"to be tried again after {error_of(job)}"
    return (
        "waits" if standing.position is None else f"waits, {place_of(standing.position, standing.estimated_wait)}"
    )


def _wonderer(counter: Counter, out: Output) -> Callable[[Job], None]:
    """Says once, of a job that nobody takes up, what may be missing."""
    since = time.monotonic()
    said = False

    def wonder(job: Job) -> None:
        nonlocal said
        if said or time.monotonic() - since < _LONELY_SECONDS:
            return
        said = True
        if job.status is Status.QUEUED and job.error is None and not counter.anything_started():
            out.note(styled("nobody has taken the job up: does `winnow up` or `winnow worker` run?", "yellow"))

    return wonder
