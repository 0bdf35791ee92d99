"""The page in a process of its own, in front of an API that runs elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp
from uvicorn import Config

from winnow.api.edge import Edge
from winnow.api.page import PageMount
from winnow.api.problems import http_problem, problem_response
from winnow.api.server import AnnouncingServer, address_of, listen
from winnow.client import Client
from winnow.errors import ProjectError
from winnow.hosts import is_loopback
from winnow.monitoring.metrics import Metrics
from winnow.settings import Settings
from winnow.ui.app import create_page

MEGABYTE = 1_000_000


def serve_page(settings: Settings, api: str, on_ready: Callable[[str], None]) -> None:
    """Serve the page until SIGINT or SIGTERM. It has no other rights than those who look at it have at the API.

    `MissingExtra` without Streamlit, `Conflict` where the port is taken. Where other machines could reach the page,
    `ProjectError` unless the API asks everybody who they are, and `ConnectionFailed` where it does not answer.
    """
    front_end = create_front_end(settings, api)
    _refuse_open(settings.host, api)
    with listen(settings.host, settings.port) as listener:
        address = address_of(settings.host, listener.getsockname()[1])
        config = Config(
            front_end,
            log_config=None,
            access_log=False,  # the edge writes one line for each request
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=5,
        )
        AnnouncingServer(config, lambda: on_ready(address)).run([listener])


def create_front_end(settings: Settings, api: str) -> ASGIApp:
    """Build the application: the page under `/ui`, and `/health/live` for whoever watches the process."""
    page = create_page(api, max_upload_mb=settings.max_upload_mb)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with page.lifespan():
            yield

    alone = Starlette(
        routes=[Route("/health/live", _live)], lifespan=lifespan, exception_handlers={HTTPException: _refuse}
    )
    return Edge(
        PageMount(alone, page),
        metrics=Metrics(),
        max_body=int(settings.max_body_mb * MEGABYTE),
        max_upload=int(settings.max_upload_mb * MEGABYTE),
    )


async def _live(_request: Request) -> Response:
    return JSONResponse({"status": "live"})


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = f"{error.detail}: the page is at /ui, and the API at an address of its own"
    return problem_response(http_problem(error.status_code, detail, request.state.request_id))


def _refuse_open(host: str, api: str) -> None:
    """Behind this page everybody comes from this machine, and an API may let those in without credentials."""
    if is_loopback(host):
        return
    with Client(api, token="") as client:
        role = client.whoami().role
    if role is not None:
        raise ProjectError(
            f"other machines can reach {host or 'every address'} (--host), and the API at {api} lets callers "
            f"without credentials do what the role {role} may: choose a password of your own there first, or "
            "start it with WINNOW_ANONYMOUS=nobody"
        )
