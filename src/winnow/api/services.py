"""Services: what is served, and the question put to it."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from winnow.api.access import VIEWER, ServiceName, UseRuntime, refusals
from winnow.api.asking import asking_body
from winnow.api.inputs import decode
from winnow.api.predict import ROUTE, caller_of, content_type, predict
from winnow.client.answers import Prediction, PredictionsPage, Service, ServicesPage
from winnow.runtime import Runtime

router = APIRouter(tags=["services"])


@router.get("/services", dependencies=[VIEWER])
def list_services(runtime: UseRuntime) -> ServicesPage:
    """All services of the project, with their state."""
    project = runtime.workspace.project
    return ServicesPage(project.name, tuple(_describe(runtime, name) for name in project.services))


@router.get("/services/{service}", responses=refusals(404), dependencies=[VIEWER])
def show_service(service: ServiceName, runtime: UseRuntime) -> Service:
    """One service: its task, labels, champion, gates and state."""
    runtime.service(service)
    return _describe(runtime, service)


@router.post(
    ROUTE,
    response_model=Prediction | PredictionsPage,
    responses=refusals(404, 422, 429, 503, 504),
    openapi_extra=asking_body("PredictRequest"),
    dependencies=[VIEWER],
)
async def predict_inputs(service: ServiceName, request: Request, runtime: UseRuntime) -> Response:
    """Answer one input with one prediction, or several inputs with one entry for each.

    Where several are sent, each is answered or refused by itself. A prediction has `label`, or `labels` where
    several may apply. An image may be sent as it is, or in a form, where two or more are several inputs.
    """
    runtime.service(service).check_room()
    asked = decode(await request.body(), content_type(request.scope))
    answer = await predict(runtime, service, asked, caller_of(request.scope))
    return Response(answer, media_type="application/json")


def _describe(runtime: Runtime, name: str) -> Service:
    config = runtime.workspace.config(name)
    champion = runtime.loader.version(name)
    problem = runtime.loader.problem(name)
    return Service(
        name=name,
        task=config.task,
        description=config.description,
        state="untrained" if champion is None and problem is None else "degraded" if problem else "ready",
        problem=problem,
        labels=config.known_labels,
        several=config.several,
        champion=champion,
        candidates=tuple(candidate.name for candidate in config.candidates),
        gates=config.gates.described(),
        examples=runtime.workspace.example_count(name),
    )
