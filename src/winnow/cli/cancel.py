"""`winnow cancel`: end a training that was started elsewhere, or with `--detach`."""

from __future__ import annotations

from winnow.cli.command import ServiceName, Session, command
from winnow.errors import Conflict


@command
def cancel(session: Session, service: ServiceName) -> None:
    """Cancel the training of a service. Nothing of it is kept."""
    with session.workspace() as workspace:
        newest = workspace.runs(service, 1)
        if not newest or newest[0].status.final:
            raise Conflict(f"service '{service}' is not being trained: there is nothing to cancel")
        with session.audit(workspace)("cancel-run", service=service, subject=newest[0].id):
            run = workspace.cancel_run(service, newest[0].id)
    session.out.result(run, f"the training of {service} was cancelled: nothing of it was kept")
