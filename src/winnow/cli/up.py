"""`winnow up`: serve a project. Its options are the settings, each declared once, in `winnow.settings`."""

from __future__ import annotations

import inspect
import json
import shlex
import signal
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from annotated_types import Ge, Le
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from winnow.cli.command import Session, command
from winnow.cli.load import load_blocks
from winnow.cli.output import Block, Output, styled
from winnow.cli.progress import file_progress
from winnow.errors import Cancelled, WinnowError
from winnow.settings import PREFIX, Settings

if TYPE_CHECKING:
    from winnow.workspace import Workspace


def _with_settings(function: Callable[..., None]) -> Callable[..., None]:
    """Put an option for each setting where the function has `**given`."""
    signature = inspect.signature(function, eval_str=True)
    own = [part for part in signature.parameters.values() if part.kind is not inspect.Parameter.VAR_KEYWORD]
    settings = [_option(name, field) for name, field in Settings.model_fields.items() if name != "project"]
    function.__signature__ = signature.replace(parameters=[*own, *settings])  # type: ignore[attr-defined]
    return function


def _option(name: str, field: FieldInfo) -> inspect.Parameter:
    kind = str | None if field.annotation == SecretStr | None else field.annotation
    option = typer.Option(
        f"--{name.replace('_', '-')}",
        help=field.description,
        envvar=f"{PREFIX}{name.upper()}",
        min=next((bound.ge for bound in field.metadata if isinstance(bound, Ge)), None),  # type: ignore[arg-type]
        max=next((bound.le for bound in field.metadata if isinstance(bound, Le)), None),  # type: ignore[arg-type]
    )
    annotation = Annotated[kind, option]  # type: ignore[valid-type]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=annotation)


@command
@_with_settings
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
            _prepare(workspace, session.out)
        services = {name: workspace.champion(name) is not None for name in workspace.project.services}
        example = _example(workspace, [name for name, ready in services.items() if ready])
        project = workspace.project.name

    def announce(address: str) -> None:
        value = {"address": address, "docs": f"{address}/docs", "project": project, "services": services}
        session.out.result(value, *_greeting(project, address, services, example))

    try:
        serve(settings, announce)
    except KeyboardInterrupt:  # how one stops it; what was under way has been answered
        session.out.note("stopped")


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    """End as asked. The server takes the signal over while it serves, and hands it back when it is done."""
    raise typer.Exit(0)


def _prepare(workspace: Workspace, out: Output) -> None:
    """Load and train what has no champion. One service that fails does not keep the others from being served."""
    for name in workspace.project.services:
        if workspace.champion(name) is not None:
            continue
        try:
            _load(workspace, name, out)
            _train(workspace, name, out)
        except Cancelled:
            raise
        except WinnowError as error:
            out.note(styled(f"{name} has no champion: {error}", "yellow"))


def _load(workspace: Workspace, name: str, out: Output) -> None:
    files = workspace.config(name).data
    size = sum((workspace.project.folder / file).stat().st_size for file in files)
    with file_progress(out, f"loading {name}", size) as progress:
        reports = workspace.load_first_data(name, progress)
    for report in reports:
        for block in load_blocks(report.to_json()):
            out.note(block)


def _train(workspace: Workspace, name: str, out: Output) -> None:
    from winnow.cli.report_view import decision_blocks  # noqa: PLC0415
    from winnow.cli.training import train_service  # noqa: PLC0415

    run = train_service(workspace, name, out)
    out.note(styled(f"{name} was trained:", "bold"))
    for block in decision_blocks(run.report or {}):
        out.note(block)


def _example(workspace: Workspace, ready: list[str]) -> tuple[str, str] | None:
    """A service to try, and a text for it that is short enough to be read."""
    for name in ready:
        texts = [str(example["input"]) for example in workspace.examples(name, 50)]
        fitting = [text for text in texts if text.isprintable() and "'" not in text]
        return name, min(fitting, key=len, default="A text to be answered.")
    return None


def _greeting(
    project: str, address: str, services: dict[str, bool], example: tuple[str, str] | None
) -> Iterator[Block]:
    yield styled(f"{project} is served at {address}", "bold green")
    yield f"  documentation  {address}/docs"
    if example is not None:
        name, text = example
        body = shlex.quote(json.dumps({"input": text}, ensure_ascii=False))
        yield f"  try it         curl -s {address}/services/{name}/predict -d {body}"
    for name, ready in services.items():
        if not ready:
            yield styled(f"  not ready      {name} has no champion yet: `winnow train {name}`", "yellow")
    yield "  stop it        Ctrl-C"
