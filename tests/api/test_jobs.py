"""Jobs over HTTP: a ticket at once, the result when it is ready, and a problem wherever there is none."""

from __future__ import annotations

import itertools
import os
import socket
import sqlite3
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.api.problems import check_problem
from tests.images import make_picture
from tests.projects import Server, copy_project, settings_of, train_directly, wait_until
from tests.servers import PostgreSQL
from winnow.api.results import attachment

JOBS = "/services/sentiment/jobs"
FILES = "/services/sentiment/files"
UNKNOWN = "01a2b3c4-d5e6-7f80-9a1b-2c3d4e5f6071"
MEGABYTE = 1_000_000

WORKER = """
import asyncio
from winnow.runtime import Runtime
from winnow.settings import load_settings

async def work():
    async with Runtime(load_settings()) as runtime, runtime.worker():
        print("working", flush=True)
        await asyncio.Event().wait()

asyncio.run(work())
"""


def talk(server: Server) -> httpx2.Client:
    return httpx2.Client(base_url=server.url, trust_env=False, timeout=60)


@pytest.fixture(scope="module")
def idle_server(trained_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that takes jobs in and works on none."""
    project = copy_project(trained_project, tmp_path_factory.mktemp("idle") / "project")
    with Server(project, concurrency=0, max_upload_mb=4) as server:
        yield server


@pytest.fixture(scope="module")
def idle(idle_server: Server) -> Iterator[httpx2.Client]:
    with talk(idle_server) as client:
        yield client


def submit(http: httpx2.Client, body: Any = None, path: str = JOBS, **headers: str) -> dict[str, Any]:
    """Hand a job in, which must be accepted."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = http.post(path, json=body or {"input": "Lovely."}, headers=named)
    assert response.status_code == 202, response.text
    job: dict[str, Any] = response.json()
    assert response.headers["location"] == f"/jobs/{job['id']}"
    return job


def ended(http: httpx2.Client, ticket: str) -> dict[str, Any]:
    """A job that has ended, by long polling."""
    response = http.get(f"/jobs/{ticket}", params={"wait": 50})
    assert response.status_code == 200, response.text
    job: dict[str, Any] = response.json()
    assert job["status"] in ("finished", "failed", "cancelled"), job
    return job


def test_a_ticket_at_once_and_the_answer_later(http: httpx2.Client) -> None:
    """The result is worded as predict's answer, and in the history under the same id."""
    ticket = submit(http, {"input": "Broke after a day."})["id"]
    job = ended(http, ticket)
    assert (job["status"], job["kind"], job["attempt"], job["error"]) == ("finished", "predict", 1, None)
    result = http.get(f"/jobs/{ticket}/result").json()
    answer = http.post("/services/sentiment/predict", json={"input": "Broke after a day."}).json()
    assert result == {**answer, "id": result["id"]}
    entries = http.get("/services/sentiment/history", params={"text": "broke after a day."}).json()["predictions"]
    assert result["id"] in [entry["id"] for entry in entries]


def test_of_several_inputs_each_is_answered_or_refused_by_itself(http: httpx2.Client) -> None:
    ticket = submit(http, {"inputs": ["Lovely.", "", 7], "top_k": 1, "version": 1})["id"]
    assert ended(http, ticket)["status"] == "finished"
    response = http.get(f"/jobs/{ticket}/result")
    first, *refused = response.json()["predictions"]
    assert len(first["scores"]) == first["version"] == 1
    for row in refused:
        assert row["error"]["type"] == "urn:winnow:problem:invalid-input"
        assert row["error"]["instance"] == f"urn:request:{response.headers['x-request-id']}"
        assert row["error"]["status"] == 422
        assert row["error"]["error_code"]


def test_the_same_key_has_the_same_ticket(idle: httpx2.Client) -> None:
    first = submit(idle, Idempotency_Key="once only")
    again = submit(idle, Idempotency_Key="once only")
    assert again == first
    other = idle.post(JOBS, json={"input": "Another."}, headers={"Idempotency-Key": "once only"})
    assert first["id"] in check_problem(other, 409, "conflict")["detail"]
    assert submit(idle)["id"] != first["id"]


def test_many_at_once_have_a_ticket_each(http: httpx2.Client) -> None:
    """Their commits are shared, and all of them are done."""
    with ThreadPoolExecutor(16) as threads:
        tickets = list(threads.map(lambda number: submit(http, {"input": f"Text {number}."})["id"], range(100)))
        assert len(set(tickets)) == 100
        jobs = list(threads.map(lambda ticket: ended(http, ticket), tickets))
    assert {job["status"] for job in jobs} == {"finished"}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "JSON"),
        (b"{", "JSON"),
        (b"[]", "input"),
        (b"{}", "input"),
        (b'{"input": "a", "inputs": ["b"]}', "input"),
        (b'{"inputs": []}', "at least one"),
        (b'{"input": ""}', "blank"),
        (b'{"input": 7}', "text"),
        (b'{"input": "a", "colour": "red"}', "colour"),
        (b'{"input": "a", "top_k": 0}', "top_k"),
        (b'{"input": "a", "version": []}', "version"),
        (b'{"input": "a", "webhook": 7}', "webhook"),
        (b'{"input": "a", "webhook": "https://example.org"}', "webhook_secret"),
        (b'{"input": "a", "kind": "train"}', "kind"),
        (b'{"kind": "train", "colour": "red"}', "colour"),
        (b'{"kind": "predict"}', "input"),
    ],
)
def test_a_body_that_cannot_be_used(idle: httpx2.Client, body: bytes, says: str) -> None:
    assert says in check_problem(idle.post(JOBS, content=body), 422, "invalid-input")["detail"]


