"""The application: every route behind one edge."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp

from winnow import __version__
from winnow.api import examples, history, operations, runs, services, versions
from winnow.api.edge import Edge
from winnow.api.predict import PredictLane
from winnow.api.problems import problem, problem_of, problem_response
from winnow.errors import WinnowError
from winnow.runtime import Runtime
from winnow.settings import Settings

MEGABYTE = 1_000_000


def create_app(settings: Settings) -> ASGIApp:
    """Build the application of a project. Its store and models are opened when the server starts it.

    The edge and the lane for predictions stand outside FastAPI: a prediction passes through neither its layers nor
    its router.
    """
    runtime = Runtime(settings)
    return Edge(
        PredictLane(create_api(runtime), runtime),
        metrics=runtime.metrics,
        max_body=int(settings.max_body_mb * MEGABYTE),
        max_upload=int(settings.max_upload_mb * MEGABYTE),
    )


def create_api(runtime: Runtime) -> FastAPI:
    """Build the routes, without their edge."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with runtime:
            yield

    api = FastAPI(
        title=f"Winnow: {runtime.workspace.project.name}",
        version=__version__,
        description="Predictions with a history, feedback, training, gates and rollback.",
        lifespan=lifespan,
        exception_handlers={
            RequestValidationError: _invalid,
            HTTPException: _refused,
            WinnowError: _known,
            Exception: _unexpected,
        },
    )
    api.state.runtime = runtime
    for module in (services, history, examples, runs, versions, operations):
        api.include_router(module.router)
    return api


async def _known(request: Request, error: Exception) -> Response:
    """Word an error of Winnow's own."""
    assert isinstance(error, WinnowError)
    return problem_response(problem_of(error, request.state.request_id))


async def _unexpected(request: Request, _error: Exception) -> Response:
    """Answer for a bug; the edge, which sees the error next, logs it."""
    return problem_response(
        problem(500, "Winnow failed on this request: its log says why", request.state.request_id)
    )


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
