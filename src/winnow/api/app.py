"""The application: every route behind one edge."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from winnow import __version__
from winnow.api import (
    accounts,
    alerts,
    erasures,
    events,
    examples,
    files,
    history,
    jobs,
    library,
    live,
    operations,
    refusing,
    results,
    runs,
    services,
    snapshots,
    versions,
)
from winnow.api.bodies import BodiesAsJson
from winnow.api.dialects.classic import add_classic_images
from winnow.api.dialects.classic_texts import add_classic_texts
from winnow.api.docs_page import add_docs_page
from winnow.api.documentation import TAGS, DocumentedAPI
from winnow.api.doors import Doors, doors_of
from winnow.api.edge import Edge
from winnow.api.guard import Guard
from winnow.api.head import HeadAsGet
from winnow.api.page import PageMount, page_of
from winnow.api.predict import PredictLane
from winnow.api.stopping import told_to_stop
from winnow.errors import WinnowError
from winnow.runtime import Runtime
from winnow.settings import Settings
from winnow.ui.app import Page

MEGABYTE = 1_000_000


def create_app(settings: Settings) -> ASGIApp:
    """Build the application of a project. Its store and models are opened when the server starts it.

    The edge, the guard and the lane for predictions stand outside FastAPI: a prediction passes through neither its
    layers nor its router.
    """
    runtime = Runtime(settings)
    page = page_of(settings)
    api = create_api(runtime, None if isinstance(page, str) else page)
    inner = HeadAsGet(Doors(BodiesAsJson(api), doors_of(api)))
    return Edge(
        PageMount(Guard(PredictLane(inner, runtime), runtime.authenticator), page),
        metrics=runtime.metrics,
        max_body=int(settings.max_body_mb * MEGABYTE),
        max_upload=int(settings.max_upload_mb * MEGABYTE),
    )


def create_api(runtime: Runtime, page: Page | None = None) -> FastAPI:
    """Build the routes, without their edge. The page, where there is one, runs while they are served."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with (
            runtime,
            runtime.worker() if runtime.settings.concurrency else nullcontext(),
            page.lifespan() if page is not None else nullcontext(),
        ):
            with told_to_stop(runtime.watch.stop):
                yield

    api = DocumentedAPI(
        title=f"Winnow: {runtime.workspace.project.name}",
        version=__version__,
        description=(
            "Predictions with a history, tickets for later, feedback, training, gates and rollback. "
            "Every refusal is a problem (RFC 9457) of one shape."
        ),
        openapi_tags=TAGS,
        docs_url=None,  # ours needs no network: see docs_page.py
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
        redirect_slashes=False,  # one address for each thing
        lifespan=lifespan,
        exception_handlers={
            RequestValidationError: refusing.refuse_invalid,
            HTTPException: refusing.refuse_http,
            WinnowError: refusing.refuse_known,
            Exception: refusing.answer_for_bug,
        },
    )
    api.state.runtime = runtime
    for module in (
        services,
        library,
        jobs,
        results,
        events,
        files,
        history,
        examples,
        snapshots,
        erasures,
        runs,
        versions,
        live,
        alerts,
        operations,
        accounts,
    ):
        api.include_router(module.router)
    if runtime.workspace.project.classic.images is not None:
        add_classic_images(api, runtime.workspace.project.classic.images)
    add_classic_texts(api, runtime.workspace.project.classic)
    add_docs_page(api)
    doors_of(api)  # a route that does not say who may use it is never served
    return api