def test_a_key_that_cannot_be_used(idle: httpx2.Client) -> None:
    for key in ("", "x" * 201):
        response = idle.post(JOBS, json={"input": "a"}, headers={"Idempotency-Key": key})
        check_problem(response, 422, "invalid-input")


def test_waiting_ends_with_the_job_as_it_stands(idle: httpx2.Client) -> None:
    """Whoever waits in vain is told the place in the queue; lists and new tickets leave it out."""
    first, second = submit(idle), submit(idle)
    assert first["position"] is None
    jobs = [
        idle.get(f"/jobs/{job['id']}", params={"wait": wait}).json() for job, wait in ((first, 0.2), (second, 0))
    ]
    assert [job["status"] for job in jobs] == ["queued", "queued"]
    assert jobs[1]["position"] == jobs[0]["position"] + 1
    assert jobs[0]["estimated_wait"] is None
    for wait in ("-1", "61", "nan", "inf", "soon"):
        check_problem(idle.get(f"/jobs/{first['id']}", params={"wait": wait}), 422, "invalid-input")


def test_what_is_not_finished_has_no_result(idle: httpx2.Client) -> None:
    ticket = submit(idle)["id"]
    waits = idle.get(f"/jobs/{ticket}/result")
    check_problem(waits, 409, "not-finished")
    assert int(waits.headers["retry-after"]) >= 1
    assert idle.delete(f"/jobs/{ticket}").json()["status"] == "cancelled"
    check_problem(idle.delete(f"/jobs/{ticket}"), 409, "conflict")
    cancelled = idle.get(f"/jobs/{ticket}/result")
    assert "cancelled" in check_problem(cancelled, 409, "not-finished")["detail"]
    assert "retry-after" not in cancelled.headers
    assert idle.get(f"/jobs/{ticket}", params={"wait": 60}).json()["error"]["kind"] == "cancelled"


def test_a_failed_job_answers_with_its_problem(http: httpx2.Client) -> None:
    ticket = submit(http, {"input": "Lovely.", "version": 999})["id"]
    job = ended(http, ticket)
    assert (job["status"], job["error"]["kind"]) == ("failed", "not-found")
    problem = check_problem(http.get(f"/jobs/{ticket}/result"), 409, "job-failed")
    assert problem["job_error"]["type"] == "urn:winnow:problem:not-found"
    assert problem["job_error"]["status"] == 404
    assert "999" in problem["job_error"]["detail"]


