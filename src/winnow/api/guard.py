"""The guard: finds out who sent each request. What they may do is for the routes to say."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from winnow.domain import Identity, Role
from winnow.settings import Settings


class Guard:
    """`scope["state"]["identity"]` is who sent the request, for all layers inside."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        known = settings.anonymous not in ("auto", "nobody")
        role = Role(settings.anonymous) if known else Role.ADMIN if settings.anonymous == "auto" else None
        self._anonymous = Identity("anonymous", role, "anonymous")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] == "http":
            scope["state"]["identity"] = self._anonymous
        await self._app(scope, receive, send)
