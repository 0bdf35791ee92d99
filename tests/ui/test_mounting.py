"""The page beside the API, in front of one elsewhere, and what stands in its place where there is none."""

from __future__ import annotations

import json
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.projects import Server, copy_project, make_project
from tests.ui.conftest import PASSWORD

BROWSER = {"accept": "text/html,application/xhtml+xml"}


@pytest.fixture(scope="module")
def server(trained_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with its page, which lets everybody in and takes small bodies only."""
    project = copy_project(trained_project, tmp_path_factory.mktemp("mounting") / "project")
    with Server(project, page=True, max_body_mb=0.05, max_upload_mb=1, log_level="info") as started:
        yield started


def test_the_page_is_served_beside_the_api(server: Server) -> None:
    page = httpx2.get(f"{server.url}/ui/predict")
    assert page.status_code == 200
    assert "<title>Winnow</title>" in page.text
    assert 'BACKEND_BASE_URL:location.origin+"/ui"' in page.text
    assert httpx2.get(f"{server.url}/ui/_stcore/health").text == "ok"
    assert httpx2.get(f"{server.url}/services").status_code == 200


def test_nothing_of_the_page_may_come_from_elsewhere_or_be_framed(server: Server) -> None:
    policy = httpx2.get(f"{server.url}/ui/").headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "connect-src 'self'" in policy
    assert "frame-ancestors 'self'" in policy


def test_browsers_are_led_to_the_page_and_programs_are_not(server: Server) -> None:
    assert httpx2.get(server.url, headers=BROWSER).headers["location"] == "/ui/"
    assert httpx2.get(f"{server.url}/ui").headers["location"] == "/ui/"
    assert httpx2.get(server.url).status_code == 404


def test_no_doors_for_agents_and_no_figures_of_the_program(server: Server) -> None:
    sent = httpx2.post(f"{server.url}/ui/_stcore/agent/interact", json={})
    assert sent.status_code in (403, 404, 405)


def test_files_for_the_page_are_uploads_and_its_forms_are_not(server: Server) -> None:
    body = b"x" * 100_000
    upload = httpx2.put(f"{server.url}/ui/_stcore/upload_file/nobody/nothing", content=body)
    assert upload.status_code not in (200, 413)  # nobody has that visit; it was read all the same
    assert httpx2.post(f"{server.url}/ui/sign-in", content=body).status_code == 413
    too_large = httpx2.put(f"{server.url}/ui/_stcore/upload_file/nobody/nothing", content=body * 15)
    assert too_large.status_code == 413


def test_figures_and_logs_know_the_page_by_one_name(server: Server) -> None:
    for path in ("/ui/", "/ui/_stcore/host-config", "/ui/static/nothing.js"):
        httpx2.get(f"{server.url}{path}")
    metrics = httpx2.get(f"{server.url}/metrics").text
    assert 'route="/ui"' in metrics
    assert "host-config" not in metrics
    lines = [
        line["message"] for line in server.log_lines()
    ]  # each is JSON: none was written by a library's own hand
    assert any(line.startswith("GET /ui/ ") for line in lines)
    assert not any("host-config" in line or "nothing.js" in line for line in lines)
    assert sum("Application startup complete" in line for line in lines) == 1


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [({"page": False}, "WINNOW_PAGE=true"), ({"page": True, "workers": 2}, "winnow ui --api http://127.0.0.1:")],
    ids=["switched-off", "two-workers"],
)
def test_where_there_is_no_page_it_is_said_what_brings_one(
    tmp_path: Path, settings: dict[str, object], remedy: str
) -> None:
    with Server(make_project(tmp_path / "project"), **settings) as server:
        for path in ("/ui", "/ui/", "/ui/history"):
            refused = httpx2.get(f"{server.url}{path}")
            assert refused.status_code == 404
            assert refused.headers["content-type"] == "application/problem+json"
            assert remedy in refused.json()["detail"]
        assert httpx2.get(server.url, headers=BROWSER).headers["location"] == "/docs"


def _python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_without_streamlit_it_is_said_how_to_install_it(tmp_path: Path) -> None:
    said = _python(
        "import sys; sys.modules['streamlit'] = None\n"
        "from winnow.api.page import page_of\n"
        "from winnow.settings import load_settings\n"
        "print(page_of(load_settings()))"
    )
    assert said.strip() == 'the page needs packages that are not installed: pip install "winnow[ui]"'


def test_a_server_without_the_page_loads_nothing_of_it(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    said = _python(
        "import sys\n"
        "from winnow.api.app import create_app\n"
        "from winnow.settings import load_settings\n"
        f"create_app(load_settings(project={str(project)!r}, page=False))\n"
        "print('streamlit' in sys.modules, 'altair' in sys.modules)"
    )
    assert said.split() == ["False", "False"]


# In a process of its own


@contextmanager
def _front_end(api: str) -> Iterator[str]:
    """The address of a page that asks this API."""
    process = subprocess.Popen(
        [sys.executable, "-m", "winnow", "ui", "--api", api, "--port", "0", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        readable, _, _ = select.select([process.stdout], [], [], 60)
        assert readable
        lines = iter(process.stdout.readline, "}\n")
        yield json.loads("".join(lines) + "}")["page"]
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


def test_the_page_alone_asks_an_api_elsewhere(guarded_server: Server) -> None:
    with _front_end(guarded_server.url) as page, httpx2.Client() as browser:
        assert browser.get(f"{page}/").status_code == 303
        assert browser.post(f"{page}/sign-in", data={"name": "vera", "password": PASSWORD}).status_code == 303
        assert browser.get(f"{page}/").status_code == 200
        home = page.removesuffix("/ui")
        assert browser.get(f"{home}/health/live").json() == {"status": "live"}
        assert browser.get(f"{home}/services").status_code == 404  # the API is not to be reached through it
        assert browser.get(home, headers=BROWSER).headers["location"] == "/ui/"


def test_where_the_api_is_silent_a_sentence_says_so(guarded_server: Server) -> None:
    with _front_end("http://127.0.0.1:9") as page:
        refused = httpx2.get(f"{page}/")
        assert refused.status_code == 503
        assert "nobody listens there" in refused.text


def test_other_machines_get_no_page_before_an_open_api(server: Server) -> None:
    command = [sys.executable, "-m", "winnow", "ui", "--api", server.url, "--host", "0.0.0.0", "--port", "0"]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode != 0
    assert "WINNOW_ANONYMOUS=nobody" in refused.stderr + refused.stdout
