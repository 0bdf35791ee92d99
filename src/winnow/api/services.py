"""Services: what is served, and the question put to it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from winnow.api.access import UseRuntime, refusals
from winnow.api.predict import ROUTE, caller_of, predict
from winnow.api.schemas import PredictionOut, PredictionsOut, PredictRequest, ServiceOut, ServicesPage
from winnow.runtime import Runtime

router = APIRouter(tags=["services"])

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": PredictRequest.model_json_schema()}},
    }
}


@router.get("/services")
def list_services(runtime: UseRuntime) -> ServicesPage:
    """All services of the project, with their state."""
    project = runtime.workspace.project
    return ServicesPage(project=project.name, services=[_describe(runtime, name) for name in project.services])


@router.get("/services/{service}", responses=refusals(404))
def show_service(service: str, runtime: UseRuntime) -> ServiceOut:
    """One service: its task, labels, champion, gates and state."""
    runtime.service(service)
    return _describe(runtime, service)


@router.post(
    ROUTE,
    response_model=PredictionOut | PredictionsOut,
    responses=refusals(404, 422, 429, 503, 504),
    openapi_extra=_BODY,
)
async def predict_inputs(service: str, request: Request, runtime: UseRuntime) -> Response:
    """Answer one input, or several: each row is answered or refused by itself."""
    answer = await predict(runtime, service, await request.body(), caller_of(request.scope))
    return Response(answer, media_type="application/json")


def _describe(runtime: Runtime, name: str) -> ServiceOut:
    config = runtime.workspace.config(name)
    champion = runtime.loader.version(name)
    problem = runtime.loader.problem(name)
    return ServiceOut(
        name=name,
        task=config.task,
        description=config.description,
        state="untrained" if champion is None and problem is None else "degraded" if problem else "ready",
        problem=problem,
        labels=list(config.known_labels) if config.known_labels else None,
        several=config.several,
        champion=champion,
        candidates=[candidate.name for candidate in config.candidates],
        gates=config.gates.described(),
        examples=runtime.workspace.example_count(name),
    )
