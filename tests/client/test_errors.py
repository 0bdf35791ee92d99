"""What a client gets where things go wrong: the service's own errors again, or a clear one of its own."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

import pytest

from tests.client.scripted import Answer, scripted
from winnow import Client, errors
from winnow.api.problems import http_problem, problem_of, problem_response
from winnow.client.problems import MEDIA_TYPE

LIVE = Answer(body=b'{"project": "p", "services": []}')
PAGE = {"Content-Type": "text/html; charset=utf-8"}
PROBLEM = {"Content-Type": MEDIA_TYPE}
BUG = json.dumps(http_problem(500, "see the log", "x")).encode()


def refusal(error: errors.WinnowError, **headers: str) -> Answer:
    """The answer that the API gives for an error."""
    response = problem_response(problem_of(error, "the-id"), headers)
    sent = {name: value for name, value in response.headers.items() if name != "content-length"}
    return Answer(response.status_code, bytes(response.body), {"X-Request-ID": "the-id", **sent})


def kinds(root: type[errors.WinnowError] = errors.WinnowError) -> list[type[errors.WinnowError]]:
    """Every error of the tree that is made of a sentence alone."""
    own = [kind for kind in root.__subclasses__() if kind.__module__ == errors.__name__]
    plain = [kind for kind in own if "__init__" not in vars(kind)]
    return plain + [below for kind in own for below in kinds(kind)]


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_every_error_is_caught_as_it_was_raised(kind: type[errors.WinnowError]) -> None:
    with (
        scripted(refusal(kind("what was wrong"))) as server,
        Client(server.url, retries=0) as client,
        pytest.raises(errors.WinnowError) as caught,
    ):
        client.service("sentiment")
    assert type(caught.value) is kind
    assert str(caught.value) == "what was wrong"
    assert caught.value.request_id == "the-id"


def test_errors_keep_what_they_carry() -> None:
    failures = [{"gate": "accuracy", "requirement": ">= 0.9", "figure": 0.5}]
    report = {"rows": 3, "refused": 1}
    answers = [
        refusal(errors.Overloaded("full", 2.5)),
        refusal(errors.GateRefused("too bad", failures)),
        refusal(errors.FileRefused("broken", report)),
    ]
    with scripted(*answers) as server, Client(server.url, retries=0) as client:
        with pytest.raises(errors.Overloaded) as overloaded:
            client.predict("sentiment", "a")
        with pytest.raises(errors.GateRefused) as gates:
            client.promote("sentiment", 1)
        with pytest.raises(errors.FileRefused) as file:
            client.upload("sentiment", __file__)
    assert overloaded.value.retry_after == 2.5
    assert gates.value.failures == failures
    assert file.value.report == report


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Answer(502, b"<html>Bad Gateway</html>", PAGE), "502 Bad Gateway and text/html"),
        (Answer(404, b"{}"), "404 Not Found and application/json"),
        (Answer(302, b"", {"Location": "http://elsewhere/"}), "sent to http://elsewhere/"),
        (Answer(200, b"<html>Log in</html>"), "something else than a Service"),
        (Answer(200, b'{"name": "sentiment"}'), "task"),
        (Answer(200, b""), "something else than a Service"),
        (Answer(500, b"not json", PROBLEM), "500 Internal Server Error"),
        (Answer(500, b"[]", PROBLEM), "500 Internal Server Error"),
        (Answer(500, BUG, PROBLEM), "see the log"),
        (Answer(418, b'{"type": "urn:winnow:problem:new", "detail": "tea"}', PROBLEM), "tea"),
    ],
)  # fmt: skip
def test_an_answer_that_is_not_expected(answer: Answer, says: str) -> None:
    with (
        scripted(answer) as server,
        Client(server.url, retries=0) as client,
        pytest.raises(errors.UnexpectedAnswer) as caught,
    ):
        client.service("sentiment")
    assert says in str(caught.value)
    assert caught.value.status == answer.status


def test_more_than_is_known_is_passed_over() -> None:
    with scripted(Answer(body=b'{"project": "p", "services": [], "new": {"in": 2030}}')) as server:
        assert Client(server.url).services().project == "p"


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with Client(f"http://127.0.0.1:{free.getsockname()[1]}") as client:
            with pytest.raises(errors.ConnectionFailed, match=r"^GET http://127.*/services: nobody listens"):
                client.services()
            assert not client.live()
            assert not client.ready()


def test_no_answer_in_time() -> None:
    with (
        scripted(Answer(seconds=30)) as server,
        Client(server.url, timeout=0.2) as client,
        pytest.raises(errors.ConnectionFailed, match=r"no answer within 0\.2 s"),
    ):
        client.services()


def test_a_connection_that_breaks_off() -> None:
    with (
        scripted(Answer(0)) as server,
        Client(server.url) as client,
        pytest.raises(errors.ConnectionFailed, match="broke off"),
    ):
        client.predict("sentiment", "a")
    assert len(server.asked) == 1  # it may have been carried out


@pytest.mark.parametrize("url", ["", "127.0.0.1:8000", "localhost", "ftp://host", "http://", "http://host:port"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(errors.InvalidInput, match="address"):
        Client(url)


def test_what_was_refused_before_any_work_is_sent_again() -> None:
    full = refusal(errors.Overloaded("full", 0.1))
    prediction: dict[str, Any] = {"id": "x", "scores": {"a": 1.0}, "version": 3, "label": "a"}
    with scripted(full, Answer(body=json.dumps(prediction).encode())) as server, Client(server.url) as client:
        started = time.monotonic()
        assert client.predict("sentiment", "a").version == 3
    assert time.monotonic() - started >= 1  # `Retry-After` has whole seconds
    assert len(server.asked) == 2


def test_sending_again_is_bounded() -> None:
    full = refusal(errors.Overloaded("full", 0.1))
    with scripted(full) as server, Client(server.url, retries=1) as client, pytest.raises(errors.Overloaded):
        client.predict("sentiment", "a")
    assert len(server.asked) == 2


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "3600"}, {"Retry-After": "soon"}])
def test_what_names_no_time_soon_is_not_waited_for(headers: dict[str, str]) -> None:
    broken = refusal(errors.StoreFailed("no disk"), **headers)
    with scripted(broken, LIVE) as server, Client(server.url) as client, pytest.raises(errors.StoreFailed):
        client.services()
    assert len(server.asked) == 1


def test_a_503_is_sent_again_only_where_that_changes_nothing() -> None:
    busy = refusal(errors.StoreFailed("busy"), **{"Retry-After": "0"})
    with scripted(busy, LIVE) as server, Client(server.url) as client:
        assert client.services().project == "p"
    with scripted(busy, LIVE) as server, Client(server.url) as client, pytest.raises(errors.StoreFailed):
        client.add_example("sentiment", "a", "positive")
    assert len(server.asked) == 1
