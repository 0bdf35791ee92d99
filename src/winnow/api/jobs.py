"""Jobs: work for later. A ticket at once, and the result when it is ready."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Header, Query, Request, Response
from starlette.status import HTTP_202_ACCEPTED

from winnow import domain
from winnow.accounts.audit import Audit
from winnow.api.access import EDITOR, ServiceName, Ticket, UseAudit, UseRuntime, refusals, require
from winnow.api.asking import asking_body
from winnow.api.inputs import Asked, decode
from winnow.api.predict import caller_of, content_type
from winnow.api.schemas import PROMOTE, WEBHOOK, JobsQuery, WaitQuery
from winnow.client.answers import Job, JobsPage
from winnow.domain import JobKind, PromoteMode, Role
from winnow.errors import Conflict, InvalidInput, NotFound
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
    promote = {"enum": [*get_args(PromoteMode), None], "description": PROMOTE}
    body = asking_body("PredictJob", {"webhook": webhook, "kind": {"const": "predict"}})
    content = body["requestBody"]["content"]["application/json"]
    train = {
        "title": "TrainJob",
        "type": "object",
        "properties": {"kind": {"const": "train"}, "promote": promote, "webhook": webhook},
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
    audit: UseAudit,
    idempotency_key: IdempotencyKey = None,
) -> Job:
    """Take in what a predict request asks, or a wish to train, and answer with the job at once.

    Its id is the ticket, under which its result is found once it is finished. What was accepted is in the store.
    A wish to train takes the role `admin`.
    """
    asked = runtime.service(service)
    body = await request.body()
    caller = caller_of(request.scope)
    order = Order(caller.request_id, caller.client, idempotency_key)
    if (wish := _wish_to_train(body)) is not None:
        require(request.scope, Role.ADMIN)
        new = runtime.desk.train(service, order=_told(order, wish), promote=_promote(wish))
        job = await asyncio.to_thread(_hand_in_training, runtime.desk, new, audit)
    else:
        question = decode(body, content_type(request.scope), _MORE)
        asked.check_open(0, question.options)
        heavy = asked.reader.files or len(body) > _LIGHT_BODY
        arguments = runtime.desk, service, question, order
        new = await asyncio.to_thread(_predict_job, *arguments) if heavy else _predict_job(*arguments)
        job = await runtime.intake.put(new)
    return accepted(job, response)


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
def cancel_job(ticket: Ticket, request: Request, runtime: UseRuntime, audit: UseAudit) -> Job:
    """Cancel a job that has not ended. Nothing that is still done for it is kept.

    To cancel a training takes the role `admin`.
    """
    job = runtime.desk.job(ticket)
    if job.kind is not JobKind.TRAIN:
        return job_answer(runtime.desk.cancel(ticket))
    require(request.scope, Role.ADMIN)
    with audit("cancel-run", service=job.service, subject=f"job {ticket}"):
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


def _hand_in_training(desk: Desk, new: NewJob, audit: Audit) -> domain.Job:
    with audit("train", service=new.service, subject=f"job {new.id}"):
        (put,) = desk.put([new])
        if isinstance(put, Conflict):
            raise put
        return put


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
    unknown = content.keys() - {"kind", "promote", "webhook"}
    if unknown:
        raise InvalidInput(
            f"training is asked for with 'kind', perhaps 'promote' and 'webhook', not with '{min(unknown)[:60]}'"
        )
    return content


def _promote(wish: Mapping[str, Any]) -> PromoteMode | None:
    promote: PromoteMode | None = wish.get("promote")
    if promote is not None and promote not in get_args(PromoteMode):
        raise InvalidInput("'promote' should be automatic or manual; where it is left out, winnow.toml says")
    return promote


def _told(order: Order, more: Mapping[str, Any]) -> Order:
    """The same order with the webhook that the body names."""
    webhook = more.get("webhook")
    if webhook is not None and not isinstance(webhook, str):
        raise InvalidInput("'webhook' should be an address, such as https://example.org/told")
    return Order(order.request_id, order.client, order.idempotency_key, webhook)
