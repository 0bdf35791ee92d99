"""What all commands share: the options `--project`, `--json` and `--debug`, and how errors end a command.

    @command
    def rollback(session: Session, service: ServiceName) -> None: ...

gives typer a function with the options of both, and the function a `Session`.
"""

from __future__ import annotations

import getpass
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, ParamSpec

import typer

from winnow.cli.exit_codes import exit_code_of
from winnow.cli.output import Output
from winnow.errors import WinnowError
from winnow.project import FILE_NAME
from winnow.settings import PREFIX, Settings, load_settings

if TYPE_CHECKING:
    from winnow.accounts.audit import Audit
    from winnow.workspace import Workspace

_Given = ParamSpec("_Given")
_COMMON = "Options of every command"

ServiceName = Annotated[str, typer.Argument(metavar="SERVICE", help="A service of winnow.toml.")]
ProjectFolder = Annotated[
    Path | None,
    typer.Option(
        "--project",
        "-p",
        metavar="FOLDER",
        help=f"Folder of {FILE_NAME}. By default WINNOW_PROJECT, or the nearest such folder from here upwards.",
        rich_help_panel=_COMMON,
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print the result as JSON, for programs.", rich_help_panel=_COMMON)
]
Debug = Annotated[
    bool,
    typer.Option(
        "--debug",
        envvar="WINNOW_DEBUG",
        help="Show the traceback of an error.",
        rich_help_panel=_COMMON,
    ),
]


class Session:
    """One command at work: the project that it is about, and how it speaks."""

    def __init__(self, project: Path | None, out: Output) -> None:
        self._project = project
        self.out = out

    def settings(self, **given: Any) -> Settings:
        """Settings of the project, with what the command line gives."""
        return load_settings(project=find_project(self._project), **given)

    @contextmanager
    def workspace(self, settings: Settings | None = None) -> Iterator[Workspace]:
        """Open the project's data, runs and versions, for a block; warnings are logged from here on."""
        from winnow.workspace import Workspace  # noqa: PLC0415  (half a second that --help does not need)

        if settings is None:
            settings = self.settings()
            log_warnings(settings)
        with Workspace(settings) as workspace:
            yield workspace

    def audit(self, workspace: Workspace) -> Audit:
        """Notes what this command changes: `with session.audit(workspace)("rollback", service=service): ...`."""
        return audit_of(workspace)


def audit_of(workspace: Workspace) -> Audit:
    """Notes what whoever is at this terminal changes."""
    from winnow.accounts.audit import Audit  # noqa: PLC0415  (it needs the store)

    return Audit(workspace.database, f"cli:{_user()}")


def log_warnings(settings: Settings) -> None:
    """Log as the environment says, and warnings only where it says nothing: a command has its own words."""
    from winnow.monitoring.logs import configure_logging  # noqa: PLC0415

    chosen = "log_level" in settings.model_fields_set
    configure_logging(settings if chosen else settings.model_copy(update={"log_level": "warning"}))


def find_project(given: Path | None) -> Path:
    """Return the folder that was given (its winnow.toml will do), or the nearest from here upwards that has one."""
    if given is None and (named := os.environ.get(f"{PREFIX}PROJECT")):
        given = Path(named)
    if given is not None:
        return given.parent if given.name == FILE_NAME else given
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / FILE_NAME).is_file()), here)


def command(function: Callable[Concatenate[Session, _Given], None]) -> Callable[..., None]:
    """Give a command the common options, a session, and an end that says what went wrong."""

    def run(
        context: typer.Context,
        *,
        project: ProjectFolder = None,
        as_json: AsJson = False,
        debug: Debug = False,
        **given: Any,
    ) -> None:
        out = Output(as_json=as_json)
        before_the_command: Path | None = context.find_root().obj
        with _told(out, debug=debug):
            function(Session(project or before_the_command, out), **given)  # type: ignore[call-arg]

    own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    common = list(inspect.signature(run, eval_str=True).parameters.values())[:-1]
    named = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in [*own, *common]]
    run.__signature__ = inspect.Signature(named)  # type: ignore[attr-defined]
    run.__annotations__ = {}
    run.__name__, run.__doc__ = function.__name__, _flowing(inspect.getdoc(function) or "")
    return run


def _user() -> str:
    """Who is at the terminal, as the audit trail has it. A container may know no name for its user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _flowing(text: str) -> str:
    """One line for each paragraph: typer breaks lines itself, and keeps those breaks that it finds."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


@contextmanager
def _told(out: Output, *, debug: bool) -> Iterator[None]:
    """End the command with one sentence and the error's exit code."""
    try:
        yield
    except (typer.Exit, typer.BadParameter, BrokenPipeError):
        raise
    except (Exception, KeyboardInterrupt) as error:
        code = exit_code_of(error)
        if debug:
            sys.stderr.write(traceback.format_exc())
        out.problem(error, _sentence(error, debug=debug), code)
        raise typer.Exit(code) from error


def _sentence(error: BaseException, *, debug: bool) -> str:
    if isinstance(error, WinnowError):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}"
    remedy = "" if debug else " Run the command again with --debug for the traceback, and report it."
    return f"this is a bug in Winnow: {type(error).__name__}: {error}.{remedy}"
