"""The lane for predictions and the way through FastAPI give the same answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.projects import settings_of
from winnow.api.app import create_api
from winnow.api.edge import Edge
from winnow.api.guard import Guard
from winnow.api.predict import PredictLane
from winnow.runtime import Runtime

LIMITS = {"max_body": 1_000, "max_upload": 1_000}


@pytest.fixture
async def both(project_copy: Path) -> AsyncIterator[tuple[httpx2.AsyncClient, httpx2.AsyncClient]]:
    """A client of the lane, and one of the same service without it."""
    async with Runtime(settings_of(project_copy)) as runtime:
        api = create_api(runtime)
        guarded = [Guard(way, runtime.authenticator) for way in (PredictLane(api, runtime), api)]
        ways = [Edge(way, runtime.metrics, **LIMITS) for way in guarded]
        transports = [httpx2.ASGITransport(way) for way in ways]
        clients = [httpx2.AsyncClient(transport=transport, base_url="http://here") for transport in transports]
        async with clients[0], clients[1]:
            yield clients[0], clients[1]


BODIES = [
    b'{"input": "Good."}',
    b'{"inputs": ["Good.", "Bad.", null, "\\ud800"]}',
    b'{"input": null}',
    b'{"input": "\\ud800"}',
    b"{",
    b"",
    b'{"input": "a", "x": 1}',
    b'{"inputs": []}',
    b"x" * 1_001,
]


@pytest.mark.parametrize("body", BODIES)
async def test_the_same_answer_both_ways(both: tuple[httpx2.AsyncClient, httpx2.AsyncClient], body: bytes) -> None:
    headers = {"X-Request-ID": "the-same"}
    short, long = [await way.post("/services/sentiment/predict", content=body, headers=headers) for way in both]
    assert short.status_code == long.status_code
    assert _without_ids(short.json()) == _without_ids(long.json())
    assert short.headers["content-type"] == long.headers["content-type"]


@pytest.mark.parametrize("path", ["/services/nothing/predict", "/services/a%2Fb/predict", "/services/predict"])
async def test_what_is_not_there_is_missing_both_ways(
    both: tuple[httpx2.AsyncClient, httpx2.AsyncClient], path: str
) -> None:
    headers = {"X-Request-ID": "the-same"}
    short, long = [await way.post(path, json={"input": "a"}, headers=headers) for way in both]
    assert (short.status_code, short.json()) == (long.status_code, long.json())
    assert short.status_code in (404, 405)


def test_a_quoted_name_is_the_name(http: httpx2.Client) -> None:
    plain = http.post("/services/sentiment/predict", json={"input": "Good."})
    quoted = http.post("/services/%73entimen%74/predict", json={"input": "Good."})
    assert quoted.status_code == 200
    assert quoted.json()["scores"] == plain.json()["scores"]


def _without_ids(answer: Any) -> Any:
    if isinstance(answer, dict):
        return {key: _without_ids(value) for key, value in answer.items() if key != "id"}
    return [_without_ids(row) for row in answer] if isinstance(answer, list) else answer
