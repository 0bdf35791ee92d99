"""Jobs: work for later. A ticket at once, and the result when it is ready."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from starlette.status import HTTP_202_ACCEPTED

from winnow import domain
from winnow.api.access import EDITOR, ServiceName, Ticket, UseRuntime, refusals
from winnow.api.asking import asking_body
from winnow.api.inputs import Asked, decode
from winnow.api.predict import caller_of, content_type
from winnow.api.schemas import WEBHOOK, JobsQuery, WaitQuery
from winnow.client.answers import Job, JobsPage
from winnow.errors import InvalidInput, NotFound
from winnow.jobs.desk import MAX_KEY, Desk, Order, Standing
from winnow.runtime import Runtime
from winnow.store.jobs import NewJob

router = APIRouter(tags=["jobs"])

LOCATION = {"Location": {"description": "Where the job is to be asked for.", "schema": {"type": "string"}}}

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=MAX_KEY,
        pattern=r"^[ -~]+$",
        description="The same key is answered with the same ticket, however often it is sent.",
    ),
]

_MORE = ("webhook", "kind")
_LIGHT_BODY = 100_000
"""Bytes of texts that are prepared in the event loop's own thread: handing them over would cost more."""


def _submission_body() -> dict[str, Any]:
    """What a predict request has, and a webhook; or a wish to train."""
    webhook = {"anyOf": [{"type": "string"}, {"type": "null"}], "description": WEBHOOK}
    body = asking_body("PredictJob", {"webhook": webhook, "kind": {"const": "predict"}})
    content = body["requestBody"]["content"]["application/json"]
    train = {
        "title": "TrainJob",
        "type": "object",
        "properties": {"kind": {"const": "train"}, "webhook": webhook},
        "required": ["kind"],
        "additionalProperties": False,
    }
    content["schema"] = {"title": "JobRequest", "anyOf": [content["schema"], train]}
    content["examples"]["train"] = {"summary": "Training", "value": {"kind": "train"}}
    return body


@router.post(
    "/services/{service}/jobs",
    status_code=HTTP_202_ACCEPTED,
    responses={202: {"headers": LOCATION}, **refusals(404, 409, 422, 429, 503)},
    openapi_extra=_submission_body(),
    dependencies=[EDITOR],
)
async def submit_job(
    service: ServiceName,
    request: Request,
    response: Response,
    runtime: UseRuntime,
    idempotency_key: IdempotencyKey = None,
) -> Job:
    """Take in what a predict request asks, or a wish to train, and answer with the job at once.

    Its id is the ticket, under which its result is found once it is finished. What was accepted is in the store.
    """
    asked = runtime.service(service)
    body = await request.body()
    caller = caller_of(request.scope)
    order = Order(caller.request_id, caller.client, idempotency_key)
    if (wish := _wish_to_train(body)) is not None:
        new = runtime.desk.train(service, order=_told(order, wish))
    else:
        question = decode(body, content_type(request.scope), _MORE)
        asked.check_open(0, question.options)
        heavy = asked.reader.files or len(body) > _LIGHT_BODY
        arguments = runtime.desk, service, question, order
        new = await asyncio.to_thread(_predict_job, *arguments) if heavy else _predict_job(*arguments)
    return accepted(await runtime.intake.put(new), response)


@router.get("/jobs", responses=refusals(422, 503), dependencies=[EDITOR])
def list_jobs(runtime: UseRuntime, query: Annotated[JobsQuery, Query()]) -> JobsPage:
    """The newest jobs first. Filters narrow each other; `before` goes back from page to page."""
    try:
        found = runtime.desk.jobs(query.n, **query.model_dump(exclude={"n"}))
    except NotFound as error:
        raise InvalidInput(f"query.service: {error}") from None
    return JobsPage(tuple(map(job_answer, found)))


@router.get("/jobs/{ticket}", responses=refusals(404, 422, 503), dependencies=[EDITOR])
async def show_job(ticket: Ticket, runtime: UseRuntime, query: Annotated[WaitQuery, Query()]) -> Job:
    """One job: whether it waits, and behind how many; how far it is; how it ended. `wait` waits for its end."""
    if query.wait:
        job = await runtime.watch.ended(ticket, query.wait)
    else:
        job = await asyncio.to_thread(runtime.desk.job, ticket)
    return await described(runtime, job)


@router.delete("/jobs/{ticket}", responses=refusals(404, 409, 503), dependencies=[EDITOR])
def cancel_job(ticket: Ticket, runtime: UseRuntime) -> Job:
    """Cancel a job that has not ended. Nothing that is still done for it is kept."""
    return job_answer(runtime.desk.cancel(ticket))


def accepted(job: domain.Job, response: Response) -> Job:
    """Answer with a ticket, and with where it is asked for."""
    response.headers["Location"] = f"/jobs/{job.id}"
    return job_answer(job)


async def described(runtime: Runtime, job: domain.Job) -> Job:
    """A job with its place in the queue, where it waits in one."""
    if job.status is not domain.Status.QUEUED:
        return job_answer(job)
    return job_answer(job, await asyncio.to_thread(runtime.desk.standing, job))


def job_answer(job: domain.Job, standing: Standing = Standing(None, None)) -> Job:  # noqa: B008  (it is frozen)
    """What the API shows of a job."""
    return Job(
        id=job.id,
        service=job.service,
        kind=job.kind,
        status=job.status,
        attempt=job.attempt,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        expires_at=job.expires_at,
        progress=job.progress,
        error=job.error,
        position=standing.position,
        estimated_wait=standing.estimated_wait,
    )


def _predict_job(desk: Desk, service: str, asked: Asked, order: Order) -> NewJob:
    if asked.more.get("kind", "predict") != "predict":
        raise InvalidInput("'kind' should be predict beside 'input' or 'inputs'; {\"kind\": \"train\"} has neither")
    order = _told(order, asked.more)
    return desk.predict(service, asked.values, several=asked.several, order=order, options=asked.options)


def _wish_to_train(body: bytes) -> Mapping[str, Any] | None:
    """The body where it is one; all others are left to `decode`."""
    if b'"train"' not in body[:10_000]:
        return None
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or content.get("kind") != "train" or content.keys() & {"input", "inputs"}:
        return None
    unknown = content.keys() - {"kind", "webhook"}
    if unknown:
        raise InvalidInput(
            f"training is asked for with 'kind' and perhaps 'webhook', not with '{min(unknown)[:60]}'"
        )
    return content


def _told(order: Order, more: Mapping[str, Any]) -> Order:
    """The same order with the webhook that the body names."""
    webhook = more.get("webhook")
    if webhook is not None and not isinstance(webhook, str):
        raise InvalidInput("'webhook' should be an address, such as https://example.org/told")
    return Order(order.request_id, order.client, order.idempotency_key, webhook)
