"""The page as one program: Streamlit behind a guard, with forms to sign in.

async with (page := create_page("http://127.0.0.1:8000")).lifespan():
    ...  # serve `page` under /ui

It has no other access than the API, whether it is served beside the API or in a process of its own.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

from starlette.types import Receive, Scope, Send

from winnow.errors import MissingExtra
from winnow.ui.guard import PageGuard
from winnow.ui.shell import Shell

OPTIONS = MappingProxyType(
    {
        "browser.gatherUsageStats": False,
        "client.showErrorDetails": "none",
        "client.toolbarMode": "minimal",
        "global.developmentMode": False,
        "logger.enableRich": False,
        "logger.hideWelcomeMessage": True,
        "logger.level": "warning",
        "runner.magicEnabled": False,
        "runner.postScriptGC": False,  # it would stop the whole process, predictions too, after every click
        "secrets.files": [],
        "server.baseUrlPath": "",
        "server.enableAgentApi": False,
        "server.enableStaticServing": False,
        "server.enableXsrfProtection": True,
        "server.fileWatcherType": "none",
        "server.headless": True,
        "theme.light.primaryColor": "#2f6f4f",
        "theme.light.backgroundColor": "#ffffff",
        "theme.light.secondaryBackgroundColor": "#f3f5f1",
        "theme.light.textColor": "#1d2420",
        "theme.light.linkColor": "#23563d",
        "theme.dark.primaryColor": "#5fae85",
        "theme.dark.backgroundColor": "#141816",
        "theme.dark.secondaryBackgroundColor": "#1f2622",
        "theme.dark.textColor": "#e8ece9",
        "theme.dark.linkColor": "#7cc39d",
        "theme.baseRadius": "0.5rem",
        "theme.showWidgetBorder": True,
    }
)
"""What Streamlit is told, whatever files of its own say. It asks nobody but the browser and the API."""

SCRIPT = Path(__file__).parent / "script" / "page.py"
"""The file that Streamlit runs."""


class Page:
    """The page, to be served under `/ui`; only while its `lifespan` is open. One at a time in a process."""

    def __init__(self, api: str, max_upload_mb: float) -> None:
        self._api = api
        self._max_upload_mb = max_upload_mb
        self._guarded: PageGuard | None = None

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Keep the page's program running."""
        from streamlit.file_util import get_static_dir  # noqa: PLC0415  (half a second, for who serves it only)
        from streamlit.starlette import App  # noqa: PLC0415
        from streamlit.web import bootstrap  # noqa: PLC0415

        bootstrap.load_config_options({**OPTIONS, "server.maxUploadSize": max(1, int(self._max_upload_mb))})
        app = App(SCRIPT, secrets={"winnow": {"api": self._api}})
        async with app.lifespan()(app):
            _hand_logs_over()
            self._guarded = PageGuard(Shell(app, Path(get_static_dir())), self._api)
            yield
            self._guarded = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what comes in under `/ui`. `scope["path"]` is the whole path."""
        if self._guarded is None:
            raise RuntimeError("the page is served while its lifespan is open only")
        within = {**scope, "root_path": f"{scope.get('root_path', '')}/ui"}
        await self._guarded(within, receive, send)


def create_page(api: str, *, max_upload_mb: float = 1024.0) -> Page:
    """Build the page that asks the API at this address; `MissingExtra` where Streamlit is not installed."""
    if not page_installed():
        raise MissingExtra("the page", "ui")
    return Page(api, max_upload_mb)


def page_installed() -> bool:
    """Whether what the page is made of is installed; nothing of it is loaded by asking."""
    return find_spec("streamlit") is not None


def _hand_logs_over() -> None:
    """Let Winnow write what Streamlit logs: its own handlers would write lines in another shape, and some twice."""
    for name, known in logging.root.manager.loggerDict.items():
        if isinstance(known, logging.Logger) and name.startswith(("streamlit", "uvicorn", "websockets")):
            known.handlers.clear()
            known.propagate = True
            if name.startswith("uvicorn"):
                known.setLevel(logging.WARNING if name == "uvicorn.access" else logging.NOTSET)
