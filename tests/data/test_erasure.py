"""A text that was erased is found nowhere, and nobody else's is missing."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
import sys
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from sqlalchemy import select

from tests.data.keeping import (
    NAME,
    OTHERS,
    SECRET,
    csv_of,
    erase,
    files_with,
    keep_everywhere,
    keep_prediction,
    kept_texts,
    put_file,
    put_job,
    register,
)
from tests.images import make_picture
from tests.lifecycle.loading import SERVICE, dataset, load, task
from winnow.domain import Example, JobKind, Status
from winnow.errors import Conflict, Expired, InvalidInput
from winnow.lifecycle.erasing import Asked
from winnow.lifecycle.erasure import Erased
from winnow.lifecycle.folders import sweep
from winnow.lifecycle.ingest import load_file
from winnow.lifecycle.lesson import make_task
from winnow.lifecycle.registry import load_version
from winnow.models.bundle import golden_texts
from winnow.project import ServiceConfig
from winnow.store import Database, example_counts, examples, job_files, jobs, predictions, runs, uploads, versions
from winnow.store.predictions import HistoryFilter
from winnow.store.schema import jobs as jobs_table

EVERYTHING = (2, 1, 1, 2, 1, (1,))  # an example that was uploaded, and one that feedback made


def facts(erased: Erased) -> tuple[object, ...]:
    return dataclasses.astuple(erased)


@pytest.mark.parametrize(("text", "contains"), [(SECRET, False), (NAME.upper(), True)], ids=["exact", "part"])
def test_it_is_found_nowhere_afterwards(database: Database, tmp_path: Path, text: str, contains: bool) -> None:
    models = tmp_path / "models"
    number = keep_everywhere(database, models)
    assert SECRET in kept_texts(database)
    assert files_with(models, SECRET)

    seen = erase(database, models, text, contains=contains, dry_run=True)
    assert facts(seen) == EVERYTHING
    assert SECRET in kept_texts(database), "a dry run changes nothing"

    assert facts(erase(database, models, text, contains=contains)) == EVERYTHING
    assert SECRET not in kept_texts(database)
    assert files_with(tmp_path, SECRET) == [], "SQLite's own files too"
    assert files_with(tmp_path, NAME) == []
    assert facts(erase(database, models, text, contains=contains)) == (0, 0, 0, 0, 0, ())

    assert dataset(database) == OTHERS
    with database.read() as connection:
        assert [row.input for row in predictions.newest(connection, SERVICE, 9, HistoryFilter())] == [OTHERS[0][0]]
        assert examples.count(connection, SERVICE) == len(OTHERS)
        rows = {snapshot.number: snapshot.rows for snapshot in example_counts.snapshots(connection, SERVICE, 9)}
        kept_jobs = [job.status for job in jobs.newest(connection, 9)]
    assert rows == {number: len(OTHERS), number + 1: 0}
    assert kept_jobs == [Status.QUEUED, Status.CANCELLED, Status.QUEUED, Status.CANCELLED]


def test_the_bundle_answers_on_without_it(database: Database, tmp_path: Path) -> None:
    models = tmp_path / "models"
    keep_everywhere(database, models)
    with database.read() as connection:
        before = versions.get(connection, SERVICE, 1)
    erase(database, models, SECRET)
    with database.read() as connection:
        after = versions.get(connection, SERVICE, 1)
    assert after.path != before.path
    assert not (models / before.path).exists()
    assert golden_texts(models / after.path) == [text for text, _ in OTHERS]
    description = (models / after.path / "bundle.json").read_bytes()
    assert hashlib.sha256(description).hexdigest() == after.sha256
    assert after.size_bytes == sum(path.stat().st_size for path in (models / after.path).iterdir())
    load_version(database, models, SERVICE, 1)
    assert sweep(database, models) == [], "no run takes its folder for a dead one's"
    load_version(database, models, SERVICE, 1)


def test_a_kept_file_has_blanks_in_its_place(database: Database, tmp_path: Path) -> None:
    number = keep_everywhere(database, tmp_path / "models")
    with database.read() as connection:
        before = uploads.get(connection, SERVICE, number)
    sent = b"".join(uploads.parts(database, before.batch_id)).decode("utf-16").splitlines()
    erase(database, tmp_path / "models", SECRET)
    with database.read() as connection:
        after = uploads.get(connection, SERVICE, number)
    assert after.erased_at is not None
    assert (after.size_bytes, after.sha256) == (before.size_bytes, before.sha256)
    kept = b"".join(uploads.parts(database, after.batch_id)).decode("utf-16").splitlines()
    assert [line for line in kept if line.strip()] == [line for line in sent if SECRET not in line]
    assert [len(line) for line in kept] == [len(line) for line in sent], "each line keeps its number"


LINES = {
    "csv": (csv_of([("before", "a"), (SECRET, "b"), ("behind", "c")]), "rows.csv"),
    "semicolons": (csv_of([("before", "a"), (SECRET, "b"), ("behind", "c")], ";"), "rows.csv"),
    "several lines": (csv_of([("before", "a"), (f"{SECRET}\nand \n\nmore", "b"), ("behind", "c")]), "rows.csv"),
    "another column": (f"text,label,who\nbefore,a,x\nhers,b,{NAME}\nbehind,c,y\n", "rows.csv"),
    "escapes": (
        "".join(json.dumps({"text": text, "label": "a"}) + "\n" for text in ("before", SECRET, "behind")),
        "rows.jsonl",
    ),
    "doubled quotes": (f'text,label\nbefore,a\n"""{SECRET}""",b\nbehind,c\n', "rows.csv"),
    "decomposed": ("text,label\nbefore,a\nI am Zoe\u0301 Z\u0307o\u0301łtowska,b\nbehind,c\n", "rows.csv"),
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("shape", LINES)
def test_files_of_all_kinds_are_looked_through(sqlite: Database, tmp_path: Path, shape: str, encoding: str) -> None:
    text, name = LINES[shape]
    report = load_file(
        sqlite, SERVICE, task(), BytesIO(text.encode(encoding)), name=name, keep_file=True, keep_good=True
    )
    put_file(sqlite, text.encode(encoding), name)
    assert facts(erase(sqlite, tmp_path, NAME, contains=True))[3:5] == (1, 1)
    assert report.batch is not None
    with sqlite.read() as connection:
        upload = uploads.get(connection, SERVICE, report.batch)
    kept = b"".join(uploads.parts(sqlite, upload.batch_id)).decode(encoding)
    assert "Zo" not in kept
    assert "before" in kept
    assert "behind" in kept
    assert kept.count("\n") == text.count("\n")


def test_a_large_file_is_blanked_across_its_parts(sqlite: Database, tmp_path: Path) -> None:
    filler = [(f"{number} {'é' * 40_000}", "a") for number in range(30)]
    text = csv_of([*filler[:12], (SECRET + "ż" * 600_000, "b"), *filler[12:]])
    report = load(sqlite, text, keep_file=True, task=make_task(config(serving={"max_chars": 1_000_000})))
    assert facts(erase(sqlite, tmp_path, NAME, contains=True))[4] == 1
    with sqlite.read() as connection:
        upload = uploads.get(connection, SERVICE, report.batch or 0)
    kept = b"".join(uploads.parts(sqlite, upload.batch_id))
    assert len(kept) == len(text.encode())
    assert "ż" not in kept.decode()
    assert kept.decode().split() == csv_of(filler).split()


def config(**more: object) -> ServiceConfig:
    return ServiceConfig.model_validate({"task": "text-classification"} | more)


def test_an_exact_text_is_looked_for_among_inputs_only(database: Database, tmp_path: Path) -> None:
    """A text that is also somebody's label, or part of another input, takes nothing else along."""
    load(database, "text;label\ngood;bad\nfine;good\nso good;good\n", keep_file=True)
    erased = erase(database, tmp_path, "good")
    assert (erased.examples, erased.uploads) == (1, 1)
    assert dataset(database) == [("fine", "good"), ("so good", "good")]


