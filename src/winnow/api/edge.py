"""The edge of every request: its id, its bounds, its errors, its log line and its figures."""

from __future__ import annotations

import re
import time

from loguru import logger
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from winnow.api.problems import http_problem, problem_of, problem_response
from winnow.api.refusing import BUG
from winnow.domain import new_id
from winnow.errors import Forbidden, TooLarge, WinnowError
from winnow.monitoring.metrics import Metrics

REQUEST_ID = b"x-request-id"
_UPLOADS = ("/upload", "/files", "/uploadfile")
"""How the paths end that take files, which are read part by part."""
_PAGE_UPLOADS = "/ui/_stcore/upload_file/"
_PAGE_FILES = ("/ui/static/", "/ui/_stcore/", "/ui/media/", "/ui/component/", "/ui/favicon")
"""What the page is made of and says to itself: nobody wants to read dozens of lines for each look at it."""
_HARMLESS = ("GET", "HEAD", "OPTIONS")
_SANE_ID = re.compile(r"[A-Za-z0-9._~:/+=@-]{1,128}")


class Edge:
    """The outermost layer. `scope["state"]["request_id"]` is the request's id for all layers inside."""

    def __init__(self, app: ASGIApp, metrics: Metrics, max_body: int, max_upload: int) -> None:
        self._app = app
        self._metrics = metrics
        self._max_body = max_body
        self._max_upload = max_upload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens inside."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        await _Exchange(scope, receive, send, self._limit(scope)).run(self._app, self._metrics)

    def _limit(self, scope: Scope) -> int:
        path = scope["path"]
        uploads = path.endswith(_UPLOADS) or path.startswith(_PAGE_UPLOADS)
        return self._max_upload if uploads else self._max_body


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, limit: int) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._limit = limit
        self._read = 0
        self._status = 0
        self._id, self._declared, self._cross_site = _read_headers(scope)
        scope.setdefault("state", {})["request_id"] = self._id

    async def run(self, app: ASGIApp, metrics: Metrics) -> None:
        started = time.perf_counter()
        try:
            self._check_size(self._declared)
            self._check_site()
            await app(self._scope, self._receive_bounded, self._send_marked)
        except WinnowError as error:
            await self._refuse(problem_of(error, self._id))
        except Exception as error:  # noqa: BLE001  (a bug, and the last chance to answer for it)
            logger.bind(request_id=self._id).opt(exception=error).error("a request failed")
            await self._refuse(http_problem(500, BUG, self._id))
        self._account(metrics, time.perf_counter() - started)

    async def _receive_bounded(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._read += len(message.get("body", b""))
            self._check_size(self._read)
        return message

    def _check_size(self, size: int) -> None:
        if size > self._limit:
            raise TooLarge(f"the body has more bytes than the {self._limit:,} that are read here")

    def _check_site(self) -> None:
        """A page of another site, open in the operator's browser, must not train or promote behind their back."""
        if self._cross_site and self._scope["method"] not in _HARMLESS:
            raise Forbidden("a page of another site sent this: only pages of this address may change anything here")

    async def _send_marked(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            message["headers"] = [*message.get("headers", ()), (REQUEST_ID, self._id.encode())]
        await self._send(message)

    async def _refuse(self, content: dict[str, object]) -> None:
        if self._status:  # too late for another answer: the client sees the connection end early
            return
        await problem_response(content)(self._scope, self._receive, self._send_marked)

    def _account(self, metrics: Metrics, seconds: float) -> None:
        route, method = self._route(), self._scope["method"]
        metrics.count_request(route, method, self._status, seconds)
        level = "ERROR" if self._status >= 500 else self._usual_level()
        milliseconds = seconds * 1000
        message = f"{method} {self._path()} {self._status} {milliseconds:.1f} ms"
        logger.bind(request_id=self._id).log(level, message)

    def _usual_level(self) -> str:
        return "DEBUG" if self._scope["path"].startswith(_PAGE_FILES) else "INFO"

    def _path(self) -> str:
        """The path as it was sent, still quoted: nobody writes lines of their own into the log."""
        raw = self._scope.get("raw_path") or self._scope["path"].encode()
        return str(raw.decode("ascii", "backslashreplace"))

    def _route(self) -> str:
        """The route's pattern, not the path: figures stay few however many paths are tried."""
        known = self._scope.get("route")
        return known.path if known is not None and hasattr(known, "path") else "unmatched"


def _read_headers(scope: Scope) -> tuple[str, int, bool]:
    """The request's id, its body's size as declared (0 where it is not), and whether another site's page sent it.

    The id is the caller's own where that is a sane one, so that logs on both sides can be joined; else a new one.
    """
    request_id, size, cross_site = None, 0, False
    for name, value in scope["headers"]:
        if name == REQUEST_ID:
            given = value.decode("latin-1")
            if _SANE_ID.fullmatch(given):
                request_id = given
        elif name == b"content-length":
            size = int(value)  # the server has refused what is no number
        elif name == b"sec-fetch-site":
            cross_site = value == b"cross-site"
    return request_id or new_id(), size, cross_site
