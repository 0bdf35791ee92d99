"""Jobs that answer files: every row once, in the file's own format, resumed where they were left."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from base64 import b64encode
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from tests.jobs.working import ORDER, at_work, ended, eventually, hand_in, opened
from tests.pictures import encoded, plain
from tests.projects import train_directly
from winnow.domain import Json, Status
from winnow.errors import FileRefused
from winnow.lifecycle.training import train
from winnow.runtime import Runtime
from winnow.serving import file_answers
from winnow.serving.service import AS_USUAL, Options
from winnow.settings import load_settings
from winnow.store import jobs, runs, schema
from winnow.store.jobs import Lease
from winnow.workspace import Workspace

ROWS = 250


def sheet(rows: int = ROWS) -> bytes:
    """A CSV of reviews, of which every tenth has no text."""
    texts = ["It broke after a day, terrible.", "Lovely, I am so happy with it."]
    lines = [f"{number};{texts[number % 2] if number % 10 else ' '};é{number}" for number in range(rows)]
    return "\n".join(["id;text;note", *lines, ""]).encode()


def put(runtime: Runtime, name: str, content: bytes, options: Options = AS_USUAL) -> str:
    parts = [content[begin : begin + 1000] for begin in range(0, len(content), 1000)]
    return hand_in(runtime, runtime.desk.file("sentiment", name, parts, order=ORDER, options=options))


def fetch(runtime: Runtime, ticket: str) -> tuple[Json, bytes]:
    facts, parts = runtime.desk.result_file(ticket)
    return facts, b"".join(parts)


def read(content: bytes, delimiter: str = ";") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline=""), delimiter=delimiter))


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_answers, "CHUNK_ROWS", 20)


async def test_a_csv_comes_back_with_its_columns_and_the_answers(project_copy: Path, small_chunks: None) -> None:
    async with at_work(project_copy) as runtime:
        ticket = put(runtime, "reviews.csv", sheet())
        job = await ended(runtime, ticket)
        assert job.status is Status.FINISHED, job.error
        assert job.progress == {"rows": ROWS, "failed": ROWS // 10, "done": 1.0, "parts": 14, "version": 1}
        facts, content = fetch(runtime, ticket)
        assert facts == {
            "name": "reviews-answers.csv",
            "media_type": "text/csv; charset=utf-8",
            "rows": ROWS,
            "failed": ROWS // 10,
        }
        rows = read(content)
        assert list(rows[0]) == [
            "id", "text", "note", "predicted_label", "score_negative", "score_positive", "error"
        ]  # fmt: skip
        assert [row["note"] for row in rows] == [f"é{number}" for number in range(ROWS)]
        assert all(("blank" in row["error"]) == (number % 10 == 0) for number, row in enumerate(rows))
        assert {row["predicted_label"] for row in rows[1::2]} == {"positive"}
        kept = runtime.workspace.history("sentiment", 1000)
        assert {prediction.ticket for prediction in kept} == {ticket}
        assert len(kept) == ROWS - ROWS // 10


async def test_jsonl_comes_back_as_jsonl(project_copy: Path) -> None:
    async with at_work(project_copy, history="off") as runtime:
        given = '{"text": "Lovely.", "more": {"a": [1]}}\nnonsense\n\n{"id": 3}\n'
        ticket = put(runtime, "r.jsonl", given.encode(), Options(None, 1))
        assert (await ended(runtime, ticket)).status is Status.FINISHED
        facts, content = fetch(runtime, ticket)
        assert (facts["name"], facts["rows"], facts["failed"]) == ("r-answers.jsonl", 3, 2)
        first, second, third = map(json.loads, content.decode().splitlines())
        assert first["more"] == {"a": [1]}
        assert (first["predicted_label"], first["label_1"]) == ("positive", "positive")
        assert first["score_1"] > 0.5
        assert "not JSON" in second["error"]
        assert "'text' is missing" in third["error"]
        assert not runtime.workspace.history("sentiment", 10)


async def test_a_file_of_a_header_only_is_answered_by_a_header(project_copy: Path) -> None:
    async with at_work(project_copy) as runtime:
        ticket = put(runtime, "none.csv", b"id,text\n")
        assert (await ended(runtime, ticket)).status is Status.FINISHED
        facts, content = fetch(runtime, ticket)
        assert facts["rows"] == 0
        assert content == b"id,text,predicted_label,score_negative,score_positive,error\n"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"id,body\n1,fine\n", "no column 'text'"),
        (b"text,error\nfine,1\n", "column 'error'"),
        (b'text\n"never closed\n', "never closed"),
        (b"PK\x03\x04", "archive"),
    ],
)
async def test_a_file_that_cannot_be_answered_fails_at_once(
    project_copy: Path, content: bytes, reason: str
) -> None:
    async with at_work(project_copy) as runtime:
        job = await ended(runtime, put(runtime, "in.csv", content))
        assert (job.status, job.attempt) == (Status.FAILED, 1)
        assert reason in (job.error or {})["detail"]


async def test_a_name_that_says_no_format_is_refused(project_copy: Path) -> None:
    async with opened(project_copy) as runtime:
        for name in ("in.xlsx", "in.zip"):  # a ZIP is for images
            with pytest.raises(FileRefused):
                put(runtime, name, b"text\nfine\n")


async def test_the_next_worker_goes_on_behind_the_last_chunk(
    project_copy: Path, small_chunks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an undisturbed worker writes, and each row in the history once, though every worker stops half-way."""
    async with at_work(project_copy) as runtime:
        undisturbed = put(runtime, "reviews.csv", sheet())
        await ended(runtime, undisturbed)
        _, right = fetch(runtime, undisturbed)
    tell, told = jobs.tell, 0

    def stumble(*given: Any) -> bool:
        nonlocal told
        told += 1
        if told % 5 == 0:
            raise ConnectionError("the worker falls over in the middle of a commit")
        return tell(*given)

    monkeypatch.setattr(jobs, "tell", stumble)
    async with at_work(project_copy, attempts=20) as runtime:
        ticket = put(runtime, "reviews.csv", sheet())
        job = await ended(runtime, ticket)
        assert job.status is Status.FINISHED, job.error
        assert job.attempt > 2
        assert fetch(runtime, ticket)[1] == right
        kept = [kept for kept in runtime.workspace.history("sentiment", 1000) if kept.ticket == ticket]
        assert len(kept) == ROWS - ROWS // 10