def test_one_service_or_all(database: Database, tmp_path: Path) -> None:
    for service in (SERVICE, "books"):
        content = BytesIO(csv_of([(SECRET, "a")]).encode())
        load_file(database, service, task(), content, name="rows.csv", keep_file=True)
        register(database, tmp_path, [SECRET], service)
    assert facts(erase(database, tmp_path, SECRET, service="books")) == (1, 0, 0, 0, 1, (1,))
    assert dataset(database) == [(SECRET, "a")]
    assert facts(erase(database, tmp_path, SECRET)) == (1, 0, 0, 0, 1, (1,))
    assert SECRET not in kept_texts(database)


def test_images_are_not_taken_for_texts(database: Database, tmp_path: Path) -> None:
    """Their references are, for the store, and every one of them begins alike."""
    image_task = make_task(config(task="image-classification", labels=["red", "blue"]))
    stream = BytesIO()
    with ZipFile(stream, "w") as archive:
        archive.writestr("red/1.png", make_picture("red"))
    load_file(database, SERVICE, image_task, BytesIO(stream.getvalue()), name="a.zip", keep_file=True)
    assert facts(erase(database, tmp_path, "sha256", contains=True)) == (0, 0, 0, 0, 0, ())


def test_an_archive_whose_names_hold_it_is_let_go(database: Database, tmp_path: Path) -> None:
    image_task = make_task(config(task="image-classification", labels=["red", "blue"]))
    stream = BytesIO()
    with ZipFile(stream, "w") as archive:
        archive.writestr(f"red/{NAME}.png", make_picture("red"))
    report = load_file(database, SERVICE, image_task, BytesIO(stream.getvalue()), name="a.zip", keep_file=True)
    assert facts(erase(database, tmp_path, NAME, contains=True))[4] == 1
    assert NAME not in kept_texts(database)
    with database.read() as connection:
        assert [snapshot.upload for snapshot in example_counts.snapshots(connection, SERVICE, 9)] == [False]
        with pytest.raises(Expired, match="erased on request"):
            uploads.get(connection, SERVICE, report.batch or 0)


