"""The log of a real server: one line for each request, and of what people wrote nothing unless asked to."""

from __future__ import annotations

import re
from pathlib import Path

import httpx2

from tests.projects import Server

SECRET = "my private sentence"
PREDICT = "/services/sentiment/predict"


def ask(server: Server) -> None:
    """Put good, bad and impossible requests to a server, each under an id of its own."""
    with httpx2.Client(base_url=server.url, trust_env=False) as http:
        http.post(PREDICT, json={"input": SECRET}, headers={"X-Request-ID": "good"})
        http.post(PREDICT, json={"input": None}, headers={"X-Request-ID": "bad"})
        http.get("/no%0AINFO%20route%1b%5b31m", headers={"X-Request-ID": "forged"})


def test_json_lines(project_copy: Path) -> None:
    with Server(project_copy, log_format="json") as server:
        ask(server)
    lines = {line.get("request_id"): line for line in server.log_lines()}
    for request_id, said in [
        ("good", rf"POST {PREDICT} 200 \d+\.\d ms"),
        ("bad", rf"POST {PREDICT} 422 \d+\.\d ms"),
        ("forged", r"GET /no%0AINFO%20route%1b%5b31m 404 \d+\.\d ms"),
    ]:
        line = lines[request_id]
        assert re.fullmatch(said, line["message"]), line
        assert line["level"] == "info"
        assert line["time"].endswith("+00:00")
    assert SECRET not in server.log.read_text()


def test_human_lines(project_copy: Path) -> None:
    with Server(project_copy, log_format="human") as server:
        ask(server)
    text = server.log.read_text()
    assert re.search(
        rf"^\d\d:\d\d:\d\d\.\d{{3}} INFO    POST {PREDICT} 200 \d+\.\d ms request_id=good$", text, re.MULTILINE
    )
    assert "\x1b[31m" not in text
    assert "\nINFO route" not in text
    assert SECRET not in text


def test_inputs_and_outputs_are_logged_when_asked_for(project_copy: Path) -> None:
    with Server(project_copy, log_level="debug") as server:
        ask(server)
    (line,) = [line for line in server.log_lines() if SECRET in line["message"]]
    assert (line["level"], line["request_id"]) == ("debug", "good")
    assert "'label': " in line["message"]


def test_only_what_is_severe_enough(project_copy: Path) -> None:
    with Server(project_copy, log_level="error") as server:
        ask(server)
    assert server.log.read_text() == ""


def test_a_failure_is_logged_as_an_error_under_its_id(project_copy: Path) -> None:
    """The database is taken away under a running server."""
    paths = ["/services", "/services/sentiment/history"]
    with Server(project_copy) as server, httpx2.Client(base_url=server.url, trust_env=False) as http:
        (project_copy / ".winnow" / "winnow.db").write_bytes(b"this is no database" * 1000)
        for path in paths:
            response = http.get(path, headers={"X-Request-ID": path})
            assert response.status_code == 503
            assert response.json()["type"] == "urn:winnow:problem:store-failed"
    lines = {line.get("request_id"): line for line in server.log_lines()}
    for path in paths:
        assert lines[path]["level"] == "error"
        assert lines[path]["message"].startswith(f"GET {path} 503")
