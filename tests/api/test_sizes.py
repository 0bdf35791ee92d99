"""Bodies are bounded: by what they say of their size, and by what of them arrives."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import httpx2
import pytest

from tests.api.problems import check_problem

JSON = {"Content-Type": "application/json"}
PREDICT = "/services/sentiment/predict"
EXAMPLES = "/services/sentiment/examples"
UPLOAD = "/services/sentiment/examples/upload"
MEGABYTE = 1_000_000


def in_pieces(body: bytes) -> Iterator[bytes]:
    """A body that is sent in chunks, without its size."""
    for start in range(0, len(body), 65_536):
        yield body[start : start + 65_536]


@pytest.mark.parametrize("path", [PREDICT, EXAMPLES, "/nothing"])
def test_a_body_that_says_it_is_too_large(http: httpx2.Client, path: str) -> None:
    response = http.post(path, content=b" " * (MEGABYTE + 1), headers=JSON)
    assert "1,000,000" in check_problem(response, 413, "too-large")["detail"]


@pytest.mark.parametrize("path", [PREDICT, EXAMPLES])
def test_a_body_that_turns_out_too_large(http: httpx2.Client, path: str) -> None:
    response = http.post(path, content=in_pieces(b" " * (MEGABYTE + 1)), headers=JSON)
    check_problem(response, 413, "too-large")


def test_a_body_that_is_just_small_enough(http: httpx2.Client) -> None:
    body = b'{"input": "good"}'
    assert http.post(PREDICT, content=body + b" " * (MEGABYTE - len(body))).status_code == 200


def test_uploads_have_a_bound_of_their_own(http: httpx2.Client) -> None:
    line = b"the same again,positive\n"
    large = b"text,label\n" + line * (MEGABYTE * 3 // 2 // len(line))
    assert http.post(UPLOAD, files={"file": ("large.csv", large)}).status_code == 200
    too_large = b"text,label\n" + line * (MEGABYTE * 5 // 2 // len(line))
    check_problem(http.post(UPLOAD, files={"file": ("large.csv", too_large)}), 413, "too-large")
    whole = httpx2.Request("POST", http.base_url, files={"file": ("large.csv", too_large)})
    headers = {"Content-Type": whole.headers["content-type"]}
    check_problem(http.post(UPLOAD, content=in_pieces(whole.read()), headers=headers), 413, "too-large")


def test_a_large_body_is_refused_before_it_is_sent(http: httpx2.Client) -> None:
    head = f"POST {PREDICT} HTTP/1.1\r\nHost: here\r\nContent-Length: 2000000\r\nExpect: 100-continue\r\n\r\n"
    with socket.create_connection((http.base_url.host, http.base_url.port or 80), timeout=10) as connection:
        connection.sendall(head.encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 413")
