"""Predict over HTTP: decode, `Service.answer`, encode.

`PredictLane` takes `POST /services/{name}/predict` straight from the edge, past the router and FastAPI's decoding,
which together cost more than the model does. What it does not recognise goes the long way, to the same functions.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from loguru import logger
from starlette.types import ASGIApp, Receive, Scope, Send

from winnow.api.access import require
from winnow.api.inputs import Asked, decode
from winnow.api.problems import problem_of
from winnow.domain import Prediction, Role
from winnow.errors import WinnowError
from winnow.runtime import Runtime
from winnow.serving.service import Caller

ROUTE = "/services/{service}/predict"


class PredictLane:
    """Answers predict requests itself and passes everything else on."""

    def __init__(self, app: ASGIApp, runtime: Runtime) -> None:
        self._app = app
        self._runtime = runtime
        self._paths = {ROUTE.format(service=name): name for name in runtime.workspace.project.services}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer or pass on."""
        service = self._paths.get(scope.get("path", ""))
        if service is None or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        scope["route"] = self
        require(scope, Role.VIEWER)
        self._runtime.service(service).check_room()
        asked = decode(await _read(receive), content_type(scope))
        answer = await predict(self._runtime, service, asked, caller_of(scope))
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    @property
    def path(self) -> str:
        """The pattern under which figures are kept, as a router's route has it."""
        return ROUTE


async def predict(runtime: Runtime, service: str, asked: Asked, caller: Caller) -> bytes:
    """Answer what a predict request asks with the body of its answer."""
    outcomes = await runtime.service(service).answer(asked.values, caller, asked.options)
    logger.debug("{} answered {} with {}", service, asked, outcomes, request_id=caller.request_id)
    return encode(outcomes, asked.several, caller.request_id)


def encode(outcomes: Sequence[Prediction | WinnowError], several: bool, request_id: str) -> bytes:
    """Word the outcomes. A single input's own error is the request's error."""
    if several:
        return _dumps({"predictions": [_row(outcome, request_id) for outcome in outcomes]})
    (outcome,) = outcomes
    if isinstance(outcome, WinnowError):
        raise outcome
    return _dumps(_prediction(outcome))


def content_type(scope: Scope) -> str:
    """What a request calls its body."""
    called: bytes = dict(scope["headers"]).get(b"content-type", b"")
    return called.decode("latin-1")


def caller_of(scope: Scope) -> Caller:
    """Who asks, as the history will have it."""
    client = scope.get("client")
    return Caller(request_id=scope["state"]["request_id"], client=client[0] if client else "local")


def _row(outcome: Prediction | WinnowError, request_id: str) -> dict[str, Any]:
    if isinstance(outcome, WinnowError):
        return {"error": problem_of(outcome, request_id)}
    return _prediction(outcome)


def _prediction(prediction: Prediction) -> dict[str, Any]:
    return {"id": prediction.id, **prediction.answer, "version": prediction.version}


def _dumps(content: dict[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


async def _read(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body
    parts = [body]
    while message.get("more_body"):
        message = await receive()
        parts.append(message.get("body", b""))
    return b"".join(parts)
