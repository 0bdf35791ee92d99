"""Training as the command line shows it: start a run, follow it, and end it cleanly when it is interrupted."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

from winnow.cli.command import audit_of
from winnow.cli.output import Output
from winnow.cli.progress import run_progress
from winnow.domain import PromoteMode, Run, Status
from winnow.errors import Cancelled, Conflict, TrainingFailed
from winnow.workspace import Workspace


def train_service(workspace: Workspace, service: str, out: Output, promote: PromoteMode | None = None) -> Run:
    """Train a service and return its finished run. `TrainingFailed`, or `Cancelled`, says why there is none.

    Ctrl-C, or SIGTERM, cancels the run and comes out as `KeyboardInterrupt`; nothing of the run is kept then.
    """
    run = start_training(workspace, service, promote)
    try:
        with _sigterm_interrupts(), run_progress(out, service) as listener:
            run = workspace.watch_run(service, run.id, listener)
    except KeyboardInterrupt:
        _cancel(workspace, run, out)
        raise
    if run.status is Status.CANCELLED:
        raise Cancelled(f"the run {run.id} of '{service}' was cancelled: {run.error}")
    if run.status is Status.FAILED:
        raise TrainingFailed(run.error or f"the run {run.id} of '{service}' failed")
    return run


def start_training(workspace: Workspace, service: str, promote: PromoteMode | None = None) -> Run:
    """Start to train a service, and leave word of it in the audit trail."""
    workspace.config(service)
    with audit_of(workspace)("train", service=service, promote=promote):
        return workspace.start_run(service, promote)


def _cancel(workspace: Workspace, run: Run, out: Output) -> None:
    with suppress(Conflict):  # it ended by itself in the meantime
        workspace.cancel_run(run.service, run.id)
        out.note(f"the training of {run.service} was cancelled: nothing of it was kept")


@contextmanager
def _sigterm_interrupts() -> Iterator[None]:
    """Let SIGTERM, which `timeout` and supervisors send, do what Ctrl-C does."""

    def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
