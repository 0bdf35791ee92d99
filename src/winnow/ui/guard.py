"""Who may see the page: nobody is drawn a page, or sent a file of it, whom the API would not answer."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from winnow.client.account_answers import Identity
from winnow.errors import WinnowError
from winnow.ui.documents import message_page
from winnow.ui.same_origin import HOME, same_host
from winnow.ui.sign_in import PASSWORD, SIGN_IN, SIGN_OUT, SignIn
from winnow.ui.visitors import COOKIE, Visitors

_FORMS = frozenset({SIGN_IN, PASSWORD, SIGN_OUT})
_POLICY_VIOLATION, _TRY_AGAIN_LATER = 1008, 1013
_HEADERS: Mapping[bytes, bytes] = {
    b"content-security-policy": b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    b"style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    b"connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; frame-ancestors 'self'",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",
}
"""The page's own scripts draw charts with expressions that they compile. Nothing comes from another address."""


class PageGuard:
    """Stands before the page's program: forms for who is not known yet, the page for who may see it."""

    def __init__(self, page: ASGIApp, api: str) -> None:
        self._page = page
        self._visitors = Visitors(api)
        self._sign_in = SignIn(api, self._visitors)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or one connection."""
        if scope["type"] == "websocket":
            await self._connect(scope, receive, send)
            return
        refusal = await self._refusal(Request(scope, receive))
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        await self._page(scope, receive, _with_headers(send))

    async def _refusal(self, request: Request) -> Response | None:
        """What is answered in the page's place; None where the page itself may."""
        path = request.scope["path"]
        if path == "/ui":
            return RedirectResponse(HOME, 307)
        try:
            if path in _FORMS:
                return await self._sign_in.answer(request)
            identity = await self._visitors.identify(request.cookies.get(COOKIE))
        except WinnowError as error:
            return message_page("Winnow does not answer", f"{error}.", 503, (path, "Try again"))
        wanted = f"{path}?{request.url.query}" if request.url.query else path
        if identity.one_time:
            return _redirect(PASSWORD, wanted)
        return _redirect(SIGN_IN, wanted) if identity.role is None else None

    async def _connect(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a browser's connection through; close it before it is accepted otherwise."""
        connection = HTTPConnection(scope)
        if not same_host(Headers(scope=scope)):
            await _close(receive, send, _POLICY_VIOLATION)
            return
        try:
            identity = await self._visitors.identify(connection.cookies.get(COOKIE))
        except WinnowError:
            await _close(receive, send, _TRY_AGAIN_LATER)
            return
        if _may_see(identity):
            await self._page(scope, receive, send)
        else:
            await _close(receive, send, _POLICY_VIOLATION)


def _may_see(identity: Identity) -> bool:
    return identity.role is not None and not identity.one_time


def _redirect(form: str, wanted: str) -> Response:
    return RedirectResponse(f"{form}?next={quote(wanted, safe='')}", 303, {"Cache-Control": "no-store"})


async def _close(receive: Receive, send: Send, code: int) -> None:
    await receive()
    await send({"type": "websocket.close", "code": code})


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *_HEADERS.items()]
        await send(message)

    return send_with_headers
