"""Data at the command line: files that are kept, exports, and erasing on request."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import winnow
from tests.data.keeping import files_with
from winnow.settings import load_settings
from winnow.store import Database, example_counts, uploads

NAME = "Zoé Żółtowska"


def test_a_loaded_file_is_kept_with_who_loaded_it(own_shop: Path) -> None:
    file = own_shop / "more.csv"
    file.write_bytes(b"text;label\r\nQuite nice indeed.;positive\r\n")
    number = winnow("load", "sentiment", file, "--json", project=own_shop).json["batch"]
    database = Database(load_settings(project=own_shop).database_url)
    with database.read() as connection:
        upload = uploads.get(connection, "sentiment", number)
        newest = example_counts.snapshots(connection, "sentiment", 1)[0]
    assert b"".join(uploads.parts(database, upload.batch_id)) == file.read_bytes()
    assert (newest.number, newest.upload) == (number, True)
    assert (newest.account or "").startswith("cli:")
    database.close()


@pytest.mark.slow
def test_an_export_loads_back(own_shop: Path, tmp_path: Path) -> None:
    for name, kind in (("all.csv", "csv"), ("all.jsonl", "jsonl")):
        told = winnow("export", "sentiment", "-o", tmp_path / name, "--json", project=own_shop)
        assert told.code == 0, told.err
        assert (told.json["rows"], told.json["format"]) == (417, kind)
        again = winnow("load", "sentiment", tmp_path / name, "--json", project=own_shop)
        assert (again.json["accepted"], again.json["duplicates"]) == (0, 417)
    told = winnow("export", "sentiment", "-o", tmp_path / "rows.txt", "--format", "jsonl", project=own_shop)
    assert told.out == f"417 examples are in {tmp_path / 'rows.txt'}\n"
    assert (tmp_path / "rows.txt").read_bytes() == (tmp_path / "all.jsonl").read_bytes()
    printed = winnow("export", "sentiment", "--format", "jsonl", "--snapshot", 1, project=own_shop)
    assert printed.out == (tmp_path / "all.jsonl").read_text(encoding="utf-8")


def test_an_export_that_cannot_be(own_shop: Path, tmp_path: Path) -> None:
    unknown = winnow("export", "sentiment", "--snapshot", 99, "-o", tmp_path / "a.csv", project=own_shop)
    assert (unknown.code, "no snapshot 99" in unknown.err) == (3, True)
    assert list(tmp_path.glob("*.csv")) == []
    assert winnow("export", "sentiment", "--json", project=own_shop).code == 1


@pytest.mark.slow
def test_a_text_is_erased_only_where_it_is_meant(own_shop: Path) -> None:
    text = f"Bought by {NAME}; never again."
    file = own_shop / "people.csv"
    file.write_text(f"text,label\n{text},negative\n", encoding="utf-8")
    assert winnow("load", "sentiment", file, project=own_shop).code == 0
    assert winnow("predict", "sentiment", text, project=own_shop).code == 0
    file.unlink()

    seen = winnow("erase", NAME, "--contains", "--dry-run", "--json", project=own_shop)
    assert seen.json == {
        "dry_run": True, "examples": 1, "predictions": 1, "feedback": 0, "jobs": 0, "uploads": 1, "versions": [],
    }  # fmt: skip
    unasked = winnow("erase", NAME, "--contains", project=own_shop)
    assert (unasked.code, "--yes" in unasked.err) == (1, True)
    assert files_with(own_shop, NAME)

    erased = winnow("erase", "-", "--contains", "--yes", project=own_shop, given=f"{NAME}\n")
    assert erased.code == 0, erased.err
    assert erased.out.splitlines() == [
        "erased",
        "1 example",
        "1 prediction",
        "0 with feedback",
        "0 jobs",
        "rows of 1 kept file",
        "self-tests of 0 versions",
    ]
    assert files_with(own_shop, NAME) == []
    trail = winnow("audit", "--json", project=own_shop)
    assert '"erase"' in trail.out
    assert NAME not in trail.out


def test_what_cannot_be_erased(own_shop: Path) -> None:
    assert winnow("erase", "ab", "--contains", "--yes", project=own_shop).code == 1
    assert winnow("erase", " ", "--yes", project=own_shop).code == 1
    unknown = winnow("erase", "abc", "--service", "sentimnt", "--yes", project=own_shop)
    assert (unknown.code, "Did you mean 'sentiment'" in unknown.err) == (3, True)
