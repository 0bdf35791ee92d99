"""Runs the application: one process, or several that share a port."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable
from typing import TYPE_CHECKING

from uvicorn import Config, Server
from uvicorn.supervisors import Multiprocess

from winnow.accounts.exposure import refuse_exposed
from winnow.errors import Conflict
from winnow.monitoring.notifiers.base import open_notifiers
from winnow.settings import Settings, load_settings, to_environment
from winnow.store import Database

if TYPE_CHECKING:
    from starlette.types import ASGIApp

OnReady = Callable[[str], None]
"""Told the address, once requests are answered."""


def serve(settings: Settings, on_ready: OnReady) -> None:
    """Serve until SIGINT or SIGTERM; requests under way are answered first.

    `Conflict` where the port is taken, `ProjectError` where other machines could reach what nobody guards.
    """
    _check_exposure(settings)
    open_notifiers(settings)  # a wrong address is said here, not by each of several processes
    with listen(settings.host, settings.port) as listener:
        port = listener.getsockname()[1]
        settings = settings.model_copy(update={"port": port})  # the page has to find the API
        address = address_of(settings.host, port)
        if settings.workers == 1:
            AnnouncingServer(_config(settings), lambda: on_ready(address)).run([listener])
        else:
            _serve_together(settings, listener, lambda: on_ready(address))


def create_worker_app() -> ASGIApp:
    """Build the application in a worker process, whose settings are in its environment."""
    from winnow.api.app import create_app  # noqa: PLC0415  (the parent of workers needs no application)
    from winnow.monitoring.logs import configure_logging  # noqa: PLC0415

    settings = load_settings()
    configure_logging(settings)
    return create_app(settings)


class AnnouncingServer(Server):
    """A server that says when it answers."""

    def __init__(self, config: Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start as any server does, and say so."""
        await super().startup(sockets)
        if self.started:
            self._on_ready()


class _AnnouncingSupervisor(Multiprocess):
    """A supervisor that says when all its processes answer.

    It asks them where it asks after their health, in the same thread: two that listened for answers would take
    each other's.
    """

    def __init__(self, config: Config, sockets: list[socket.socket], on_ready: Callable[[], None]) -> None:
        super().__init__(config, sockets)
        self._on_ready: Callable[[], None] | None = on_ready

    def keep_subprocess_alive(self) -> None:
        """See to it that all live, and say so once all answer."""
        super().keep_subprocess_alive()
        if self._on_ready is not None and all(process.is_ready(timeout=1) for process in self.processes):
            self._on_ready()
            self._on_ready = None


def _serve_together(settings: Settings, listener: socket.socket, on_ready: Callable[[], None]) -> None:
    """Supervise workers that accept from one socket; their figures are added up in a shared folder."""
    with tempfile.TemporaryDirectory(prefix="winnow-metrics-") as folder:
        os.environ.update(to_environment(settings), PROMETHEUS_MULTIPROC_DIR=folder)
        _AnnouncingSupervisor(_config(settings), [listener], on_ready).run()


def _config(settings: Settings) -> Config:
    os.environ.update(to_environment(settings))
    return Config(
        "winnow.api.server:create_worker_app",
        factory=True,
        workers=settings.workers,
        log_config=None,
        access_log=False,  # the edge writes one line for each request
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=30,
    )


def listen(host: str, port: int) -> socket.socket:
    """Open the port, or a free one where that is 0; `Conflict` where it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise Conflict(
            f"cannot listen on {host}:{port}: {error.strerror}. "
            "Choose another port with --port, or 0 for a free one"
        ) from error
    listener.listen(2048)
    listener.set_inheritable(True)
    return listener


def _check_exposure(settings: Settings) -> None:
    database = Database(settings.database_url)
    try:
        refuse_exposed(settings, database)
    finally:
        database.close()


def address_of(host: str, port: int) -> str:
    """Word where a server is reached."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
