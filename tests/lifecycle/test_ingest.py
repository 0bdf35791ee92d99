"""P7: a file is loaded with a row-by-row report: all of its rows, or none, unless asked to keep the good ones."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.lifecycle.loading import SERVICE, STARS, dataset, load, reasons, refusal, task
from winnow.errors import Cancelled, FileRefused, InvalidInput, StoreFailed
from winnow.lifecycle import ingest
from winnow.lifecycle.ingest import add_example, load_file
from winnow.lifecycle.load_report import LISTED
from winnow.store import Database, examples
from winnow.store.schema import batches
from winnow.store.schema import examples as table

MANY = "text,label\n" + "".join(f"text {number},{'ab'[number % 2]}\n" for number in range(40))


@pytest.fixture
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "CHUNK_ROWS", 7)
    monkeypatch.setattr(ingest, "DISCARD_ROWS", 5)


def stored(database: Database) -> int:
    """How many rows and batches there are, seen or not."""
    with database.read() as connection:
        return len([*connection.execute(select(table.c.id)), *connection.execute(select(batches.c.id))])


def test_a_good_file_is_kept_and_reported(database: Database) -> None:
    report = load(database, "star;text\n1;Déçu\n5;Bien\n4;Bien\n", task=STARS)
    assert dataset(database) == [("Déçu", "bad"), ("Bien", "good")]
    assert report.to_json() == {
        "file": "rows.csv",
        "format": "csv",
        "encoding": "utf-8",
        "separator": ";",
        "rows": 3,
        "accepted": 2,
        "duplicates": 1,
        "refused": 0,
        "duplicate_lines": [4],
        "refusals": [],
        "reasons": {},
        "labels": {"bad": 1, "good": 1},
        "batch": 1,
    }


def test_json_lines_are_kept_alike(database: Database) -> None:
    several = task(separator=";", labels=["a", "b"])
    rows = [{"text": "x", "label": ["b", "a"]}, {"text": "y", "label": "b"}, {"text": "z", "label": None}]
    report = load(database, "\n".join(map(json.dumps, rows)), "rows.jsonl", task=several)
    assert (report.format, report.separator, report.accepted, report.labels) == ("jsonl", None, 3, {"b": 2, "a": 1})
    assert dataset(database) == [("x", ["a", "b"]), ("y", ["b"]), ("z", [])]


def test_one_bad_row_refuses_the_file_and_every_bad_row_is_named(database: Database) -> None:
    refused = refusal(database, "text,star\na,1\n,2\nb,7\nc,4\nd\n", task=STARS)
    assert str(refused) == (
        "rows.csv: 3 of 5 rows cannot be used, so nothing was kept. First, line 3: the input is blank: there is "
        "nothing to classify"
    )
    assert reasons(refused) == [
        (3, "the input is blank: there is nothing to classify"),
        (4, "column 'star' has '7', which no label in winnow.toml means"),
        (6, "the row has 1 cell, the header 2"),
    ]
    assert refused.report is not None
    assert (refused.report["rows"], refused.report["accepted"], refused.report["batch"]) == (5, 0, None)
    assert stored(database) == 0


def test_the_good_rows_are_kept_when_asked(database: Database) -> None:
    report = load(database, "text,star\na,1\n,2\nb,7\nc,4\nd\n", task=STARS, keep_good=True)
    assert dataset(database) == [("a", "bad"), ("c", "good")]
    assert (report.rows, report.accepted, report.refused, len(report.refusals)) == (5, 2, 3, 3)


@pytest.mark.usefixtures("_small_chunks")
@pytest.mark.parametrize("bad", [2, 8, 9, 30, 41])
def test_a_bad_row_in_any_chunk_takes_all_with_it(sqlite: Database, bad: int) -> None:
    lines = MANY.splitlines()
    lines[bad - 1] = "alone"
    assert reasons(refusal(sqlite, "\n".join(lines))) == [(bad, "the row has 1 cell, the header 2")]
    assert stored(sqlite) == 0
    assert load(sqlite, "\n".join(lines), keep_good=True).accepted == 39


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "rows.csv: the file is empty"),
        ("text,label\n", "rows.csv: the file has no rows"),
        ("text,label\n\n\n", "rows.csv: the file has no rows"),
        (
            "txt,label\na,b\n",
            "rows.csv: there is no column 'text'. Did you mean 'txt'? The header has: 'txt', 'label'.",
        ),
        ('text,label\na,"b\n', 'rows.csv: line 2: the quote (") that opens here is never closed'),
        (
            "text,label\n,b\n",
            "rows.csv: 1 of 1 row cannot be used, so nothing was kept. First, line 2: the input is",
        ),
    ],
)
@pytest.mark.parametrize("keep_good", [False, True])
def test_a_file_without_a_usable_row_is_refused(
    sqlite: Database, content: str, sentence: str, *, keep_good: bool
) -> None:
    refused = refusal(sqlite, content, keep_good=keep_good)
    assert str(refused).startswith(sentence)
    assert refused.report is not None
    json.dumps(refused.details())


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("   ,a", "the input is blank"),
        ('"\n\n",a', "the input is blank"),
        ("a\0b,a", "the input has a NUL character at position 2"),
        ("a,", "column 'label' is empty: there is no label"),
        ("a,b\0", "the label 'b\\x00' has a character that cannot be stored"),
        (f"{'x' * 3_000_000},a", "the input has 3,000,000 characters; at most 100,000 are read"),
    ],
)
def test_a_bad_cell_is_that_rows_error(database: Database, row: str, reason: str) -> None:
    (line, said), *others = reasons(refusal(database, f"text,label\nok,a\n{row}\n"))
    assert (line, others) == (3, [])
    assert said.startswith(reason)


def test_lone_surrogates_are_refused_wherever_they_stand(database: Database) -> None:
    rows = [("a\ud800", "x"), ("b", "\udfff"), ("😀", "😀")]
    content = "\n".join(json.dumps({"text": text, "label": label}) for text, label in rows)
    refused = refusal(database, content, "rows.jsonl")
    assert [line for line, _ in reasons(refused)] == [1, 2]
    known = refusal(database, '{"text": "b", "label": "\\udfff"}\n', "rows.jsonl", task=task(labels=["a"]))
    assert json.dumps(known.report, ensure_ascii=False).encode()
    assert load(database, content, "rows.jsonl", keep_good=True).labels == {"😀": 1}


def test_a_hostile_name_is_kept_harmless(database: Database) -> None:
    report = load(database, "text,label\na,b\n", name="\0\ud800\x1b[2J" + "x" * 5000 + ".csv")
    assert report.file.isprintable()
    assert len(report.file) <= 250
    with database.read() as connection:
        assert examples.page(connection, SERVICE, 1)[0]["source"] == f"upload:{report.file}"


# Duplicates


def test_duplicates_are_skipped_and_counted(database: Database) -> None:
    load(database, "text,label\na,x\n")
    report = load(database, "text,label\na,x\nb,x\nb,x\na,y\nb ,x\n")
    assert (report.rows, report.accepted, report.duplicates, report.duplicate_lines) == (5, 3, 2, (2, 4))
    assert dataset(database) == [("b", "x"), ("a", "y"), ("b ", "x")]


def test_a_file_of_duplicates_changes_nothing(database: Database) -> None:
    load(database, MANY)
    report = load(database, MANY)
    assert (report.accepted, report.duplicates, report.batch) == (0, 40, None)
    assert stored(database) == 41


@pytest.mark.usefixtures("_small_chunks")
def test_duplicates_are_found_across_chunks(sqlite: Database) -> None:
    report = load(sqlite, MANY + MANY.partition("\n")[2])
    assert (report.accepted, report.duplicates) == (40, 40)
    assert report.duplicate_lines == tuple(range(42, 82))


def test_another_services_examples_are_no_duplicates(database: Database) -> None:
    load(database, MANY)
    with io.BytesIO(MANY.encode()) as stream:
        assert load_file(database, "books", task(), stream, name="rows.csv").duplicates == 0


# The report stays small


def test_the_report_lists_some_and_counts_all(sqlite: Database) -> None:
    many = LISTED + 500
    bad = "".join(f"text {number},{number + 10}\n" for number in range(many))
    refused = refusal(sqlite, f"text,star\n{bad}short\n", task=STARS)
    assert refused.report is not None
    assert (refused.report["refused"], len(refused.report["refusals"])) == (many + 1, LISTED)
    assert refused.report["reasons"] == {
        "column … has …, which no label in winnow.toml means": many,
        "the row has … cell, the header …": 1,
    }


def test_labels_duplicates_and_reasons_are_bounded(sqlite: Database) -> None:
    rows = "".join(f"text {number},label {number}\n" for number in range(LISTED + 5))
    report = load(sqlite, f"text,label\n{rows}{rows}")
    assert (report.accepted, report.duplicates) == (LISTED + 5, LISTED + 5)
    assert len(report.labels) == len(report.duplicate_lines) == LISTED
    # A quote in a cell breaks the pattern by which reasons are grouped: hostile rows make as many as they like.
    odd = "".join(f"t,{chr(97 + a)}{chr(97 + b)}'x\n" for a in range(26) for b in range(26))
    refused = refusal(sqlite, f"text,label\n{odd}", task=task(labels={"a": ["1"]}))
    assert refused.report is not None
    assert len(refused.report["reasons"]) <= 51
    assert sum(refused.report["reasons"].values()) == 26 * 26


def test_a_reason_is_short(sqlite: Database) -> None:
    refused = refusal(
        sqlite,
        f'{{"text": "a", "label": ["{"x" * 10_000}", 3]}}\n',
        "rows.jsonl",
        task=task(separator=";", labels=["a"]),
    )
    assert all(len(reason) <= 300 for _, reason in reasons(refused))


# Streams, progress, interruption


def test_a_path_is_read_and_an_absent_one_refused(sqlite: Database, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    with pytest.raises(FileRefused, match=r"rows\.csv: the file cannot be read: No such file"):
        load_file(sqlite, SERVICE, task(), path, name="rows.csv")
    path.write_text(MANY)
    assert load_file(sqlite, SERVICE, task(), path, name="rows.csv").accepted == 40


def test_a_stream_that_cannot_be_rewound_is_read(sqlite: Database) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: object) -> int:
            raise io.UnsupportedOperation

    assert load_file(sqlite, SERVICE, task(), Pipe(MANY.encode("cp1252")), name="rows.csv").accepted == 40


def test_a_disk_that_fails_refuses_the_file(sqlite: Database) -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() > 600_000:
                raise OSError(5, "Input/output error")
            return super().read(size)

    content = Failing(b"text,label\n" + b"a text,x\n" * 100_000)
    with pytest.raises(FileRefused, match=r"rows\.csv: the file cannot be read: Input/output error"):
        load_file(sqlite, SERVICE, task(), content, name="rows.csv")
    assert stored(sqlite) == 0


@pytest.mark.usefixtures("_small_chunks")
def test_progress_is_the_share_of_bytes_and_ends_at_one(sqlite: Database) -> None:
    told: list[float] = []
    load(sqlite, MANY, progress=lambda stage, share: told.append(share) if stage == "load" else None)
    assert len(told) == 6
    assert told == sorted(told)
    assert told[-1] == 1


@pytest.mark.usefixtures("_small_chunks")
@pytest.mark.parametrize("error", [Cancelled("stop"), KeyboardInterrupt(), StoreFailed("gone")])
def test_whatever_stops_the_loading_leaves_nothing(database: Database, error: BaseException) -> None:
    calls = iter(range(10))

    def stop(_stage: str, _share: float) -> None:
        if next(calls) == 3:
            assert stored(database) == 29, "rows are stored as they are read"
            assert dataset(database) == [], "and nobody sees them"
            raise error

    with pytest.raises(type(error)):
        load(database, MANY, progress=stop)
    assert stored(database) == 0


@pytest.mark.usefixtures("_small_chunks")
def test_others_write_while_a_file_is_loaded(database: Database) -> None:
    def write(_stage: str, _share: float) -> None:
        add_example(database, SERVICE, task(), f"in between {len(dataset(database))}", "a", "api")

    report = load(database, MANY, progress=write)
    assert report.batch == 7, "the file comes after all that was added while it was loaded"
    assert len(dataset(database)) == 46


# One example


def test_one_example_is_added_once(database: Database) -> None:
    first = add_example(database, SERVICE, task(), "Très bien", "good", "api")
    again = add_example(database, SERVICE, task(), "Très bien", "good", "api")
    assert (first.added, again.added, again.id) == (True, False, None)
    with database.read() as connection:
        (row,) = examples.page(connection, SERVICE, 10)
    assert (row["id"], row["input"], row["target"], row["source"]) == (first.id, "Très bien", "good", "api")


def test_a_target_can_be_given_again_after_a_correction(database: Database) -> None:
    for target in ("good", "bad", "good"):
        assert add_example(database, SERVICE, task(), "text", target, "api").added
    assert dataset(database) == [("text", "good")]


@pytest.mark.parametrize(
    ("value", "target", "reason"),
    [
        (" ", "a", "blank"),
        (3, "a", "should be a text"),
        ("x", "", "label should be"),
        ("x", ["a"], "label"),
        ("x", "a\0", "cannot be stored"),
        ("x\ud800", "a", "surrogate"),
    ],
)
def test_an_unusable_example_is_refused(sqlite: Database, value: Any, target: Any, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        add_example(sqlite, SERVICE, task(), value, target, "api")
    assert stored(sqlite) == 0