@pytest.mark.parametrize("ticket", [UNKNOWN, "1", "x" * 300, "%00", "..%2F"])
@pytest.mark.parametrize(
    ("method", "rest"), [("GET", ""), ("GET", "?wait=9"), ("DELETE", ""), ("GET", "/result"), ("GET", "/events")]
)
def test_an_unknown_ticket(http: httpx2.Client, method: str, rest: str, ticket: str) -> None:
    check_problem(http.request(method, f"/jobs/{ticket}{rest}"), 404, "not-found")


def test_a_result_is_kept_for_its_time(project_copy: Path) -> None:
    with Server(project_copy, keep_results_hours=0.0001) as server, talk(server) as http:
        ticket = submit(http)["id"]
        assert ended(http, ticket)["status"] == "finished"
        wait_until(lambda: http.get(f"/jobs/{ticket}/result").status_code == 410)
        check_problem(http.get(f"/jobs/{ticket}/result"), 410, "expired")
        assert http.get(f"/jobs/{ticket}").json()["status"] == "finished"


def test_nothing_is_taken_in_that_nobody_could_answer(untrained_server: Server) -> None:
    with talk(untrained_server) as http:
        check_problem(http.post(JOBS, json={"input": "Lovely."}), 503, "not-ready")
        check_problem(http.post(FILES, files={"file": ("a.csv", b"text\nLovely.\n")}), 503, "not-ready")
        assert http.get("/jobs").json() == {"jobs": []}


def test_where_too_many_wait_new_ones_are_refused(project_copy: Path) -> None:
    with Server(project_copy, concurrency=0, max_queued=2) as server, talk(server) as http:
        submit(http)
        submit(http)
        for response in (
            http.post(JOBS, json={"input": "Lovely."}),
            http.post(FILES, files={"file": ("a.csv", b"text\nLovely.\n")}),
        ):
            assert check_problem(response, 429, "overloaded")["retry_after"] >= 1
            assert int(response.headers["retry-after"]) >= 1


def test_lists_are_filtered_and_paged(project_copy: Path) -> None:
    with Server(project_copy, concurrency=0) as server, talk(server) as http:
        tickets = [submit(http)["id"] for _ in range(5)]
        training = submit(http, {"kind": "train"})["id"]
        http.delete(f"/jobs/{tickets[0]}")

        def listed(**query: Any) -> list[str]:
            return [job["id"] for job in http.get("/jobs", params=query).json()["jobs"]]

        assert listed() == [training, *reversed(tickets)]
        assert listed(kind="train", service="sentiment") == [training]
        assert listed(status="cancelled") == [tickets[0]]
        assert listed(n=2, kind="predict") == [tickets[4], tickets[3]]
        assert listed(n=9, kind="predict", before=tickets[3]) == [tickets[2], tickets[1], tickets[0]]
        for query in ({"service": "sentimant"}, {"status": "lost"}, {"kind": "cook"}, {"n": 0}, {"x": 1}):
            check_problem(http.get("/jobs", params=query), 422, "invalid-input")


# Images


