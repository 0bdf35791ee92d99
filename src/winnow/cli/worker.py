"""`winnow worker`: work on jobs, beside `winnow up` or in its place, on this machine or on others."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from winnow.cli.command import Session, command
from winnow.cli.options import with_settings
from winnow.cli.output import Block, count, styled

if TYPE_CHECKING:
    from winnow.settings import Settings

_OF_SERVERS = (
    "host",
    "port",
    "workers",
    "max_body_mb",
    "max_upload_mb",
    "max_queued",
    "page",
    "anonymous",
    "session_hours",
)
"""Settings that mean nothing to a process which serves nobody."""


@command
@with_settings(without=_OF_SERVERS)
def worker(
    session: Session,
    service: Annotated[
        list[str] | None,
        typer.Option("--service", "-s", metavar="SERVICE", help="Only jobs of this one; repeat it for several."),
    ] = None,
    **given: Any,
) -> None:
    """Work on jobs until told to stop.

    Takes jobs of all services, oldest first, and shares them with every `winnow up` and `winnow worker` of the
    project. SIGTERM or Ctrl-C gives back what cannot end at once; a second Ctrl-C ends the process on the spot,
    and its jobs are taken over when their leases run out.
    """
    from winnow.monitoring.logs import configure_logging  # noqa: PLC0415  (--help does not need it)

    settings = session.settings(**given)
    if settings.concurrency == 0:
        raise typer.BadParameter("a worker works on one job at least: 1 or more", param_hint="--concurrency")
    configure_logging(settings)
    signal.signal(signal.SIGTERM, _stop)

    def announce(project: str, services: Sequence[str]) -> None:
        value = {"project": project, "services": services, "concurrency": settings.concurrency}
        session.out.result(value, *_greeting(project, services, settings))

    asyncio.run(_work(settings, service or (), announce))
    session.out.note("stopped")


async def _work(settings: Settings, only: Sequence[str], announce: Callable[[str, Sequence[str]], None]) -> None:
    """Work until a signal comes."""
    from loguru import logger  # noqa: PLC0415  (as above)

    from winnow.runtime import Runtime  # noqa: PLC0415  (it takes the whole house with it)

    asked = _asked_to_stop()
    async with Runtime(settings) as runtime, runtime.worker(*only) as working:
        project = runtime.workspace.project
        announce(project.name, list(only) or list(project.services))
        logger.bind(worker=working.name).info("working on jobs, {} at once", settings.concurrency)
        await asked.wait()
        logger.info("asked to stop: what cannot end at once is given back")


def _asked_to_stop() -> asyncio.Event:
    """Set at SIGTERM and at the first Ctrl-C. The system itself sees to the second, however busy the process is."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def interrupted() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        asked.set()

    loop.add_signal_handler(signal.SIGTERM, asked.set)
    loop.add_signal_handler(signal.SIGINT, interrupted)
    return asked


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    """End as asked, before there is anything to give back."""
    raise typer.Exit(0)


def _greeting(project: str, services: Sequence[str], settings: Settings) -> Iterator[Block]:
    yield styled(f"{project}: working on jobs, {settings.concurrency} at once", "bold green")
    yield f"  services   {', '.join(services)}"
    yield f"  lease      {settings.lease_seconds:g} s; {count(settings.attempts, 'attempt')} for each job"
    yield "  stop it    Ctrl-C"
