"""Runs the application: one process, or several that share a port."""

from __future__ import annotations

import ipaddress
import os
import socket
import tempfile
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from uvicorn import Config, Server
from uvicorn.supervisors import Multiprocess

from winnow.errors import Conflict, ProjectError
from winnow.settings import Settings, load_settings, to_environment

if TYPE_CHECKING:
    from starlette.types import ASGIApp

OnReady = Callable[[str], None]
"""Told the address, once requests are answered."""


def serve(settings: Settings, on_ready: OnReady) -> None:
    """Serve until SIGINT or SIGTERM; requests under way are answered first.

    `Conflict` where the port is taken, `ProjectError` where the address could be reached from other machines.
    """
    _refuse_exposed(settings.host)
    with _listen(settings) as listener:
        address = _address(settings.host, listener.getsockname()[1])
        if settings.workers == 1:
            _Announcing(_config(settings), lambda: on_ready(address)).run([listener])
        else:
            _serve_together(settings, listener, lambda: on_ready(address))


def create_worker_app() -> ASGIApp:
    """Build the application in a worker process, whose settings are in its environment."""
    from winnow.api.app import create_app  # noqa: PLC0415  (the parent of workers needs no application)
    from winnow.monitoring.logs import configure_logging  # noqa: PLC0415

    settings = load_settings()
    configure_logging(settings)
    return create_app(settings)


class _Announcing(Server):
    """A server that says when it answers."""

    def __init__(self, config: Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()


def _serve_together(settings: Settings, listener: socket.socket, on_ready: Callable[[], None]) -> None:
    """Supervise workers that accept from one socket; their figures are added up in a shared folder."""
    with tempfile.TemporaryDirectory(prefix="winnow-metrics-") as folder:
        os.environ.update(to_environment(settings), PROMETHEUS_MULTIPROC_DIR=folder)
        supervisor = Multiprocess(_config(settings), [listener])
        threading.Thread(target=_announce, args=(supervisor, on_ready), daemon=True).start()
        supervisor.run()


def _announce(supervisor: Multiprocess, on_ready: Callable[[], None]) -> None:
    """Wait for every worker, then say so."""
    while len(supervisor.processes) < supervisor.processes_num:
        if supervisor.should_exit.wait(0.05):
            return
    if all(process.wait_until_ready(600, supervisor.should_exit) for process in supervisor.processes):
        on_ready()


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


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise Conflict(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror}. "
            "Choose another port with --port, or 0 for a free one"
        ) from error
    listener.listen(2048)
    listener.set_inheritable(True)
    return listener


def _refuse_exposed(host: str) -> None:
    if host == "localhost":
        return
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if not local:
        raise ProjectError(
            f"setting 'host' (WINNOW_HOST): Winnow has no accounts yet, so it serves loopback addresses only, such "
            f"as 127.0.0.1, not {host}. Put a proxy that authenticates in front of it"
        )


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
