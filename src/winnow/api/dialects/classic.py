"""The classic routes for images: `/info` and `/classifications`, as the systems that Winnow replaces had them.

They exist where winnow.toml names a service for them: `[project] classic = { images = "digits" }`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import parse_qsl

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from winnow.api.access import VIEWER, Ticket, UseRuntime, UseWorkspace, refusals
from winnow.api.dialects.classic_answers import ClassicAnswer, ClassicInfo, ClassicTicket
from winnow.api.dialects.classic_page import page
from winnow.api.forms import Entry, read_form
from winnow.api.predict import caller_of, content_type
from winnow.domain import Job, JobKind, Status
from winnow.errors import InvalidInput, NotFound, nearest
from winnow.jobs.desk import Desk, Order
from winnow.runtime import Runtime
from winnow.serving.service import Options
from winnow.store import versions
from winnow.store.jobs import NewJob
from winnow.workspace import Workspace

TOP = 5
_MAX_FIELDS = 100
_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "image": {
                            "type": "string",
                            "description": "An image file, or the name of one in the library.",
                        },
                        "model": {
                            "type": "string",
                            "description": "A candidate's name; else the champion answers.",
                        },
                    },
                    "required": ["image"],
                }
            }
        },
    }
}


def add_classic_images(api: FastAPI, service: str) -> None:
    """Add the routes for one service."""
    classic = ClassicImages(service)
    router = APIRouter(tags=["classic"])
    router.get("/info", name="classic_info", responses=refusals(404, 503), dependencies=[VIEWER])(classic.info)
    router.post(
        "/classifications",
        name="classify",
        response_model=ClassicTicket,
        responses=refusals(422, 429, 503),
        dependencies=[VIEWER],
        openapi_extra=_FORM,
    )(classic.classify)
    router.get(
        "/classifications/{job_id}",
        name="show_classification",
        response_model=ClassicAnswer,
        responses=refusals(404, 410, 503),
        dependencies=[VIEWER],
    )(classic.show)
    api.include_router(router)


class ClassicImages:
    """The three routes, answered by one service. A browser is shown a page, and programs are given JSON."""

    def __init__(self, service: str) -> None:
        self._service = service

    def info(self, workspace: UseWorkspace) -> ClassicInfo:
        """The models that may be chosen, and the images of the library."""
        library = workspace.readers[self._service].library
        return ClassicInfo(tuple(self._models(workspace)), () if library is None else tuple(library.names()))

    async def classify(self, request: Request, runtime: UseRuntime) -> Response:
        """Hand an image in, and get a ticket: as JSON where `Accept` asks for it, else as a page that waits for it.

        Two fields of a form: `image` is a file or the name of an image in the library, and `model` the name of a
        candidate, or empty for the champion.
        """
        image, model = _asked(_fields(await request.body(), content_type(request.scope)))
        order = Order(caller_of(request.scope).request_id, caller_of(request.scope).client)
        options = Options(version=model or None, top_k=TOP)
        runtime.service(self._service).check_open(0, options)

        def prepare() -> NewJob:
            self._check_model(runtime.workspace, model)
            return runtime.desk.predict(self._service, [image], several=False, order=order, options=options)

        job = await runtime.intake.put(await asyncio.to_thread(prepare))
        if "text/html" not in _accepted(request) and "application/json" in _accepted(request):
            return JSONResponse({"job_id": job.id})
        return self._page(request, runtime, job, ClassicAnswer(job.status))

    def show(self, job_id: Ticket, request: Request, runtime: UseRuntime) -> Response:
        """How far a ticket is, and once it is finished, the five most probable labels with their percentages."""
        job = runtime.desk.job(job_id)
        if job.service != self._service or job.kind is not JobKind.PREDICT:
            raise NotFound(f"the ticket '{job_id}' is for no classification of '{self._service}'")
        found = _classification(runtime.desk, job)
        if "text/html" in _accepted(request):
            return self._page(request, runtime, job, found)
        return JSONResponse(found.to_json(), headers={"Vary": "Accept"})

    def _page(self, request: Request, runtime: Runtime, job: Job, found: ClassicAnswer) -> Response:
        root = request.scope.get("root_path", "").rstrip("/")
        question = runtime.workspace.config(self._service).description or self._service
        content, headers = page(question, f"{root}/classifications/{job.id}", found)
        return HTMLResponse(content, headers=headers)

    def _models(self, workspace: Workspace) -> list[str]:
        with workspace.database.read() as connection:
            return versions.candidates(connection, self._service)

    def _check_model(self, workspace: Workspace, model: str) -> None:
        if model and model not in (known := self._models(workspace)):
            raise InvalidInput(f"there is no model '{model[:60]}'.{nearest(model[:60], known)}")


def _fields(body: bytes, called: str) -> Sequence[Entry]:
    """The fields of a form of either kind. What is no multipart form has lost its type on the way: see `bodies`."""
    if called.lower().startswith("multipart/"):
        return read_form(body, called)
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError as error:
        raise InvalidInput(f"the form cannot be read: {error}") from None


def _asked(fields: Sequence[Entry]) -> tuple[object, str]:
    """The image, as a service reads it, and the name of the model. Fields that were left empty are passed over."""
    images = [value for name, value in fields if name == "image" and value]
    models = [value for name, value in fields if name == "model" and value]
    if len(images) != 1:
        raise InvalidInput("the form should have one field 'image': a file, or the name of an image in the library")
    if len(models) > 1 or not all(isinstance(model, str) for model in models):
        raise InvalidInput("the form should have at most one field 'model', with a name in it")
    image = images[0] if isinstance(images[0], bytes) else {"library": images[0]}
    return image, str(models[0]) if models else ""


def _classification(desk: Desk, job: Job) -> ClassicAnswer:
    match job.status:
        case Status.FINISHED:
            scores = desk.result(job.id).get("scores")
            if scores is None:
                raise NotFound(f"the ticket '{job.id}' is for several images: GET /jobs/{job.id}/result has them")
            ranked = sorted(scores.items(), key=lambda entry: -entry[1])[:TOP]
            return ClassicAnswer(job.status, [(label, round(100 * score, 1)) for label, score in ranked])
        case Status.FAILED:
            return ClassicAnswer(job.status, error=str((job.error or {}).get("detail", "nobody knows why")))
        case Status.CANCELLED:
            return ClassicAnswer(Status.FAILED, error="the job was cancelled")
        case _:
            return ClassicAnswer(job.status)


def _accepted(request: Request) -> str:
    return request.headers.get("accept", "").lower()