def test_images_are_taken_in_however_they_are_sent(images: httpx2.Client) -> None:
    """As bytes, in a form, in base64 and by their names in the library."""
    picture = make_picture("blue")
    path = "/services/colours/jobs"
    sent = [
        images.post(path, content=picture, headers={"Content-Type": "image/png"}),
        images.post(path, files={"image": ("a.png", picture)}, data={"top_k": "1"}),
        images.post(path, json={"input": b64encode(picture).decode(), "version": "pixels-linear"}),
        images.post(path, json={"inputs": [b64encode(picture).decode(), {"library": "red.png"}, "no image"]}),
    ]
    results = []
    for response in sent:
        assert response.status_code == 202, response.text
        assert ended(images, response.json()["id"])["status"] == "finished"
        results.append(images.get(f"/jobs/{response.json()['id']}/result").json())
    assert [result["label"] for result in results[:3]] == ["blue"] * 3
    assert len(results[1]["scores"]) == 1
    first, second, third = results[3]["predictions"]
    assert (first["label"], second["label"]) == ("blue", "red")
    assert third["error"]["type"] == "urn:winnow:problem:invalid-input"
    refused = images.post(path, json={"input": {"library": "../secret.png"}})
    check_problem(refused, 422, "invalid-input")


# Files


def stored(server: Server) -> dict[str, list[bytes]]:
    """The files in the store, in their parts."""
    found: dict[str, list[bytes]] = {}
    with sqlite3.connect(settings_of(server.project).folder / "winnow.db") as connection:
        rows = connection.execute("SELECT job_id, content FROM job_files WHERE name = 'input' ORDER BY 1, number")
        for ticket, content in rows:
            found.setdefault(ticket, []).append(content)
    connection.close()
    return found


def test_a_file_is_stored_in_parts(idle_server: Server, idle: httpx2.Client) -> None:
    content = os.urandom(5 * MEGABYTE // 2)
    response = idle.post(FILES, files={"file": ("a.csv", content)}, data={"top_k": "1", "version": "1"})
    assert response.status_code == 202, response.text
    assert response.json()["kind"] == "file"
    parts = stored(idle_server)[response.json()["id"]]
    assert [len(part) for part in parts] == [MEGABYTE, MEGABYTE, MEGABYTE // 2]
    assert b"".join(parts) == content


def test_the_same_file_under_the_same_key_is_stored_once(idle_server: Server, idle: httpx2.Client) -> None:
    files, key = {"file": ("a.csv", b"text\nLovely.\n")}, {"Idempotency-Key": "one file"}
    first = idle.post(FILES, files=files, headers=key)
    before = stored(idle_server)
    again = idle.post(FILES, files=files, headers=key)
    assert first.json() == again.json()
    other = idle.post(FILES, files={"file": ("a.csv", b"text\nUgly.\n")}, headers=key)
    check_problem(other, 409, "conflict")
    assert stored(idle_server) == before


def test_a_file_that_is_refused_leaves_nothing(idle_server: Server, idle: httpx2.Client) -> None:
    """Too large, of no known format, or followed by something else."""
    before = stored(idle_server)
    check_problem(idle.post(FILES, files={"file": ("a.csv", b"x" * (5 * MEGABYTE))}), 413, "too-large")
    check_problem(idle.post(FILES, files={"file": ("a.docx", b"text\n")}), 422, "file-refused")
    twice = [("file", ("a.csv", b"x" * (2 * MEGABYTE))), ("file", ("b.csv", b"text\n"))]
    check_problem(idle.post(FILES, files=twice), 422, "invalid-input")
    assert stored(idle_server) == before


def form(*fields: tuple[str, str], end: bytes = b"--xyz--\r\n") -> bytes:
    """A form as it goes over the wire; `fields` are the rest of a header and the content."""
    parts = [f'--xyz\r\nContent-Disposition: form-data; name="{head}\r\n\r\n{body}\r\n' for head, body in fields]
    return "".join(parts).encode() + end


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "last boundary"),
        (b"no form at all", "cannot be read"),
        (form(), "a file named 'file'"),
        (form(('file"', "text")), "a file named 'file'"),
        (form(('data"; filename="a.csv"', "text")), "not 'data'"),
        (form(('top_k"', "none"), ('file"; filename="a.csv"', "text")), "top_k"),
        (form(('colour"', "red"), ('file"; filename="a.csv"', "text")), "colour"),
        (form(('top_k"', "1"), ('top_k"', "2"), ('file"; filename="a.csv"', "text")), "twice"),
        (form(('top_k"', "1" * 20_000), ('file"; filename="a.csv"', "text")), "longer"),
        (form(('file"; filename="a.csv"', "text"), ('top_k"', "1")), "put the file last"),
        (form(('file"; filename="a.csv"', "text"), end=b"--xy"), "last boundary"),
        (form(('webhook"', "nowhere"), ('file"; filename="a.csv"', "text")), "webhook_secret"),
    ],
)
def test_a_form_that_cannot_be_used(idle: httpx2.Client, body: bytes, says: str) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=xyz"}
    assert says in check_problem(idle.post(FILES, content=body, headers=headers), 422, "invalid-input")["detail"]


