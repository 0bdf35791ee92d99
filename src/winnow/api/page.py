"""The page under `/ui`, beside the API in one process; and where there is none, what would bring it."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from winnow.api.problems import http_problem, problem_response
from winnow.errors import MissingExtra
from winnow.settings import Settings
from winnow.ui.app import Page, create_page

ROOT = "/ui"
_NOT_FOUND, _GOING_AWAY = 404, 1001


@dataclass(frozen=True, slots=True)
class _Route:
    """What figures call a request by."""

    path: str


class PageMount:
    """Sends what is asked for under `/ui` to the page, and all else on; `/` leads browsers to something to read."""

    def __init__(self, app: ASGIApp, page: Page | str) -> None:
        self._app = app
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request, or one connection, to whom it is for."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["path"] == ROOT or scope["path"].startswith(f"{ROOT}/"):
            scope["route"] = _Route(ROOT)
            await self._answer(scope, receive, send)
        elif scope["path"] == "/" and _wants_html(scope):
            home = "/docs" if isinstance(self._page, str) else f"{ROOT}/"
            await RedirectResponse(home, 307)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not isinstance(self._page, str):
            await self._page(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": _GOING_AWAY})
        else:
            problem = http_problem(_NOT_FOUND, self._page, scope["state"]["request_id"])
            await problem_response(problem)(scope, receive, send)


def page_of(settings: Settings) -> Page | str:
    """The page that these settings ask for; or, in a sentence, why there is none and what would bring it."""
    if not settings.page:
        return "the page is switched off: start without --no-page, or with WINNOW_PAGE=true"
    if settings.workers > 1:
        return (
            f"the page is not served by {settings.workers} processes that share a port: start it beside them with "
            f"`winnow ui --api http://{_host(settings)}:{settings.port}`"
        )
    try:
        return create_page(f"http://{_host(settings)}:{settings.port}", max_upload_mb=settings.max_upload_mb)
    except MissingExtra as error:
        return str(error)


def _host(settings: Settings) -> str:
    """Where this process reaches itself: where it listens on every address, by the loopback one."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104  (not bound here)
    return f"[{host}]" if ":" in host else host


def _wants_html(scope: Scope) -> bool:
    return scope["type"] == "http" and "text/html" in Headers(scope=scope).get("accept", "")
