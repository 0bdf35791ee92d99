"""The page `/docs`: every route, to read and to try.

Its scripts come from an installed package, not from the network.
"""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

_SETTINGS = {"tryItOutEnabled": True, "displayRequestDuration": True, "defaultModelsExpandDepth": 0}


def add_docs_page(api: FastAPI) -> None:
    """Serve the page at `/docs` and its files at `/docs/files`."""

    async def page(request: Request) -> Response:
        root = request.scope.get("root_path", "").rstrip("/")
        return get_swagger_ui_html(
            openapi_url=f"{root}{api.openapi_url}",
            title=api.title,
            swagger_js_url=f"{root}/docs/files/swagger-ui-bundle.js",
            swagger_css_url=f"{root}/docs/files/swagger-ui.css",
            swagger_favicon_url=f"{root}/docs/files/favicon-32x32.png",
            swagger_ui_parameters=_SETTINGS,
        )

    api.mount("/docs/files", StaticFiles(packages=[("fastapi_swagger", "resources")]))
    api.add_route("/docs", page, include_in_schema=False)