@pytest.mark.parametrize("text", ["ab", "  ", "", "a\0b", "\ud800abc"])
def test_what_would_be_found_everywhere_or_nowhere_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        Asked(text, contains=True)


def test_nothing_is_erased_while_a_run_may_hold_it(database: Database, tmp_path: Path) -> None:
    load(database, csv_of([(SECRET, "a")]))
    with database.write() as connection:
        run = runs.create(connection, SERVICE)
    with pytest.raises(Conflict, match="is being trained"):
        erase(database, tmp_path, SECRET)
    assert facts(erase(database, tmp_path, SECRET, dry_run=True))[0] == 1
    assert facts(erase(database, tmp_path, "another text", service="books"))[0] == 0
    with database.write() as connection:
        runs.end(connection, run.id, Status.CANCELLED)
    assert facts(erase(database, tmp_path, SECRET))[0] == 1


def test_a_load_that_is_under_way_still_counts_right(database: Database, tmp_path: Path) -> None:
    with database.write() as connection:
        batch = examples.open_batch(connection, SERVICE, "upload:rows.csv")
        rows = [Example("fine", "a"), Example(SECRET, "a")]
        examples.add(connection, SERVICE, batch, [(examples.digest(row.input), row) for row in rows])
    assert erase(database, tmp_path, SECRET).examples == 1
    with database.write() as connection:
        database.lock(connection, "batches")
        examples.accept(connection, batch, 2)
    with database.read() as connection:
        assert examples.count(connection, SERVICE) == len(dataset(database)) == 1


def test_a_job_at_work_is_cancelled_and_its_error_forgotten(database: Database, tmp_path: Path) -> None:
    ticket = put_job(database, {"inputs": [SECRET], "several": False, "version": None, "top_k": None})
    with database.write() as connection:
        (lease,) = jobs.lease(connection, "worker", [JobKind.PREDICT], [SERVICE], 9, 60)
        assert lease.id == ticket
    assert erase(database, tmp_path, SECRET).jobs == 1
    with database.write() as connection:
        ended = jobs.Ending(lease, Status.FINISHED, result={"input": SECRET})
        assert jobs.settle(connection, [ended], timedelta(hours=1)) == set(), "what it found comes too late"
    failed = put_job(database, {"inputs": ["other"], "several": False, "version": None, "top_k": None})
    with database.write() as connection:
        (lease,) = jobs.lease(connection, "worker", [JobKind.PREDICT], [SERVICE], 9, 60)
        error = {"kind": "model-failed", "detail": f"what to make of '{SECRET}'"}
        jobs.settle(connection, [jobs.Ending(lease, Status.FAILED, error=error)], timedelta(hours=1))
    assert erase(database, tmp_path, NAME, contains=True).jobs == 1
    assert SECRET not in kept_texts(database)
    with database.read() as connection:
        job = jobs.get(connection, failed)
        assert (job.status, (job.error or {})["detail"]) == (Status.FAILED, "erased on request")
        assert connection.scalars(select(jobs_table.c.payload).where(jobs_table.c.id == failed)).all() == [None]
        assert job_files.size(connection, ticket, "input") == 0


