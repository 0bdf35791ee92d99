"""The classic routes for images, as clients of the systems before use them; and their page."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.api.problems import check_problem
from tests.images import LIBRARY, make_image_project, make_picture, train_colours
from tests.projects import Server, settings_of, wait_until
from winnow.api.dialects.classic_answers import ClassicAnswer
from winnow.api.dialects.classic_page import page
from winnow.domain import new_id
from winnow.runtime import Runtime

CHROMIUM = shutil.which("chromium")
JSON = {"Accept": "application/json"}
HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
DAMAGED = make_picture("green", (200, 200), "JPEG")[:-400]


def ticket(client: httpx2.Client, **form: Any) -> str:
    """Hand an image in, and return its ticket."""
    response = client.post("/classifications", headers=JSON, **form)
    assert response.status_code == 200, response.text
    assert list(response.json()) == ["job_id"]
    return str(response.json()["job_id"])


def ended(client: httpx2.Client, job_id: str) -> dict[str, Any]:
    """The answer, once there is one."""
    answers: list[dict[str, Any]] = []

    def has_ended() -> bool:
        answers.append(client.get(f"/classifications/{job_id}").json())
        return answers[-1]["task_status"] in ("finished", "failed")

    wait_until(has_ended, 30)
    assert all(answer["data"] is None for answer in answers[:-1])
    return answers[-1]


def test_info_names_models_and_images(images: httpx2.Client) -> None:
    assert images.get("/info").json() == {"models": ["other", "pixels-linear"], "images": LIBRARY}


@pytest.mark.parametrize(
    "form",
    [
        {"data": {"image": "red.png"}},
        {"data": {"image": "red.png", "model": "other"}},
        {"data": {"image": "red.png", "model": ""}},
        {"files": {"image": (None, "red.png"), "model": (None, "pixels-linear")}},
        {"files": {"image": ("mine.jpg", make_picture("red", kind="JPEG"))}, "data": {"model": "other"}},
        {"files": [("image", ("", b"")), ("image", (None, "red.png"))]},
    ],
)
def test_an_image_and_a_model_make_a_ticket(images: httpx2.Client, form: dict[str, Any]) -> None:
    answer = ended(images, ticket(images, **form))
    assert list(answer) == ["task_status", "data"]
    assert answer["task_status"] == "finished"
    labels = [label for label, _ in answer["data"]]
    percents = [percent for _, percent in answer["data"]]
    assert labels[0] == "red"
    assert sorted(labels) == ["blue", "green", "red"]
    assert percents == sorted(percents, reverse=True)
    assert abs(sum(percents) - 100) < 0.2


def test_the_model_that_was_chosen_answers(images: httpx2.Client) -> None:
    for model, version in (("other", 1), ("pixels-linear", 2), ("", 2)):
        job_id = ticket(images, data={"image": "red.png", "model": model})
        ended(images, job_id)
        assert images.get(f"/jobs/{job_id}/result").json()["version"] == version


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"data": {"image": "rad.png"}}, "Did you mean 'red.png'?"),
        ({"data": {"image": "../secret.png"}}, "no image '../secret.png'"),
        ({"data": {"image": "red.png", "model": "othr"}}, "Did you mean 'other'?"),
        ({"data": {"model": "other"}}, "one field 'image'"),
        ({"data": {"image": ["red.png", "red.png"]}}, "one field 'image'"),
        ({"data": {"image": "red.png", "model": ["other", "other"]}}, "one field 'model'"),
        ({"data": {"image": ""}}, "one field 'image'"),
        ({"files": {"image": ("a.png", b"text")}}, "no image that is read here"),
        ({"json": {"image": "red.png"}}, "one field 'image'"),
        ({"content": b"\xff\xfe"}, "cannot be read"),
        ({"content": b"a&" * 200}, "cannot be read"),
    ],
)
def test_a_form_that_cannot_be_answered(images: httpx2.Client, form: dict[str, Any], says: str) -> None:
    assert says in check_problem(images.post("/classifications", **form), 422, "invalid-input")["detail"]


def test_a_failed_job_says_why(images: httpx2.Client) -> None:
    answer = ended(images, ticket(images, files={"image": ("a.jpg", DAMAGED)}))
    assert (answer["task_status"], answer["data"]) == ("failed", None)
    assert "damaged" in answer["error"]


@pytest.mark.parametrize("job_id", ["01a1fae6-4cf1-7afd-8f3d-982c65c250ae", "1", "%00", "a%2Fb"])
def test_an_unknown_ticket_is_not_found(images: httpx2.Client, job_id: str) -> None:
    check_problem(images.get(f"/classifications/{job_id}"), 404, "not-found")


def test_other_tickets_are_no_classifications(images: httpx2.Client) -> None:
    body = {"inputs": [{"library": "red.png"}]}
    job_id = images.post("/services/colours/jobs", json=body).json()["id"]
    wait_until(lambda: images.get(f"/jobs/{job_id}").json()["status"] == "finished", 30)
    problem = check_problem(images.get(f"/classifications/{job_id}"), 404, "not-found")
    assert "several images" in problem["detail"]


def test_the_routes_exist_only_where_a_service_is_named(http: httpx2.Client) -> None:
    for method, path in (("GET", "/info"), ("POST", "/classifications"), ("GET", f"/classifications/{new_id()}")):
        check_problem(http.request(method, path), 404, "not-found")
    assert "/info" not in http.get("/openapi.json").json()["paths"]


def test_the_routes_are_documented_where_they_are(images: httpx2.Client) -> None:
    paths = images.get("/openapi.json").json()["paths"]
    assert {"/info", "/classifications", "/classifications/{job_id}"} <= paths.keys()


# The page


class Seen(HTMLParser):
    """What a page holds: texts, meters, and every address that it would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.meters: list[tuple[str | None, str | None]] = []
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        given = dict(attrs)
        if tag == "meter":
            self.meters.append((given["aria-label"], given["value"]))
        self.loads += [str(given[name]) for name in ("src", "href", "action") if name in given]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_a_browser_is_shown_a_page(images: httpx2.Client) -> None:
    shown = images.post("/classifications", data={"image": "red.png"}, headers=HTML)
    assert shown.headers["content-type"] == "text/html; charset=utf-8"
    found = re.search(r'data-ticket="(/classifications/[0-9a-f-]{36})"', shown.text)
    assert found is not None
    ended(images, found[1].rpartition("/")[2])
    final = images.get(found[1], headers=HTML)
    seen = Seen(final.text)
    assert seen.meters[0][0] == "red"
    assert [label for label, _ in seen.meters] == [label for label, _ in images.get(found[1]).json()["data"]]
    assert "Which <colour> is it?" in seen.texts
    assert "refresh" not in final.text
    assert final.headers["vary"] == "Accept"