def test_a_form_is_needed(idle: httpx2.Client) -> None:
    for kind in ("", "multipart/form-data", f"multipart/form-data; boundary={'x' * 500}", "text/csv"):
        response = idle.post(FILES, content=b"text\nLovely.\n", headers={"Content-Type": kind})
        assert "a file named 'file'" in check_problem(response, 422, "invalid-input")["detail"]


def test_a_sender_who_leaves_leaves_nothing(idle_server: Server) -> None:
    """What had arrived of the file is forgotten."""
    before = stored(idle_server)
    address = urlsplit(idle_server.url)
    head = (
        f"POST {FILES} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: 3500000\r\n"
        "Content-Type: multipart/form-data; boundary=xyz\r\n\r\n"
        '--xyz\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    )
    with socket.create_connection((str(address.hostname), int(address.port or 0))) as connection:
        connection.sendall(head.encode() + b"x" * (3 * MEGABYTE))
        wait_until(lambda: len(stored(idle_server)) > len(before))
    wait_until(lambda: stored(idle_server) == before)


def test_a_file_is_answered_and_downloaded(http: httpx2.Client) -> None:
    """Under its own name, with its own columns, row by row."""
    content = "number,text\n" + "".join(f"{number},Text {number}.\n" for number in range(300)) + "300,\n"
    response = http.post(FILES, files={"file": ("Käse/../rés umé.csv", content.encode())})
    assert response.status_code == 202, response.text
    job = ended(http, response.json()["id"])
    assert job["status"] == "finished", job
    download = http.get(f"/jobs/{job['id']}/result")
    assert download.headers["content-type"].startswith("text/csv")
    disposition = download.headers["content-disposition"]
    assert disposition.startswith("attachment; filename=")
    assert "/" not in disposition
    assert int(download.headers["content-length"]) == len(download.content)
    lines = download.text.splitlines()
    assert len(lines) == 302
    assert lines[0].startswith("number,text,")
    assert lines[300].startswith("299,Text 299.,")


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("scored.csv", 'attachment; filename="scored.csv"'),
        ("../../etc/passwd", 'attachment; filename="passwd"'),
        ("C:\\windows\\a.csv", 'attachment; filename="a.csv"'),
        ('a"; x="b.csv', "attachment; filename=\"a_x_b.csv\"; filename*=UTF-8''a%22%3B%20x%3D%22b.csv"),
        (
            "a\r\nSet-Cookie: b.csv",
            "attachment; filename=\"aSet-Cookie_b.csv\"; filename*=UTF-8''aSet-Cookie%3A%20b.csv",
        ),
        ("Käse.csv", "attachment; filename=\"K_se.csv\"; filename*=UTF-8''K%C3%A4se.csv"),
        (".bashrc", 'attachment; filename="bashrc"'),
        ("evil\u202evsc.exe", 'attachment; filename="evilvsc.exe"'),
        ("", 'attachment; filename="result"'),
        ("a/", 'attachment; filename="result"'),
    ],
)
def test_a_download_has_a_harmless_name(name: str, header: str) -> None:
    assert attachment(name) == header


