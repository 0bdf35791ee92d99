"""The classic routes for texts, as the systems that Winnow replaces had them.

They exist where winnow.toml names services for them:
`[project] classic = { sentiment = "reviews", satisfaction = "comments" }`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, FastAPI, Query, Request, UploadFile
from starlette.concurrency import run_in_threadpool
from starlette.status import HTTP_201_CREATED

from winnow.api.access import (
    ADMIN,
    EDITOR,
    PUBLIC,
    VIEWER,
    UseAudit,
    UseIdentity,
    UseRuntime,
    UseWorkspace,
    refusals,
)
from winnow.api.data_schemas import LoadQuery
from winnow.api.dialects.classic_text_answers import (
    ClassicComment,
    ClassicExchange,
    ClassicHistory,
    ClassicReviews,
    ClassicSentiments,
)
from winnow.api.examples import upload_examples
from winnow.api.forms import read_form
from winnow.api.predict import caller_of, content_type
from winnow.api.schemas import ShortPage
from winnow.client.answers import LoadReport
from winnow.domain import Classification, Target
from winnow.errors import InvalidInput, Unauthenticated, WinnowError
from winnow.project import Classic
from winnow.workspace import Workspace

READY = "API is ready"
_COMMENT, _RATING = "comment", "rating"
_MAX_FIELDS = 100
_WORDS = {"type": "string", "minLength": 1, "description": "The comment."}
_COMMENT_SCHEMA = {
    "type": "object",
    "properties": {
        _COMMENT: _WORDS,
        _RATING: {
            "anyOf": [{"type": "integer"}, {"type": "string", "minLength": 1}],
            "description": "Its rating, as a file of examples has it.",
        },
    },
    "required": [_COMMENT, _RATING],
    "description": "`comment` and `rating`, or the same under the names of the columns in winnow.toml.",
}
_COMMENT_BODY = {
    "requestBody": {
        "required": True,
        "content": {kind: {"schema": _COMMENT_SCHEMA} for kind in ("application/json", "multipart/form-data")},
    }
}


def add_classic_texts(api: FastAPI, classic: Classic) -> None:
    """Add the routes for those services that are named."""
    if classic.sentiment is not None:
        _add_sentiment(api, ClassicSentiment(classic.sentiment))
    if classic.satisfaction is not None:
        _add_satisfaction(api, ClassicSatisfaction(classic.satisfaction))


def _add_sentiment(api: FastAPI, classic: ClassicSentiment) -> None:
    router = APIRouter(tags=["classic"])
    router.post("/predict", name="classic_predict", responses=refusals(422, 429, 503, 504), dependencies=[VIEWER])(
        classic.predict
    )
    router.get("/history", name="classic_history", responses=refusals(422, 503), dependencies=[VIEWER])(
        classic.history
    )
    api.include_router(router)


def _add_satisfaction(api: FastAPI, classic: ClassicSatisfaction) -> None:
    router = APIRouter(tags=["classic"])
    router.get("/status", name="classic_status", dependencies=[PUBLIC])(classic.status)
    router.get("/authentification", name="classic_authentication", responses=refusals(401), dependencies=[VIEWER])(
        classic.greet
    )
    router.post(
        "/comment",
        name="classic_comment",
        status_code=HTTP_201_CREATED,
        responses=refusals(422, 503),
        dependencies=[EDITOR],
        openapi_extra=_COMMENT_BODY,
    )(classic.comment)
    router.post(
        "/uploadfile",
        name="classic_upload",
        response_model=LoadReport,
        responses=refusals(422, 503),
        dependencies=[ADMIN],
    )(classic.upload)
    api.include_router(router)


class ClassicSentiment:
    """The routes of the sentiment web app, answered by one service."""

    def __init__(self, service: str) -> None:
        self._service = service

    async def predict(self, asked: ClassicReviews, request: Request, runtime: UseRuntime) -> ClassicSentiments:
        """The label of each review. Where one of them cannot be answered, none is."""
        outcomes = await runtime.service(self._service).answer(asked.reviews, caller_of(request.scope))
        labels: list[Target] = []
        for place, outcome in enumerate(outcomes, start=1):
            if isinstance(outcome, InvalidInput):
                raise InvalidInput(f"review {place}: {outcome}")
            if isinstance(outcome, WinnowError):
                raise outcome
            labels.append(_label(outcome.answer))
        return ClassicSentiments(labels)

    def history(self, workspace: UseWorkspace, query: Annotated[ShortPage, Query()]) -> ClassicHistory:
        """The last `n` inputs and outputs, newest first."""
        found = workspace.history(self._service, query.n)
        return ClassicHistory([ClassicExchange(row.input, _label(row.answer), row.created_at) for row in found])


class ClassicSatisfaction:
    """The routes of the satisfaction API: what they add, they add to one service."""

    def __init__(self, service: str) -> None:
        self._service = service

    def status(self) -> str:
        """Whether the API answers."""
        return READY

    def greet(self, identity: UseIdentity) -> str:
        """Who has signed in. Where nobody has: 401, with what a browser needs to ask for a name and password."""
        if identity.kind == "anonymous":
            raise Unauthenticated("sign in with a name and its password (Basic)")
        return f"Hello {identity.name}"

    async def comment(self, request: Request, workspace: UseWorkspace, identity: UseIdentity) -> ClassicComment:
        """Add one comment with its rating, and answer with its id.

        `comment` and `rating` are JSON or fields of a form. They may have the names of the service's columns too.
        """
        given = _fields(await request.body(), content_type(request.scope))
        return await run_in_threadpool(self._add, workspace, given, identity.name)

    def upload(self, file: UploadFile, workspace: UseWorkspace, audit: UseAudit) -> Mapping[str, Any]:
        """Add a CSV to the dataset: all of its rows, or none where one cannot be used."""
        return upload_examples(self._service, file, workspace, audit, LoadQuery())

    def _add(self, workspace: Workspace, given: Mapping[str, Any], account: str) -> ClassicComment:
        task = workspace.tasks[self._service]
        value, target = task.read_row(_row(given, task.columns()))
        return ClassicComment(workspace.add_example(self._service, value, target, account=account).id)


def _label(answer: Classification) -> Target:
    return answer["label"] if "label" in answer else answer.get("labels", [])


def _fields(body: bytes, called: str) -> Mapping[str, Any]:
    """The members of a JSON object, or the fields of a form of either kind; see `winnow.api.bodies`."""
    if called.lower().startswith("multipart/"):
        return dict(read_form(body, called))
    try:
        content = json.loads(body)
    except RecursionError:
        raise InvalidInput("the body is nested too deeply to be read") from None
    except ValueError:
        content = _form(body)
    if not isinstance(content, dict):
        raise InvalidInput('the body should be {"comment": "a text", "rating": 4}')
    return content


def _form(body: bytes) -> Mapping[str, Any]:
    try:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS))
    except ValueError as error:
        raise InvalidInput(f"the body is neither JSON nor a form that can be read: {error}") from None
    if not fields:
        raise InvalidInput('the body should be {"comment": "a text", "rating": 4}')
    return fields


def _row(given: Mapping[str, Any], columns: Sequence[str]) -> Mapping[str, Any]:
    """What was given, under the names of the columns."""
    classic = {columns[0]: _COMMENT, **({columns[1]: _RATING} if len(columns) == 2 else {})}
    row: dict[str, Any] = {}
    for column in columns:
        name = column if column in given else classic.get(column, column)
        if name not in given:
            also = f" (or '{classic[column]}')" if classic.get(column, column) != column else ""
            raise InvalidInput(f"the body has no '{column}'{also}")
        row[column] = given[name]
    return row