def test_without_scripts_the_page_asks_again_by_itself() -> None:
    waiting, _ = page("Which?", "/classifications/1", ClassicAnswer("queued"))
    assert '<noscript><meta http-equiv="refresh" content="1; url=/classifications/1"></noscript>' in waiting


def test_the_page_loads_nothing_and_escapes_everything() -> None:
    evil = "\"><img src=x onerror=alert(1)>'</script>$nonce"
    answer = ClassicAnswer("finished", [(evil, 99.0), ("plain", 1.0)], evil)
    text, headers = page(evil, f"/classifications/{evil}", answer)
    seen = Seen(text)
    assert seen.loads == []
    assert "img" not in seen.tags
    assert seen.tags.count("script") == 1
    assert seen.meters == [(evil, "99.0"), ("plain", "1.0")]
    assert seen.texts.count(evil) == 3, "question, label and error"
    nonces = re.findall(r'nonce="([^"]+)"', text)
    assert len(set(nonces)) == 1
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert f"script-src 'nonce-{nonces[0]}'" in policy


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
async def test_a_browser_waits_and_then_shows_the_labels(tmp_path: Path) -> None:
    """The page is open, and has asked, before anybody works on its job."""
    project = make_image_project(tmp_path / "project")
    train_colours(project)
    with Server(project, concurrency=0) as server, httpx2.Client(base_url=server.url, trust_env=False) as client:
        job_id = ticket(client, data={"image": "red.png"})
        browser = _open(f"{server.url}/classifications/{job_id}", tmp_path / "browser")
        try:
            wait_until(lambda: _asked(server, job_id) >= 3, 60)
            async with Runtime(settings_of(project)) as runtime, runtime.worker():
                shown, said = await asyncio.to_thread(browser.communicate, timeout=60)
        finally:
            browser.kill()
    assert Seen(shown).meters[0][0] == "red"
    assert "CONSOLE" not in said, "a mistake in the script, or something that the policy forbids"


def _open(address: str, folder: Path) -> subprocess.Popen[str]:
    """A browser that prints the page once nothing more is to happen: it sits out no timers of a script."""
    options = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking"
    options += " --disable-component-update --disable-sync --enable-logging=stderr --dump-dom"
    a_day = 86_400_000
    command = [str(CHROMIUM), *options.split(), f"--virtual-time-budget={a_day}", f"--user-data-dir={folder}"]
    return subprocess.Popen([*command, address], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _asked(server: Server, job_id: str) -> int:
    return server.log.read_text(encoding="utf-8").count(f"GET /classifications/{job_id} 200")


def test_nothing_of_this_was_a_bug(image_server: Server) -> None:
    assert [line for line in image_server.log_lines() if line["level"] == "error"] == []