# Several processes


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_who_waits_is_answered_when_the_server_stops(project_copy: Path, workers: int) -> None:
    """With the job as it stands; otherwise they would be cut off when the server's patience ends."""
    server = Server(project_copy, concurrency=0, workers=workers).start()
    try:
        with talk(server) as http, ThreadPoolExecutor(12) as threads:
            ticket = submit(http)["id"]
            polls = [threads.submit(http.get, f"/jobs/{ticket}", params={"wait": 60}) for _ in range(6)]
            streams = [threads.submit(http.get, f"/jobs/{ticket}/events") for _ in range(6)]
            wait_until(lambda: established(server) >= 12)
            for _ in range(20):  # whoever came before has been heard by then
                httpx2.get(f"{server.url}/health/live", trust_env=False)
            server.stop()
            for poll in polls:
                assert poll.result(60).json()["status"] == "queued"
            for stream in streams:
                assert "event: progress" in stream.result(60).text
                assert "event: ended" not in stream.result(60).text
    finally:
        server.kill()


@pytest.mark.slow
def test_a_ticket_outlives_the_server(project_copy: Path) -> None:
    """kill -9 while many hand in: whoever had a ticket finds the job, and it is done."""
    server = Server(project_copy, lease_seconds=1).start()
    tickets: list[str] = []

    def hand_in(number: int) -> None:
        with talk(server) as http, suppress(httpx2.TransportError):
            for count in itertools.count():
                job = submit(http, {"input": f"Text {number}, {count}."})
                tickets.append(job["id"])

    try:
        with ThreadPoolExecutor(8) as threads:
            handing = [threads.submit(hand_in, number) for number in range(8)]
            wait_until(lambda: len(tickets) > 200, 60)
            server.kill()
            for each in handing:
                each.result(60)
        with server, talk(server) as http:
            assert {ended(http, ticket)["status"] for ticket in tickets} == {"finished"}
            listed = {job["id"] for job in http.get("/jobs", params={"n": 1000}).json()["jobs"]}
            assert len(tickets) <= len(listed) <= len(tickets) + 8, "at most one of each had no answer yet"
    finally:
        server.kill()


def established(server: Server) -> int:
    """How many connections the server's port has."""
    port = f":{urlsplit(server.url).port:04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return sum(line.split()[1].endswith(port) and line.split()[3] == "01" for line in lines)


@pytest.mark.slow
def test_two_processes_are_one_service(project_copy: Path) -> None:
    """Whichever takes a job in, and whichever does it, all know how it ended."""
    with Server(project_copy, workers=2) as server:

        def one(number: int) -> str:
            with talk(server) as mine, talk(server) as other:
                ticket = submit(mine, {"input": f"Text {number}."})["id"]
                assert ended(other, ticket)["status"] == "finished"
                return str(other.get(f"/jobs/{ticket}/result").json()["label"])

        with ThreadPoolExecutor(8) as threads:
            assert set(threads.map(one, range(40))) <= {"negative", "positive"}


@pytest.mark.slow
def test_a_worker_elsewhere_does_what_the_server_takes_in(
    project_copy: Path, tmp_path: Path, postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL between them: the server works on nothing itself, and who waits there is told."""
    with postgresql.fresh() as url:
        environment = {
            **os.environ,
            "WINNOW_PROJECT": str(project_copy),
            "WINNOW_DATABASE": url,
            "WINNOW_LOG_FORMAT": "json",
        }
        monkeypatch.setenv("WINNOW_DATABASE", url)
        train_directly(project_copy)
        log = (tmp_path / "worker.log").open("w")
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER], env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        )
        try:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "working\n", (tmp_path / "worker.log").read_text()
            with Server(project_copy, database=url, concurrency=0) as server, talk(server) as http:
                tickets = [submit(http, {"input": f"Text {number}."})["id"] for number in range(20)]
                assert {ended(http, ticket)["status"] for ticket in tickets} == {"finished"}
                stream = http.get(f"/jobs/{submit(http)['id']}/events").text
                assert "event: ended" in stream
        finally:
            worker.kill()
            worker.wait()
            assert worker.stdout is not None
            worker.stdout.close()
            log.close()
