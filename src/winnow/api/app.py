"""The application: every route behind one edge."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from winnow import __version__
from winnow.api import examples, history, operations, runs, services, versions
from winnow.api.edge import Edge
from winnow.api.predict import PredictLane
from winnow.api.problems import problem, problem_response
from winnow.runtime import Runtime
from winnow.settings import Settings

MEGABYTE = 1_000_000


def create_app(settings: Settings) -> FastAPI:
    """Build the application of a project. Its store and models are opened when the server starts it."""
    runtime = Runtime(settings)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with runtime:
            yield

    app = FastAPI(
        title=f"Winnow: {runtime.workspace.project.name}",
        version=__version__,
        description="Predictions with a history, feedback, training, gates and rollback.",
        lifespan=lifespan,
        exception_handlers={RequestValidationError: _invalid, HTTPException: _refused},
    )
    app.state.runtime = runtime
    for module in (services, history, examples, runs, versions, operations):
        app.include_router(module.router)
    app.add_middleware(PredictLane, runtime=runtime)
    app.add_middleware(
        Edge,
        metrics=runtime.metrics,
        max_body=int(settings.max_body_mb * MEGABYTE),
        max_upload=int(settings.max_upload_mb * MEGABYTE),
    )
    return app


async def _invalid(request: Request, error: Exception) -> Response:
    """Word what FastAPI finds wrong with a request as one sentence for each key."""
    assert isinstance(error, RequestValidationError)
    sentences = [f"{'.'.join(str(part) for part in entry['loc'])}: {entry['msg']}" for entry in error.errors()]
    return problem_response(problem(422, "; ".join(sentences), request.state.request_id, kind="invalid-input"))


async def _refused(request: Request, error: Exception) -> Response:
    """Word HTTP's own refusals: no such route, wrong method."""
    assert isinstance(error, HTTPException)
    detail = error.detail
    if error.status_code == 404:
        detail = f"there is no route {request.url.path}: /docs lists them all"
    return problem_response(problem(error.status_code, detail, request.state.request_id))
