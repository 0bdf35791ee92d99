"""The guard: finds out who sent each request. What they may do is for the routes to say."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from winnow.accounts.authenticator import Authenticator
from winnow.domain import Identity

_WITH_PASSWORDS = (("POST", "/session"), ("POST", "/account/password"))
"""Requests that bring a name and a password in their body. What else they bring does not count: somebody whose
session ran out must be able to sign in again."""


class Guard:
    """`scope["state"]["identity"]` is who sent the request, for all layers inside.

    Wrong credentials are refused wherever they are sent; none at all make somebody anonymous.
    """

    def __init__(self, app: ASGIApp, authenticator: Authenticator) -> None:
        self._app = app
        self._authenticator = authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] == "http":
            scope["state"]["identity"] = await self._identify(scope)
        await self._app(scope, receive, send)

    async def _identify(self, scope: Scope) -> Identity:
        for name, value in scope["headers"]:
            if name == b"authorization" and (scope["method"], scope["path"]) not in _WITH_PASSWORDS:
                known = self._authenticator.remembered(value)
                return known or await self._authenticator.identify(value, address_of(scope))
        return self._authenticator.remembered_anonymous() or await self._authenticator.anonymous()


def address_of(scope: Scope) -> str:
    """Where a request came from, as wrong passwords are counted."""
    client = scope.get("client")
    return client[0] if client else "local"
