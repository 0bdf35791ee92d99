"""A store that keeps a person's text in every place in which one may be, and looks through all of it."""

from __future__ import annotations

import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

from sqlalchemy import select

from tests.jobs.handling import new_job
from tests.lifecycle.loading import SERVICE, task
from winnow.domain import Example, Examples, JobKind, Prediction, Run, Status, Version, new_id, no_progress, now
from winnow.lifecycle.erasure import Asked, Erased, Eraser
from winnow.lifecycle.ingest import load_file
from winnow.models.base import Question
from winnow.models.bundle import save_bundle
from winnow.models.linear_candidates import LogisticRegression
from winnow.store import Database, examples, job_files, jobs, predictions, runs, versions
from winnow.store.schema import metadata

NAME = "Zoé Żółtowska"
SECRET = f"I, {NAME}, live in the yellow house; call me."
"""Not what a model would learn by heart: its terms are shorter."""
OTHERS = [("Quite good.", "good"), ("Really bad!", "bad"), ("Good, so good.", "good"), ("Bad, I say.", "bad")]
COLUMNS = {SERVICE: "text"}


def csv_of(rows: list[tuple[str, str]], separator: str = ",") -> str:
    quoted = [[f'"{cell}"' for cell in row] for row in [("text", "label"), *rows]]
    return "".join(f"{separator.join(cells)}\r\n" for cells in quoted)


def erase(database: Database, models: Path, text: str, *, dry_run: bool = False, **asked: Any) -> Erased:
    return Eraser(database, models, Asked(text, **asked), COLUMNS).run(dry_run=dry_run)


def keep_everywhere(database: Database, models: Path) -> int:
    """Keep the text in one row of each place, beside others' rows; returns the number of the uploaded snapshot."""
    content = csv_of([OTHERS[0], (SECRET, "good"), *OTHERS[1:]], ";").encode("utf-16")
    report = load_file(database, SERVICE, task(), BytesIO(content), name="rows.csv", keep_file=True)
    register(database, models, [SECRET, *(text for text, _ in OTHERS)])
    keep_prediction(database, SECRET, feedback="bad")
    keep_prediction(database, OTHERS[0][0])
    put_job(database, {"inputs": [SECRET, "another"], "several": True, "version": None, "top_k": None})
    put_job(database, {"inputs": ["another"], "several": False, "version": None, "top_k": None})
    put_file(database, csv_of([(SECRET, "")]).encode(), "asked.csv")
    put_file(database, f"{json.dumps({'text': 'other'})}\n".encode(), "other.jsonl")
    assert report.batch is not None
    return report.batch


def keep_prediction(database: Database, text: str, feedback: str | None = None) -> str:
    row = Prediction(
        id=new_id(), service=SERVICE, version=1, input=text, answer={"label": "good", "scores": {"good": 1.0}},
        latency_ms=1.0, request_id="r", client="127.0.0.1", created_at=now(),
    )  # fmt: skip
    with database.write() as connection:
        predictions.append(connection, [row])
        if feedback is not None:
            database.lock(connection, "batches")
            example = examples.add_one(connection, SERVICE, Example(text, feedback), "feedback")
            predictions.set_feedback(connection, row.id, feedback, example)
    return row.id


def put_job(database: Database, payload: Any, kind: JobKind = JobKind.PREDICT) -> str:
    job = replace(new_job(payload), kind=kind)
    with database.write() as connection:
        jobs.put(connection, [job])
    return job.id


def put_file(database: Database, content: bytes, name: str) -> str:
    ticket = put_job(database, {"name": name, "format": name[-3:], "version": None, "top_k": None}, JobKind.FILE)
    with database.write() as connection:
        half = len(content) // 2
        job_files.add_part(connection, ticket, "input", 0, content[:half])
        job_files.add_part(connection, ticket, "input", 1, content[half:])
        job_files.add_part(connection, ticket, "result", 0, content)
    return ticket


def register(database: Database, models: Path, golden: list[str], service: str = SERVICE) -> Version:
    """A version whose bundle was made by a run, with these golden inputs."""
    model = LogisticRegression().fit(
        Examples([text for text, _ in OTHERS], [label for _, label in OTHERS]),
        Question(("bad", "good")),
        no_progress,
    )
    with database.write() as connection:
        run: Run = runs.create(connection, service)
        runs.end(connection, run.id, Status.FINISHED)
    path = f"{service}/{run.id}/1-logistic-regression"
    bundle = save_bundle(model, models / path, task="text-classification", golden=golden)
    with database.write() as connection:
        number = versions.next_number(connection, service)
        version = Version(
            service=service, number=number, run_id=run.id, candidate="logistic-regression",
            parameters={}, metrics={}, gates=[], path=path, sha256=bundle.sha256, size_bytes=bundle.size_bytes,
            champion=False, created_at=now(),
        )  # fmt: skip
        versions.add(connection, version)
    return version


def kept_texts(database: Database) -> str:
    """Everything in every table, as a dump would have it; bytes as they are read in each encoding that is used."""
    words = []
    with database.read() as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(select(table)):
                words += [_shown(value) for value in row]
    return "\n".join(words)


def _shown(value: object) -> str:
    if isinstance(value, bytes):
        return "\n".join(value.decode(name, "replace") for name in ("utf-8", "utf-16-le", "utf-16-be"))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def files_with(folder: Path, text: str) -> list[Path]:
    """Files below a folder that hold a text in any encoding that is used."""
    needles = [text.encode(name) for name in ("utf-8", "utf-16-le", "utf-16-be")]
    needles.append(json.dumps(text)[1:-1].encode())
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if any(needle in path.read_bytes() for needle in needles)]
