"""The document that a browser loads first: Streamlit's own, under our name, and told where its program is.

Without that it looks for its program below each page's address first, and leaves errors in the browser's log.
"""

from __future__ import annotations

import re
from pathlib import Path

from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_DOCUMENT = re.compile(r"/ui/[a-z0-9_-]*")
_HEAD = (
    '<head><title>Winnow</title><script>window.__streamlit={BACKEND_BASE_URL:location.origin+"/ui",'
    'MAIN_PAGE_BASE_URL:location.origin+"/ui"}</script>'
)
_WITHOUT_SCRIPTS = (
    "<noscript><p>This page needs JavaScript. All that it does can be done with the command <code>winnow</code> "
    "and over the API too.</p></noscript>"
)


class Shell:
    """Answers with the document where a page is asked for; all else is the program's. `files` is its folder."""

    def __init__(self, program: ASGIApp, files: Path) -> None:
        self._program = program
        self._document = _ours((files / "index.html").read_text(encoding="utf-8"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and _DOCUMENT.fullmatch(scope["path"]):
            response = HTMLResponse(self._document, headers={"Cache-Control": "no-cache"})
            await response(scope, receive, send)
        else:
            await self._program(scope, receive, send)


def _ours(document: str) -> str:
    document = re.sub(r"<title>.*?</title>", "", document, flags=re.DOTALL)
    document = re.sub(r"<noscript>.*?</noscript>", _WITHOUT_SCRIPTS, document, flags=re.DOTALL)
    return document.replace("<head>", _HEAD, 1)
