"""A body is read for what it is, not for what it is called.

`curl -d` calls JSON a form, and some clients call it nothing. Every route here reads JSON but those for files and
images, so whatever is called neither a multipart form nor an image is taken for JSON. Pages of other sites cannot
make use of that: the edge refuses them.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

_JSON = (b"content-type", b"application/json")
_OTHERS = (b"multipart/", b"image/")


class BodiesAsJson:
    """Calls every body JSON that does not say it is a multipart form or an image."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] == "http":
            headers = scope["headers"]
            called = next((value for name, value in headers if name == b"content-type"), b"")
            if not called.lower().startswith(_OTHERS):
                others = [header for header in headers if header[0] != b"content-type"]
                scope["headers"] = [*others, _JSON]
        await self._app(scope, receive, send)
