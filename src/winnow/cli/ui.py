"""`winnow ui`: the page in a process of its own, in front of an API that runs elsewhere."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer

from winnow.cli.command import Session, command
from winnow.cli.options import with_settings
from winnow.cli.output import styled
from winnow.settings import Settings

_OWN = ("max_upload_mb", "log_level", "log_format")
"""The settings that mean something to a process which only serves the page."""


@command
@with_settings(without=[name for name in Settings.model_fields if name not in _OWN])
def ui(
    session: Session,
    api: Annotated[
        str, typer.Option("--api", metavar="URL", envvar="WINNOW_API", help="Address of the API to ask.")
    ] = "http://127.0.0.1:8000",
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = 8501,
    **given: Any,
) -> None:
    """Serve the page alone, in front of an API that runs elsewhere.

    It needs no project, no database and no model: it asks the API, with the rights of whoever looks at it. `winnow
    up` serves the same page beside the API already.
    """
    from winnow.api.front_end import serve_page  # noqa: PLC0415  (a second that --help does not need)
    from winnow.monitoring.logs import configure_logging  # noqa: PLC0415

    settings = session.settings(host=host, port=port, **given)
    configure_logging(settings)
    signal.signal(signal.SIGTERM, _stop)

    def announce(address: str) -> None:
        page = f"{address}/ui"
        greeting = (styled(f"The page is at {page}", "bold green"), f"  it asks    {api}", "  stop it    Ctrl-C")
        session.out.result({"page": page, "api": api}, *greeting)

    try:
        serve_page(settings, api, announce)
    except KeyboardInterrupt:  # how one stops it
        session.out.note("stopped")


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    """End as asked. The server takes the signal over while it serves, and hands it back when it is done."""
    raise typer.Exit(0)
