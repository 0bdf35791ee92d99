"""Files: every row of a CSV or JSONL file, or every image of a ZIP, answered as one job."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.requests import ClientDisconnect
from starlette.status import HTTP_202_ACCEPTED

from winnow.api.access import EDITOR, ServiceName, UseRuntime, refusals
from winnow.api.file_form import FILE, FileForm
from winnow.api.inputs import from_text, read_options
from winnow.api.jobs import LOCATION, IdempotencyKey, accepted
from winnow.api.predict import caller_of
from winnow.api.schemas import FileQuery
from winnow.client.answers import Job
from winnow.errors import InvalidInput
from winnow.jobs.desk import PART_BYTES, Order
from winnow.runtime import Runtime
from winnow.serving.service import Options
from winnow.store.jobs import NewJob

router = APIRouter(tags=["jobs"])

_FIELDS = tuple(FileQuery.model_fields)


def _form() -> dict[str, Any]:
    texts = {name: {"type": "string", "description": "As the parameter of this name."} for name in _FIELDS}
    schema = {
        "title": "FileJob",
        "type": "object",
        "properties": {
            **texts,
            FILE: {"type": "string", "format": "binary", "description": "The file, last of all."},
        },
        "required": [FILE],
        "additionalProperties": False,
    }
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


@router.post(
    "/services/{service}/files",
    status_code=HTTP_202_ACCEPTED,
    responses={202: {"headers": LOCATION}, **refusals(404, 409, 422, 429, 503)},
    openapi_extra=_form(),
    dependencies=[EDITOR],
)
async def submit_file(
    service: ServiceName,
    request: Request,
    response: Response,
    runtime: UseRuntime,
    query: Annotated[FileQuery, Query()],
    idempotency_key: IdempotencyKey = None,
) -> Job:
    """Take in a file, every row of which is answered, and answer with the job at once.

    Its id is the ticket, under which its result is found once it is finished: a file of the same format, with the
    columns of this one and the answers beside them. The ending of the file's name tells the formats apart. The file
    is the last field of the form.
    """
    asked = runtime.service(service)
    await asyncio.to_thread(runtime.desk.check_room)
    form = FileForm(request.stream(), request.headers.get("content-type", ""))
    try:
        await form.open()
        options, webhook = _wanted(query, form.fields)
        asked.check_open(0, options)
        caller = caller_of(request.scope)
        order = Order(caller.request_id, caller.client, idempotency_key, webhook)
        new = await _store(runtime, service, form, order, options)
    except ClientDisconnect:
        raise InvalidInput("the file broke off before its end") from None
    return accepted(await runtime.intake.put(new), response)


def _wanted(query: FileQuery, fields: Mapping[str, str]) -> tuple[Options, str | None]:
    """What the form and the address say; the form counts where both do."""
    unknown = fields.keys() - set(_FIELDS)
    if unknown:
        known = ", ".join(f"'{name}'" for name in _FIELDS)
        raise InvalidInput(f"the form has no field '{min(unknown)[:60]}': beside the file there may be {known}")
    version = from_text(fields.get("version", query.version))
    top_k = from_text(fields["top_k"]) if "top_k" in fields else query.top_k
    return read_options(version, top_k), fields.get("webhook", query.webhook)


async def _store(runtime: Runtime, service: str, form: FileForm, order: Order, options: Options) -> NewJob:
    """Store a file part by part as it arrives. No thread waits for the network: a slow sender holds up nobody."""
    arriving = runtime.desk.receive(service, form.name, order=order, options=options)
    try:
        async for part in form.parts(PART_BYTES):
            await asyncio.to_thread(arriving.add, part)
        return arriving.job()
    except BaseException:
        await asyncio.shield(asyncio.to_thread(arriving.discard))
        raise
