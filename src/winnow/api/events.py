"""Events: a job's progress as it happens, for browsers' EventSource and whoever reads lines."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Header, Response
from fastapi.responses import StreamingResponse
from pydantic import TypeAdapter

from winnow import domain
from winnow.api.access import EDITOR, Ticket, UseRuntime, refusals
from winnow.api.jobs import described
from winnow.client.answers import Job
from winnow.runtime import Runtime

router = APIRouter(tags=["jobs"])

BEAT_SECONDS = 15.0
"""How often a silent stream has a comment: proxies close what is silent for long."""
_RETRY = b"retry: 1000\n\n"
_BEAT = b": still here\n\n"
_ENDED = "ended"
_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
_EVENTS: Mapping[int | str, dict[str, Any]] = {
    200: {
        "description": "Events `progress` and, last of all, `ended`; the data of each is the job in JSON.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    },
    204: {"description": "The stream was followed to its end: there is nothing more to follow."},
}


@router.get(
    "/jobs/{ticket}/events",
    response_class=StreamingResponse,
    responses={**_EVENTS, **refusals(404, 503)},
    dependencies=[EDITOR],
)
async def follow_job(
    ticket: Ticket,
    runtime: UseRuntime,
    last_event_id: Annotated[
        str | None,
        Header(alias="Last-Event-ID", description="Id of the last event that was received, as browsers send it."),
    ] = None,
) -> Response:
    """Follow a job by server-sent events: as it stands now, then at each change, until it has ended."""
    if last_event_id == _ENDED:  # a browser opens every stream again that has come to its end
        return Response(status_code=204)
    changes = runtime.watch.changes(ticket, BEAT_SECONDS)
    first = await anext(changes)
    return StreamingResponse(_events(runtime, first, changes), headers=_HEADERS, media_type="text/event-stream")


async def _events(
    runtime: Runtime, first: domain.Job | None, changes: AsyncGenerator[domain.Job | None]
) -> AsyncIterator[bytes]:
    async with aclosing(changes):
        yield _RETRY
        if first is not None:
            yield _event(await described(runtime, first))
        async for job in changes:
            yield _BEAT if job is None else _event(await described(runtime, job))


def _event(job: Job) -> bytes:
    name = f"{_ENDED}\nid: {_ENDED}" if job.status.final else "progress"
    return b"event: %b\ndata: %b\n\n" % (name.encode(), TypeAdapter(Job).dump_json(job))
