"""The `winnow` command itself: its commands, in the order in which one needs them."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated

import typer

from winnow import __version__
from winnow.cli import exit_codes
from winnow.cli.alerts import alerts
from winnow.cli.audit import audit
from winnow.cli.cancel import cancel
from winnow.cli.command import ProjectFolder
from winnow.cli.doctor import doctor
from winnow.cli.erase import erase
from winnow.cli.export import export
from winnow.cli.history import history
from winnow.cli.import_ import import_
from winnow.cli.jobs import jobs
from winnow.cli.load import load
from winnow.cli.new import new
from winnow.cli.predict import predict
from winnow.cli.report import report
from winnow.cli.status import status
from winnow.cli.submit import submit
from winnow.cli.tokens import tokens
from winnow.cli.train import train
from winnow.cli.ui import ui
from winnow.cli.up import up
from winnow.cli.users import users
from winnow.cli.versions import promote, rollback, versions
from winnow.cli.worker import worker

COMMANDS: Mapping[str, tuple[Callable[..., None], ...]] = MappingProxyType(
    {
        "Begin": (new, doctor, status),
        "Data": (load, export, erase),
        "Learn": (train, cancel, report, import_),
        "Decide": (versions, promote, rollback),
        "Answer": (up, ui, predict, history),
        "Watch": (alerts,),
        "Jobs": (submit, jobs, worker),
        "People": (users, tokens, audit),
    }
)


def main() -> None:
    """Run the command line. The process ends with one of `winnow.cli.exit_codes`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what a terminal cannot show must not end a command
            stream.reconfigure(errors="backslashreplace")
    build()()


def build() -> typer.Typer:
    """Make the application. Help has frames and colours on a terminal only."""
    app = typer.Typer(
        name="winnow",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich" if sys.stdout.isatty() and sys.stderr.isatty() else None,
        epilog=f"Exit codes: {_codes()}",
    )
    app.callback()(_winnow)
    for panel, functions in COMMANDS.items():
        for function in functions:
            app.command(function.__name__.rstrip("_"), rich_help_panel=panel)(function)
    return app


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"winnow {__version__}")
        raise typer.Exit


def _winnow(
    context: typer.Context,
    project: ProjectFolder = None,
    version: Annotated[  # noqa: ARG001  (its callback has done it)
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """From labelled examples to a monitored prediction service that keeps improving."""
    context.obj = project


def _codes() -> str:
    return ", ".join(f"{code.value} {code.name.lower().replace('_', ' ')}" for code in exit_codes.ExitCode)
