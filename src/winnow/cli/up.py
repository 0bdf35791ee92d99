"""`winnow up`: serve a project. Its options are the settings."""

from __future__ import annotations

import signal
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from winnow.cli.command import Session, command
from winnow.cli.greeting import Greeting
from winnow.cli.load import load_blocks
from winnow.cli.options import with_settings
from winnow.cli.output import Output, styled
from winnow.cli.progress import file_progress
from winnow.domain import Json
from winnow.errors import Cancelled, NotFound, WinnowError

if TYPE_CHECKING:
    from winnow.accounts.people import NewAccount
    from winnow.settings import Settings
    from winnow.workspace import Workspace


@command
@with_settings()
def up(
    session: Session,
    train: Annotated[
        bool, typer.Option("--train", help="First load the data and train the services that have no champion yet.")
    ] = False,
    **given: Any,
) -> None:
    """Serve the project: its API, its documentation, its figures."""
    from winnow.api.server import serve  # noqa: PLC0415  (a second that --help does not need)
    from winnow.monitoring.logs import configure_logging  # noqa: PLC0415

    settings = session.settings(**given)
    configure_logging(settings)
    signal.signal(signal.SIGTERM, _stop)
    with session.workspace(settings) as workspace:
        if train:
            _prepare(workspace, session)
        services = {name: workspace.champion(name) is not None for name in workspace.project.services}
        example = _example(workspace, [name for name, ready in services.items() if ready])
        admin = _first_admin(workspace, session, settings)
        greeting = Greeting(workspace.project.name, settings, services, example, admin)

    def announce(address: str) -> None:
        session.out.result(greeting.to_json(address), *greeting.blocks(address))

    try:
        serve(settings, announce)
    except KeyboardInterrupt:  # how one stops it; what was under way has been answered
        session.out.note("stopped")


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    """End as asked. The server takes the signal over while it serves, and hands it back when it is done."""
    raise typer.Exit(0)


def _first_admin(workspace: Workspace, session: Session, settings: Settings) -> NewAccount | None:
    """Make an account where there is none, so that somebody can claim the project; on loopback addresses only.

    Where callers without credentials may do everything as it is, nobody needs one.
    """
    from winnow.accounts.people import FIRST, People  # noqa: PLC0415
    from winnow.hosts import is_loopback  # noqa: PLC0415  (as in `up`)

    people = People(workspace.database)
    if settings.anonymous == "admin" or not is_loopback(settings.host) or not people.unclaimed():
        return None
    with session.audit(workspace)("first-admin", subject=FIRST):
        return people.first_admin()


def _prepare(workspace: Workspace, session: Session) -> None:
    """Load and train what has no champion. One service that fails does not keep the others from being served."""
    out, audit = session.out, session.audit(workspace)
    for name in workspace.project.services:
        if workspace.champion(name) is not None:
            continue
        try:
            with audit("load", service=name):
                _load(workspace, name, out)
            _train(workspace, name, out)
        except Cancelled:
            raise
        except WinnowError as error:
            out.note(styled(f"{name} has no champion: {error}", "yellow"))


def _load(workspace: Workspace, name: str, out: Output) -> None:
    files = workspace.config(name).data
    size = sum(_size(workspace.project.folder / file) for file in files)
    with file_progress(out, f"loading {name}", size) as progress:
        reports = workspace.load_first_data(name, progress)
    for report in reports:
        for block in load_blocks(report.to_json()):
            out.note(block)


def _size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    if path.is_dir():
        return sum(_size(entry) for entry in path.iterdir())
    return path.stat().st_size


def _train(workspace: Workspace, name: str, out: Output) -> None:
    from winnow.cli.report_view import decision_blocks  # noqa: PLC0415
    from winnow.cli.training import train_service  # noqa: PLC0415

    run = train_service(workspace, name, out)
    out.note(styled(f"{name} was trained:", "bold"))
    for block in decision_blocks(run.report or {}):
        out.note(block)


def _example(workspace: Workspace, ready: list[str]) -> tuple[str, Json] | None:
    """A service to try, and an input for it that is short enough to be read."""
    for name in ready:
        reader = workspace.readers[name]
        if not reader.files:
            texts = [str(example["input"]) for example in workspace.examples(name, 50)]
            fitting = [text for text in texts if text.isprintable() and "'" not in text]
            return name, min(fitting, key=len, default="A text to be answered.")
        with suppress(NotFound):  # a library that is not there is no reason not to serve
            if reader.library is not None and (images := reader.library.names()):
                return name, {"library": images[0]}
    return None