async def test_one_version_answers_the_whole_file(
    project_copy: Path, small_chunks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new champion takes over half-way; the job is stopped and taken up again after that."""
    train_directly(project_copy, promote=False)
    tell = jobs.tell
    async with opened(project_copy) as runtime:
        ticket = put(runtime, "reviews.csv", sheet())

        def promote(*given: Any) -> bool:
            if given[2]["rows"] == 100 and runtime.workspace.champion("sentiment").number == 1:  # type: ignore[union-attr]
                raise ConnectionError("half-way")
            return tell(*given)

        monkeypatch.setattr(jobs, "tell", promote)
        async with runtime.worker():
            await eventually(lambda: (runtime.desk.job(ticket).error or {}) != {})
            runtime.workspace.promote("sentiment", 2)
            assert (await ended(runtime, ticket)).status is Status.FINISHED
        assert {kept.version for kept in runtime.workspace.history("sentiment", 1000)} == {1}


async def test_nothing_is_kept_once_the_lease_is_lost(
    project_copy: Path, small_chunks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(project_copy) as runtime:
        ticket = put(runtime, "reviews.csv", sheet())
        tell = jobs.tell

        def lose(connection: Connection, lease: Lease, progress: Any) -> bool:
            if progress["rows"] == 60:
                jobs.cancel(connection, ticket, timedelta(hours=1))
            return tell(connection, lease, progress)

        monkeypatch.setattr(jobs, "tell", lose)
        async with runtime.worker() as worker:
            await eventually(lambda: (runtime.desk.job(ticket).progress or {}).get("rows") == 40)
            await eventually(lambda: not worker._held)
        with runtime.workspace.database.read() as connection:
            kept = connection.scalar(select(func.count()).select_from(schema.predictions))
            parts = connection.scalar(select(func.count()).where(schema.job_files.c.name == "result"))
        assert (kept, parts) == (36, 3)  # the head, and two chunks with their answers


async def test_a_job_that_a_person_cancels_ends(project_copy: Path, small_chunks: None) -> None:
    async with at_work(project_copy, lease_seconds=1.0) as runtime:
        ticket = put(runtime, "reviews.csv", sheet(5_000))
        await eventually(lambda: (runtime.desk.job(ticket).progress or {}).get("rows", 0) > 0)
        runtime.desk.cancel(ticket)
        after = put(runtime, "reviews.csv", sheet(20))
        assert (await ended(runtime, after)).status is Status.FINISHED
        job = runtime.desk.job(ticket)
        assert job.status is Status.CANCELLED
        assert 0 < (job.progress or {})["rows"] < 5_000


# Images

COLOURS = """
[project]
name = "tests"

[services.colours]
task = "image-classification"
data = ["colours"]
candidates = ["pixels-linear"]
"""


@pytest.fixture
def colours(tmp_path: Path) -> Path:
    """A project that tells red pictures from blue ones."""
    (tmp_path / "winnow.toml").write_text(COLOURS)
    for number in range(20):
        for label, colour in (("red", (200, number, 0)), ("blue", (0, number, 200))):
            path = tmp_path / "colours" / label / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encoded(plain("RGB", colour)))
    workspace = Workspace(load_settings(project=tmp_path))
    workspace.open()
    workspace.load_first_data("colours")
    with workspace.database.write() as connection:
        run = runs.create(connection, "colours")
    train(workspace.database, workspace.project, "colours", run.id, workspace.models)
    workspace.close()
    return tmp_path


async def test_a_zip_of_images_comes_back_as_a_csv_that_names_them(colours: Path) -> None:
    red, blue = encoded(plain("RGB", (190, 5, 5))), encoded(plain("RGB", (5, 5, 190)), "JPEG")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name, content in (
            ("a/red.png", red),
            ("__MACOSX/a/._red.png", b"x"),
            ("b.txt", b"no"),
            ("c.jpg", blue),
        ):
            file.writestr(name, content)
    async with at_work(colours) as runtime:
        ticket = hand_in(runtime, runtime.desk.file("colours", "Photos.ZIP", [packed.getvalue()], order=ORDER))
        job = await ended(runtime, ticket)
        assert job.status is Status.FINISHED, job.error
        facts, content = fetch(runtime, ticket)
        assert (facts["name"], facts["rows"], facts["failed"]) == ("Photos-answers.csv", 3, 1)
        rows = read(content, ",")
        assert list(rows[0]) == ["file", "predicted_label", "score_blue", "score_red", "error"]
        assert [(row["file"], row["predicted_label"]) for row in rows] == [
            ("a/red.png", "red"),
            ("b.txt", ""),
            ("c.jpg", "blue"),
        ]
        assert "no image" in rows[1]["error"]
        assert len(runtime.workspace.history("colours", 10)) == 2


async def test_jsonl_of_images_in_base64_is_answered_too(colours: Path) -> None:
    line = json.dumps({"id": 7, "image": b64encode(encoded(plain("RGB", (190, 5, 5)))).decode()})
    async with at_work(colours) as runtime:
        ticket = hand_in(runtime, runtime.desk.file("colours", "in.jsonl", [line.encode()], order=ORDER))
        assert (await ended(runtime, ticket)).status is Status.FINISHED
        answer = json.loads(fetch(runtime, ticket)[1])
        assert (answer["id"], answer["predicted_label"]) == (7, "red")