def test_nothing_of_many_rows_is_missed(database: Database, tmp_path: Path) -> None:
    rows = [(f"{NAME} {number}" if number % 2 else f"other {number}", "a") for number in range(5_003)]
    load(database, csv_of(rows), keep_file=True)
    for number in range(20):
        keep_prediction(database, f"{number} {NAME}")
    erased = erase(database, tmp_path, NAME.lower(), contains=True)
    assert (erased.examples, erased.predictions) == (2_501, 20)
    assert len(dataset(database)) == 2_502
    assert NAME not in kept_texts(database)
    assert files_with(tmp_path, NAME) == []


ERASER = """
import os, signal, sys
from pathlib import Path
from winnow.lifecycle.erasure import Asked, Eraser
from winnow.store import Database

CALLS = ("execute", "commit", "mkdir", "rmdir", "unlink", "fsync", "link")

class Killer:
    passed = 0
    def __call__(self, frame, event, argument):
        if event == "c_call" and argument.__name__ in CALLS:
            self.passed += 1
            if self.passed == int(sys.argv[4]):
                os.kill(os.getpid(), signal.SIGKILL)

database = Database(sys.argv[1])
eraser = Eraser(database, Path(sys.argv[2]), Asked(sys.argv[3]), {"shop": "text"})
killer = Killer()
sys.setprofile(killer)
eraser.run()
sys.setprofile(None)
print(killer.passed)
"""


def killed_at(boundary: int, url: str, models: Path) -> int | None:
    """Erase in a process of its own; None where it was killed, else how many boundaries it passed."""
    command = [sys.executable, "-c", ERASER, url, str(models), SECRET, str(boundary)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, -9), done.stderr
    return int(done.stdout) if done.returncode == 0 else None


def make_old(models: Path) -> None:
    """As if the erasure had died long ago."""
    for folder in models.glob("*/*"):
        os.utime(folder, (0, 0))


@pytest.mark.slow
def test_an_erasure_that_was_killed_is_finished_by_the_next(tmp_path: Path, sqlite_pattern: Path) -> None:
    """Killed at boundaries all along the way: the version answers, and once it is run again nothing is left."""
    pattern = tmp_path / "pattern"
    pattern.mkdir()
    shutil.copy(sqlite_pattern, pattern / "winnow.db")
    database = Database(f"sqlite:///{pattern / 'winnow.db'}")
    keep_everywhere(database, pattern / "models")
    database.overwrite()
    database.close()
    whole = shutil.copytree(pattern, tmp_path / "whole")
    boundaries = killed_at(0, f"sqlite:///{whole / 'winnow.db'}", whole / "models")
    assert boundaries is not None
    for boundary in sorted({*range(1, boundaries, max(1, boundaries // 24)), *range(boundaries - 12, boundaries)}):
        folder = shutil.copytree(pattern, tmp_path / str(boundary))
        url = f"sqlite:///{folder / 'winnow.db'}"
        assert killed_at(boundary, url, folder / "models") is None
        database = Database(url)
        load_version(database, folder / "models", SERVICE, 1)
        make_old(folder / "models")
        erase(database, folder / "models", SECRET)
        assert SECRET not in kept_texts(database)
        assert files_with(folder, SECRET) == []
        assert dataset(database) == OTHERS
        with database.read() as connection:
            assert examples.count(connection, SERVICE) == len(OTHERS)
            needed = versions.paths(connection)
        load_version(database, folder / "models", SERVICE, 1)
        database.close()
        left = {path.parent.relative_to(folder / "models").as_posix() for path in folder.rglob("bundle.json")}
        assert left == needed, "a folder is left that nobody needs"
