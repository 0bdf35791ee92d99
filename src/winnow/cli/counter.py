"""The desk as commands use it: on the store itself, whether or not a server runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from winnow.cli.inputs import CLIENT
from winnow.domain import Job, Json, Status, new_id
from winnow.errors import Cancelled, Conflict, NotReady

if TYPE_CHECKING:
    from winnow.cli.command import Session
    from winnow.jobs.bells import Bells
    from winnow.jobs.desk import Desk, Order, Standing
    from winnow.serving.service import Options
    from winnow.store.jobs import NewJob
    from winnow.workspace import Workspace

_LOOK_SECONDS = 1.0

Listener = Callable[["Job", "Standing"], None]
"""Told how a job stands, now and then."""


@dataclass(frozen=True, slots=True)
class Counter:
    """Where jobs are handed in, followed and taken away, for one command."""

    workspace: Workspace
    desk: Desk
    bells: Bells

    def order(self, key: str | None, webhook: str | None) -> Order:
        """What goes with a job from here."""
        from winnow.jobs.desk import Order  # noqa: PLC0415

        return Order(new_id(), CLIENT, key, webhook)

    def check_ready(self, service: str, options: Options) -> None:
        """Refuse a job that nobody could answer, as the API does."""
        if options.version is None and self.workspace.champion(service) is None:
            raise NotReady(f"service '{service}' has no champion yet: train it with `winnow train {service}`")

    def hand_in(self, job: NewJob) -> Job:
        """Return once it is committed: the job, or the one that has its key already."""
        (put,) = self.desk.put([job])
        if isinstance(put, Conflict):
            raise put
        return put

    def follow(self, ticket: str, listener: Listener) -> Job:
        """Return a job when it has ended. Its place in the queue is looked up less often: that may cost."""
        from winnow.jobs.bells import NEWS  # noqa: PLC0415

        rung = threading.Event()
        self.bells.listen(NEWS, rung.set)
        next_look = 0.0
        while True:
            job = self.desk.job(ticket)
            if time.monotonic() >= next_look:
                standing = self.desk.standing(job)
                next_look = time.monotonic() + _LOOK_SECONDS
            listener(job, standing)
            if job.status.final:
                return job
            rung.wait(_LOOK_SECONDS)
            rung.clear()

    def anything_started(self) -> bool:
        """Whether some worker is at work."""
        return bool(self.desk.jobs(1, status=Status.STARTED))

    def result(self, job: Job) -> Json:
        """What a finished job found; `JobFailed`, `Cancelled`, `NotFinished` or `Expired` where there is none."""
        if job.status is Status.CANCELLED:
            raise Cancelled(f"job '{job.id}' was cancelled: it has no result")
        return self.desk.result(job.id)


@contextmanager
def open_counter(session: Session) -> Iterator[Counter]:
    """Open the project's jobs for a block."""
    from winnow.jobs.opening import open_desk  # noqa: PLC0415

    with session.workspace() as workspace, open_desk(workspace) as (desk, bells):
        yield Counter(workspace, desk, bells)
