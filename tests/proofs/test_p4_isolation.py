"""Promise 4: one bad row fails alone. A batch answers exactly as its rows would one at a time."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.projects import SAMPLES, Server
from tests.proofs.clients import Client

GOOD: Sequence[str] = (
    "Lovely, I would buy it again!",
    "Broke after two days. Never again.",
    "a",
    "  spaces around  ",
    "line\nbreak and\ttab",
    "0",
    "naïve café, ÉTÉ, İstanbul, straße",
    "完全に壊れていた",
    "👍👍🏽 \ufeff",
    "\u2028\u0085 null true {} [] \\ \" '",
    "x" * 100_000,
    "bad " * 5_000,
)
BAD: Mapping[str, object] = {
    "empty": "",
    "blank": " \t\r\n\u2003",
    "NUL": "good until \0 here",
    "half a pair": "half \ud83d of a pair",
    "the other half": "\udc4d",
    "number": 5,
    "fraction": 0.5,
    "null": None,
    "boolean": True,
    "list": ["lovely"],
    "object": {"input": "lovely"},
    "too long": "y" * 200_000,
}


@pytest.fixture(scope="module")
def client(trained_server: Server) -> Iterator[Client]:
    with Client(trained_server.url) as client:
        yield client


@pytest.fixture(scope="module")
def alone(client: Client) -> Any:
    """What each good text is answered, and each bad value refused with, when it is all that is asked."""

    @cache
    def good(text: str) -> dict[str, Any]:
        reply = client.predict_one(text)
        assert reply.status == 200
        return without_id(reply.body)

    @cache
    def bad(name: str) -> tuple[int, str]:
        reply = client.predict_one(BAD[name])
        assert (reply.status, reply.kind) == (422, "invalid-input")
        return reply.status, reply.body["detail"]

    return {"good": good, "bad": bad}


def without_id(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != "id"}


def assert_each_row_is_as_alone(client: Client, alone: Any, names: Sequence[str]) -> None:
    """Names of bad values, and good texts, in one request."""
    reply = client.predict(*[BAD.get(name, name) for name in names])
    assert reply.status == 200
    rows = reply.body["predictions"]
    assert len(rows) == len(names)
    for name, row in zip(names, rows, strict=True):
        if name in BAD:
            assert row.keys() == {"error"}
            assert (row["error"]["status"], row["error"]["detail"]) == alone["bad"](name)
        else:
            assert without_id(row) == alone["good"](name), "to the last bit of every score"
    ids = [row["id"] for row in rows if "id" in row]
    assert len(set(ids)) == len(ids)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.sampled_from([*GOOD, *BAD]), min_size=1, max_size=20))
def test_whatever_stands_beside_it_a_row_is_answered_or_refused_as_if_it_were_alone(
    client: Client, alone: Any, names: list[str]
) -> None:
    """Any mix of good and poisoned rows in any order: every error at its own index, every answer unchanged."""
    assert_each_row_is_as_alone(client, alone, names)


@pytest.mark.parametrize("name", BAD)
def test_a_poisoned_row_among_good_ones_says_what_is_wrong_with_it(client: Client, alone: Any, name: str) -> None:
    """In the middle, first and last."""
    assert_each_row_is_as_alone(client, alone, [*GOOD[:3], name, *GOOD[3:6]])
    assert_each_row_is_as_alone(client, alone, [name, *GOOD[:3]])
    assert_each_row_is_as_alone(client, alone, [*GOOD[:3], name])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.text(min_size=1, max_size=300), min_size=1, max_size=12))
def test_any_text_at_all_is_answered_alike_alone_and_in_a_batch(client: Client, texts: list[str]) -> None:
    """Texts that nobody thought of: the whole of Unicode, surrogates and control characters included."""
    rows = client.predict(*texts).body["predictions"]
    for text, row in zip(texts, rows, strict=True):
        single = client.predict_one(text)
        if single.status == 200:
            assert without_id(row) == without_id(single.body)
        else:
            assert (single.status, row["error"]["detail"]) == (422, single.body["detail"])


def test_five_hundred_requests_at_once_are_answered_as_one_after_the_other(client: Client) -> None:
    """Batches form as they may; no answer shows it."""
    with SAMPLES[0].open(encoding="utf-8", newline="") as file:
        reviews = [row["text"] for row in csv.DictReader(file)]
    texts = [f"{number}: {reviews[number % len(reviews)]}" for number in range(500)]
    one_by_one = [without_id(client.predict_one(text).body) for text in texts]
    url = client.url

    def ask(share: Sequence[str]) -> list[dict[str, Any]]:
        with Client(url) as own:
            return [without_id(own.predict_one(text).body) for text in share]

    with ThreadPoolExecutor(25) as pool:
        at_once = [
            row
            for rows in pool.map(ask, [texts[start : start + 20] for start in range(0, 500, 20)])
            for row in rows
        ]
    assert at_once == one_by_one
