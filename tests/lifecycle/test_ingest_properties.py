"""P7, for any file: a table comes back as it was written, and no bytes do more than be refused."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.lifecycle.loading import dataset, load, task
from winnow.errors import FileRefused, RowRefused
from winnow.lifecycle.tables import Format, Row, open_table
from winnow.store import Database

NEEDED = ("text", "label")

CELLS = st.text(
    st.one_of(st.sampled_from('a ,;\t"\n\r é€😀\u2028\x85\x0b\0'), st.characters(exclude_categories=["Cs"])),
    max_size=12,
)
CP1252 = st.text(st.sampled_from('abc ,;\t"\n\réèüß€“”œ'), max_size=12)
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])
SEPARATORS = st.sampled_from(",;\t")
PIECES = [
    *(bytes([byte]) for byte in b'",;\n\r\0\xff\xc3\xa9{}['),
    *(b"\xd8\x00", b'"text"', b'"label":', b"text,label\n", b'{"text":"a","label":"b"}\n', b"\\ud800", b"NaN"),
]
SOUP = st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=5)), max_size=40).map(b"".join)
HEADS = st.sampled_from([b"", b"text,label\n", b"text;label\r\n", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf"])


def rows_of(data: bytes, kind: Format = "csv") -> list[tuple[str, str]]:
    found = []
    for row in open_table(io.BytesIO(data), kind, NEEDED).rows:
        assert not isinstance(row, RowRefused), row
        found.append((row[1]["text"], row[1]["label"]))
    return found


def written(rows: list[tuple[str, str]], separator: str, end: str, *, quote_all: bool) -> str:
    """The rows as Python's own csv writes them: another hand than ours."""
    text = io.StringIO(newline="")
    # Some versions of Python do not quote a line end that is not their own.
    needed = any(char in cell for row in rows for cell in row for char in "\r\n")
    quoting: Literal[0, 1] = csv.QUOTE_ALL if quote_all or needed else csv.QUOTE_MINIMAL
    writer = csv.writer(text, delimiter=separator, lineterminator=end, quoting=quoting)
    writer.writerows([NEEDED, *rows, ("end", "x")])
    return text.getvalue()


def is_blank(row: tuple[str, str]) -> bool:
    return not "".join(row).strip()


@given(
    st.lists(st.tuples(CELLS, CELLS).filter(lambda row: not is_blank(row))),
    SEPARATORS,
    ENCODINGS,
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
)
def test_any_table_comes_back_as_it_was_written(
    rows: list[tuple[str, str]], separator: str, encoding: str, end: str, quote_all: bool
) -> None:
    data = written(rows, separator, end, quote_all=quote_all).encode(encoding)
    assert rows_of(data) == [*rows, ("end", "x")]


@given(st.lists(st.tuples(CP1252, CP1252).filter(lambda row: not is_blank(row))), SEPARATORS)
def test_any_table_in_a_western_encoding_comes_back(rows: list[tuple[str, str]], separator: str) -> None:
    text = written([*rows, ("é", "é")], separator, "\n", quote_all=False)
    assert rows_of(text.encode("cp1252")) == [*rows, ("é", "é"), ("end", "x")]


@given(st.lists(st.tuples(CELLS, CELLS)), ENCODINGS, st.booleans())
def test_any_json_lines_come_back(rows: list[tuple[str, str]], encoding: str, ascii_only: bool) -> None:
    objects = [{"label": label, "text": text} for text, label in [*rows, ("end", "x")]]
    lines = "\n".join(json.dumps(row, ensure_ascii=ascii_only) for row in objects)
    assert rows_of(lines.encode(encoding), "jsonl") == [*rows, ("end", "x")]


@given(HEADS, SOUP, st.sampled_from(["csv", "jsonl"]))
def test_any_bytes_give_rows_or_are_refused(head: bytes, soup: bytes, kind: Format) -> None:
    rows: list[Row] = []
    with suppress(FileRefused):
        rows += open_table(io.BytesIO(head + soup), kind, NEEDED).rows
    lines = [row.line if isinstance(row, RowRefused) else row[0] for row in rows]
    assert lines == sorted(set(lines))


@pytest.fixture(scope="module")
def shop(sqlite_pattern: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    path = tmp_path_factory.mktemp("shop") / "winnow.db"
    shutil.copy(sqlite_pattern, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.close()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(HEADS, SOUP, st.sampled_from(["rows.csv", "rows.jsonl"]), st.booleans())
def test_of_any_bytes_all_is_kept_or_nothing(
    shop: Database, head: bytes, soup: bytes, name: str, keep_good: bool
) -> None:
    before = dataset(shop)
    try:
        report = load(shop, head + soup, name, keep_good=keep_good, task=task())
    except FileRefused as refusal:
        assert dataset(shop) == before
        json.dumps(refusal.details(), ensure_ascii=False).encode()
        return
    assert report.rows == report.accepted + report.duplicates + report.refused
    assert keep_good or not report.refused
    assert json.dumps(report.to_json(), ensure_ascii=False).encode()
