"""Starting and stopping: what a taken port says, and what outlasts a stop."""

from __future__ import annotations

import signal
from pathlib import Path

import httpx2
import pytest

from tests.projects import Server, make_project, wait_until
from winnow.api.server import serve
from winnow.errors import Conflict
from winnow.settings import load_settings


def never(url: str) -> None:
    pytest.fail(f"it serves {url}")


def test_a_taken_port(trained_server: Server, tmp_path: Path) -> None:
    taken = httpx2.URL(trained_server.url).port
    settings = load_settings(project=make_project(tmp_path), port=taken)
    with pytest.raises(Conflict, match=rf"127\.0\.0\.1:{taken}.*--port"):
        serve(settings, never)


def test_stopping_and_starting_again_keeps_everything(project_copy: Path) -> None:
    server = Server(project_copy)
    with server:
        asked = httpx2.post(f"{server.url}/services/sentiment/predict", json={"input": "Stays."}).json()
    assert server.process.returncode == -signal.SIGTERM  # it says what ended it, after it has ended in order
    assert "Application shutdown complete" in server.log.read_text()
    with server:
        entries = httpx2.get(f"{server.url}/services/sentiment/history").json()["predictions"]
    assert [entry["id"] for entry in entries] == [asked["id"]]


def test_several_processes_share_the_port_and_add_up_their_figures(project_copy: Path) -> None:
    with Server(project_copy, workers=2) as server:
        for _ in range(20):  # a connection each, so that both processes are asked
            answer = httpx2.post(f"{server.url}/services/sentiment/predict", json={"input": "Good."})
            assert answer.status_code == 200
        asked = 'winnow_requests_total{method="POST",route="/services/{service}/predict",status="200"} 20.0'
        wait_until(lambda: asked in httpx2.get(f"{server.url}/metrics").text)
        assert 'winnow_champion_version{service="sentiment"} 1.0' in httpx2.get(f"{server.url}/metrics").text
