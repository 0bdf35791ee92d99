"""Files that are kept as they were sent; dry runs, which keep nothing."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tracemalloc
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import func, select

from tests.lifecycle.loading import SERVICE, dataset, load, refusal, task
from winnow.errors import NotFound
from winnow.lifecycle.ingest import discard_abandoned, load_file
from winnow.store import Database, example_counts, examples, uploads
from winnow.store.schema import batches, upload_parts
from winnow.store.schema import examples as table
from winnow.store.schema import uploads as kept

ROWS = 'text;label\ncafé;a\n"b;\nb";b\n'.encode("cp1252")


def kept_file(database: Database, number: int) -> tuple[uploads.Upload, bytes]:
    with database.read() as connection:
        upload = uploads.get(connection, SERVICE, number)
    return upload, b"".join(uploads.parts(database, upload.batch_id))


def left(database: Database) -> list[int]:
    """Rows of each table that loading writes."""
    with database.read() as connection:
        tables = (batches, table, kept, upload_parts)
        return [connection.scalar(select(func.count()).select_from(each)) or 0 for each in tables]


def test_a_file_is_kept_as_it_was_sent(database: Database) -> None:
    report = load(database, ROWS, "été.csv", keep_file=True, account="ada")
    assert report.batch is not None
    upload, content = kept_file(database, report.batch)
    assert content == ROWS
    assert (upload.name, upload.size_bytes, upload.erased_at) == ("été.csv", len(ROWS), None)
    assert upload.sha256 == hashlib.sha256(ROWS).hexdigest()
    with database.read() as connection:
        (snapshot,) = example_counts.snapshots(connection, SERVICE, 10)
    assert (snapshot.upload, snapshot.account, snapshot.rows) == (True, "ada", 2)


def test_a_large_file_is_kept_in_parts_and_bounded_memory(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    with path.open("w") as file:
        file.write("text,label\n")
        for number in range(60):
            file.write(f"{number} {'x' * 90_000},a\n")
    tracemalloc.start()
    with path.open("rb") as stream:
        report = load_file(database, SERVICE, task(), stream, name="large.csv", keep_file=True)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert report.batch is not None
    upload, content = kept_file(database, report.batch)
    assert content == path.read_bytes()
    assert peak < 40_000_000
    with database.read() as connection:
        sizes = connection.scalars(
            select(func.length(upload_parts.c.content)).order_by(upload_parts.c.number)
        ).all()
    assert set(sizes[:-1]) == {uploads.PART_BYTES}
    assert sum(sizes) == upload.size_bytes


def test_a_name_keeps_its_end(database: Database) -> None:
    name = "r" * 400 + ".jsonl"
    report = load(database, '{"text": "a", "label": "b"}', name, keep_file=True)
    assert report.batch is not None
    assert kept_file(database, report.batch)[0].name.endswith(".jsonl")


def test_a_refused_file_leaves_nothing(database: Database) -> None:
    refusal(database, "text,label\na,x\n,y\n", keep_file=True)
    refusal(database, "text,label\n" + "a,x\n" * 6_000 + ",y\n", keep_file=True)
    assert left(database) == [0, 0, 0, 0]


def test_a_file_that_brings_nothing_new_is_not_kept(database: Database) -> None:
    load(database, ROWS, keep_file=True)
    before = left(database)
    assert load(database, ROWS, keep_file=True).batch is None
    assert left(database) == before


def test_a_file_may_be_left_out(database: Database) -> None:
    report = load(database, ROWS)
    with database.read() as connection, pytest.raises(NotFound):
        uploads.get(connection, SERVICE, cast("int", report.batch))


def test_a_dry_run_reports_and_keeps_nothing(database: Database) -> None:
    load(database, "text,label\na,x\n")
    before = left(database)
    content = "text,label\na,x\nb,x\nc,y\nb,x\n"
    report = load(database, content, dry_run=True, keep_file=True)
    assert (report.rows, report.accepted, report.duplicates, report.batch) == (4, 2, 2, None)
    assert report.labels == {"x": 1, "y": 1}
    bad = load(database, f"{content},y\n", dry_run=True, keep_good=True)
    assert (bad.rows, bad.accepted, bad.refused) == (5, 2, 1)
    refusal(database, f"{content},y\n", dry_run=True)
    assert left(database) == before
    kept_now = load(database, content)
    assert (kept_now.rows, kept_now.accepted, kept_now.duplicates) == (4, 2, 2)


LOADER = """
import sys
from pathlib import Path
from winnow.lifecycle.ingest import load_file
from winnow.project import ServiceConfig
from winnow.store import Database, uploads
from winnow.tasks.text_classification import TextClassification

add_part, keep = uploads.add_part, uploads.keep

def told(word, function):
    def call(connection, *given):
        function(connection, *given)
        print(word, flush=True)
        sys.stdin.readline()
    return call

uploads.add_part = told("part", add_part)
uploads.keep = told("keep", keep)
task = TextClassification(ServiceConfig.model_validate({"task": "text-classification"}))
load_file(Database(sys.argv[1]), "shop", task, Path(sys.argv[2]), name="rows.csv", keep_file=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_loader_that_is_killed_leaves_no_file_to_see(
    database_url: str, database: Database, tmp_path: Path, steps: int
) -> None:
    """Killed amid the first part, between two parts, and amid the transaction that accepts."""
    path = tmp_path / "rows.csv"
    path.write_text("text,label\n" + "".join(f"text {number},a\n" for number in range(90_000)))
    command = [sys.executable, "-c", LOADER, database_url, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as loader:
        assert loader.stdout is not None
        assert loader.stdin is not None
        words = [loader.stdout.readline().strip()]
        for _ in range(steps - 1):
            loader.stdin.write("\n")
            loader.stdin.flush()
            words.append(loader.stdout.readline().strip())
        loader.kill()
    assert words == ["part", "part", "keep"][:steps]
    assert dataset(database) == []
    with database.read() as connection:
        assert example_counts.snapshots(connection, SERVICE, 10) == []
        assert connection.execute(select(kept)).first() is None
        assert examples.count(connection, SERVICE) == 0
    assert discard_abandoned(database, timedelta(0)) == 1
    assert left(database) == [0, 0, 0, 0]
    report = load(database, path.read_bytes(), keep_file=True)
    assert kept_file(database, cast("int", report.batch))[1] == path.read_bytes()
