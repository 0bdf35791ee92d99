"""Reading CSV and JSONL: any encoding, any separator, any damage, line by line."""

from __future__ import annotations

import io
import json
import tracemalloc
from typing import Any

import pytest

from winnow.errors import FileRefused, RowRefused
from winnow.lifecycle.encodings import MAX_ROW
from winnow.lifecycle.tables import Format, format_of, open_table

NEEDED = ("text", "label")
FRENCH = 'text,label\n"Très bien, reçu",oui\nDéçu,non\n'
FRENCH_ROWS = [(2, "Très bien, reçu", "oui"), (3, "Déçu", "non")]


def read(content: str | bytes, kind: Format = "csv") -> list[Any]:
    """Rows as (line, text, label), and refusals as (line, reason)."""
    data = content.encode("utf-8") if isinstance(content, str) else content
    rows: list[Any] = []
    for row in open_table(io.BytesIO(data), kind, NEEDED).rows:
        if isinstance(row, RowRefused):
            rows.append((row.line, row.reason))
        else:
            line, cells = row
            assert tuple(cells) == NEEDED
            rows.append((line, cells["text"], cells["label"]))
    return rows


def refused(content: str | bytes, kind: Format = "csv") -> str:
    with pytest.raises(FileRefused) as caught:
        read(content, kind)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.csv", "csv"), ("A.CSV", "csv"), ("a.b.tsv", "csv"), ("a.jsonl", "jsonl"), (".ndjson", "jsonl")],
)
def test_the_ending_says_the_format(name: str, kind: str) -> None:
    assert format_of(name) == kind


@pytest.mark.parametrize("name", ["a", "", "a.xlsx", "a.csv.gz", "csv", "a.json", "\ud800\x1b[2J"])
def test_other_endings_are_refused(name: str) -> None:
    with pytest.raises(FileRefused, match=r"is not a name that ends in \.csv, \.tsv, \.jsonl, \.ndjson") as caught:
        format_of(name)
    assert str(caught.value).isprintable()


# Encodings


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16-le"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("cp1252", "cp1252"),
        ("latin-1", "cp1252"),
    ],
)
def test_the_encoding_is_found(encoding: str, name: str) -> None:
    data = FRENCH.encode(encoding)
    assert open_table(io.BytesIO(data), "csv", NEEDED).encoding == name
    assert read(data) == FRENCH_ROWS


def test_utf16_be_with_a_byte_order_mark() -> None:
    assert read(("\ufeff" + FRENCH).encode("utf-16-be")) == FRENCH_ROWS


def test_cp1252_has_quotes_and_the_euro_where_latin1_has_controls() -> None:
    assert read("text,label\n“50 €”,œ\n".encode("cp1252")) == [(2, "“50 €”", "œ")]


def test_a_byte_that_cp1252_leaves_open_makes_it_latin1() -> None:
    data = b"text,label\nd\xe9\x81\xe0,x\n"
    assert open_table(io.BytesIO(data), "csv", NEEDED).encoding == "latin-1"
    assert read(data) == [(2, "dé\x81à", "x")]


def test_a_bad_byte_does_not_make_a_utf8_file_another() -> None:
    data = ("text,label\n" + "é,x\n" * 3).encode() + b"caf\xe9,x\n" + "ça,x\n".encode()
    assert open_table(io.BytesIO(data), "csv", NEEDED).encoding == "utf-8"
    rows = read(data)
    assert rows[3] == (5, "the byte 0xE9 is not UTF-8: the row was cut, or is encoded otherwise")
    assert [row[1] for row in rows[:3] + rows[4:]] == ["é", "é", "é", "ça"]


def test_a_bad_byte_far_into_a_large_file_is_still_found() -> None:
    data = b"text,label\n" + b"plain,x\n" * 100_000 + "é,x\n".encode() * 10 + b"\xff,x\n"
    assert read(data)[-1][0] == 100_012


def test_neighbours_that_look_like_utf8_do_not_make_a_cp1252_file_another() -> None:
    text = "text,label\n„Spaß“,süß\nschön,größer\nÜber,dürr\n"
    assert "Spaß“".encode("cp1252")[-2:].decode("utf-8") == "ߓ", "the trap"
    assert read(text.encode("cp1252"))[0] == (2, "„Spaß“", "süß")


def test_characters_that_blocks_cut_stay_whole() -> None:
    text = "text,label\n" + "".join(f"é{'€' * (number % 7)}😀{number},ß\n" for number in range(60_000))
    expected = [f"é{'€' * (number % 7)}😀{number}" for number in range(60_000)]
    for encoding in ("utf-8", "utf-16"):
        assert [row[1] for row in read(text.encode(encoding))] == expected


@pytest.mark.parametrize("cut", [b"\xc3", b"\xf0\x9f\x98"])
def test_a_utf8_file_that_ends_within_a_character(cut: bytes) -> None:
    assert read("text,label\né,x\né,x\né,x\né,y".encode() + cut)[-1][0] == 5


@pytest.mark.parametrize("cut", [b"a", b"\x3d\xd8", b"\x3d\xd8a"])
def test_a_utf16_file_that_ends_within_a_character(cut: bytes) -> None:
    rows = read("text,label\nok,x\nab,y".encode("utf-16") + cut)
    assert rows == [(2, "ok", "x"), (3, "the bytes are not UTF-16-LE: the row was cut, or is encoded otherwise")]


def test_half_of_a_surrogate_pair_in_utf16_is_that_rows_error() -> None:
    rows = read("text,label\na\ud83dx,1\n😀,2\n\udc00,3\n".encode("utf-16-le", "surrogatepass"))
    assert [row[0] for row in rows] == [2, 3, 4]
    assert rows[1] == (3, "😀", "2")
    assert "not UTF-16-LE" in rows[0][1]


# Separators and the header


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_separator_is_the_one_that_finds_the_columns(separator: str) -> None:
    other = ";" if separator == "," else ","
    content = (
        f'id{separator}"text"{separator}a{other}b{separator}label\n1{separator}x{other} y{separator}{separator}z\n'
    )
    assert open_table(io.BytesIO(content.encode()), "csv", NEEDED).separator == separator
    assert read(content) == [(2, f"x{other} y", "z")]


def test_names_of_columns_may_have_spaces_around_and_lines_above() -> None:
    assert read("\n \n text , label \nx,y\n") == [(4, "x", "y")]


def test_a_header_may_go_over_lines() -> None:
    assert read('"first\ncolumn",text,label\na,b,c\n') == [(3, "b", "c")]


def test_a_missing_column_names_the_nearest_and_those_there_are() -> None:
    assert refused("txt;label\na;b\n") == (
        "there is no column 'text'. Did you mean 'txt'? The header has: 'txt', 'label'."
    )
    assert refused("a,b\n1,2\n") == "there is no column 'text'. The header has: 'a', 'b'."
    many = ",".join(f"column{number}" for number in range(5000))
    assert len(refused(f"{many},{'x' * 10**6}\n")) < 1000
    assert refused("\x1b[2Jtext,label\n").isprintable()


def test_a_needed_column_must_be_there_once() -> None:
    assert refused("text,label,text\n1,2,3\n") == "the header has the column 'text' 2 times"
    assert read("x,text,x,label\n1,2,3,4\n") == [(2, "2", "4")], "others may be there more often"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"\n\n \n", "the file is blank: there is no header"),
        (b"\xef\xbb\xbf", "the file is blank: there is no header"),
        (b"PK\x03\x04rest", "the file is an archive or a spreadsheet: save it as CSV (UTF-8) and load that"),
        (b"\x1f\x8b\x08rest", "the file is an archive"),
        (b'"text,label\na,b\n', 'the header cannot be read: line 1: the quote (") that opens here is never closed'),
        (b'"te"xt,label\na,b\n', "the header cannot be read: line 1: text follows the closing quote of cell 1"),
    ],
)
def test_what_is_no_table_is_refused(content: bytes, reason: str) -> None:
    assert refused(content).startswith(reason)


def test_a_header_alone_has_no_rows() -> None:
    assert read("text,label\n") == read("text,label") == []


# Rows


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_lines_end_in_any_way(end: str) -> None:
    content = end.join(["text,label", "a,1", f'"b{end}{end}b",2', "c,3", "", ""])
    assert read(content) == [(2, "a", "1"), (3, f"b{end}{end}b", "2"), (6, "c", "3")]


def test_only_cr_and_lf_end_a_line() -> None:
    odd = "a\x0b\x0c\x1c\x85\u2028\u2029b"
    assert read(f"text,label\n{odd},1\nc,2\n") == [(2, odd, "1"), (3, "c", "2")]


def test_crlf_that_blocks_cut_is_one_line_end() -> None:
    rows = 70_000
    content = "text,label\r\n" + "abcdefg,x\r\n" * rows
    assert [row[0] for row in read(content)] == list(range(2, rows + 2))


def test_quotes_follow_rfc_4180() -> None:
    content = 'text,label\n"a ""b"", c",""\n"",x\n5" pipe,"y"\n a "b",z\n"""",""""""\n'
    assert read(content) == [
        (2, 'a "b", c', ""),
        (3, "", "x"),
        (4, '5" pipe', "y"),
        (5, ' a "b"', "z"),
        (6, '"', '""'),
    ]


def test_a_misplaced_quote_is_that_rows_error() -> None:
    rows = read('text,label\n"a"b,1\nok,2\n"x\ny" ,3\nok,4\n')
    assert [row[0] for row in rows] == [2, 3, 4, 6]
    assert rows[0][1].startswith("text follows the closing quote of cell 1 (character 4): write a quote")
    assert "on line 5 (character 3)" in rows[2][1]


def test_a_quote_that_is_never_closed_names_the_line_where_it_opened() -> None:
    assert refused('text,label\nok,1\nx,"oops\nc,3\n') == 'line 3: the quote (") that opens here is never closed'
    assert refused('text,label\n"a\nb","c\nd\n').startswith("line 3: ")


def test_a_quote_that_is_never_closed_does_not_fill_the_memory() -> None:
    content = io.BytesIO(
        b'text,label\nok,1\n"' + b"some words to fill a line with, and then some more of them\n" * 500_000
    )
    rows = open_table(content, "csv", NEEDED).rows
    tracemalloc.start()
    with pytest.raises(FileRefused, match="line 3: a row begins here that has more than 16,777,216 characters"):
        list(rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 150e6


def test_a_line_without_end_is_refused_with_its_number() -> None:
    message = refused(b"text,label\nok,1\n" + b"x" * (MAX_ROW + 2**20))
    assert message.startswith("line 3: a row begins here that has more than 16,777,216 characters")


def test_cells_of_megabytes_are_read() -> None:
    large = "x" * 5_000_000
    assert read(f'text,label\n"{large}\n""",1\n{large},2\n') == [(2, large + '\n"', "1"), (4, large, "2")]


def test_ragged_rows_count_their_cells() -> None:
    assert read("text,label,more\na\nb,1\nc,1,2\nd,1,2,3\n") == [
        (2, "the row has 1 cell, the header 3"),
        (3, "the row has 2 cells, the header 3"),
        (4, "c", "1"),
        (5, "the row has 4 cells, the header 3"),
    ]


def test_blank_rows_at_the_end_are_ignored_and_others_are_not() -> None:
    blank = "the row is blank, and others follow"
    assert read("text,label\na,1\n\n ,\n\nb,2\n\n,\n  \n") == [(2, "a", "1"), (3, blank), (6, "b", "2")]


# JSONL


def test_json_lines() -> None:
    rows = [
        {"text": "é\u2028\n", "label": 3},
        {"label": ["a", "b"], "text": "😀", "more": {"x": [1]}},
        {"text": None, "label": True},
    ]
    content = "\r\n".join(json.dumps(row, ensure_ascii=bool(number % 2)) for number, row in enumerate(rows))
    expected = [(1, "é\u2028\n", 3), (2, "😀", ["a", "b"]), (3, None, True)]
    assert read(content + "\n\n  \n", "jsonl") == read(content.encode("utf-16"), "jsonl") == expected


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("[1]", 'the line is an array, not an object such as {"text": ..., "label": ...}'),
        ('"x"', "the line is a text, not an object"),
        ("3", "the line is a number, not"),
        ("null", "the line is null, not"),
        ("true", "the line is a boolean, not"),
        ("{", "the line is not JSON: expecting property name"),
        ('{"text": "a", "label": "b"} x', "the line is not JSON: extra data (character 29)"),
        ("text,label", "the line is not JSON: expecting value (character 1)"),
        ('{"text": "a\x01", "label": "b"}', "the line is not JSON: invalid control character"),
        ('{"txt": "a", "label": "b"}', "the key 'text' is missing. Did you mean 'txt'?"),
        ("{}", "the key 'text' is missing."),
        ('{"text": "a", "label": {"b": 1}}', "'label' should be a text, a number or a list of them, not nested"),
        ('{"text": "a", "label": [["b"]]}', "'label' should be a text, a number or a list of them, not nested"),
        ('{"text": "a", "text": "b", "label": "c"}', "the key 'text' is there twice"),
        ('{"text": "a", "label": NaN}', "NaN is not a JSON value"),
        ('{"text": "a", "label": -Infinity}', "-Infinity is not a JSON value"),
        ('{"text": "a", "label": ' + "9" * 5000 + "}", "the line is nested too deeply, or has a number too long"),
        ("[" * 100_000, "the line is nested too deeply"),
    ],
)  # fmt: skip
def test_a_bad_line_is_that_lines_error(line: str, reason: str) -> None:
    good = '{"text": "a", "label": "b"}'
    first, bad, last = read(f"{good}\n{line}\n{good}", "jsonl")
    assert (first, last) == ((1, "a", "b"), (3, "a", "b"))
    assert bad[0] == 2
    assert bad[1].startswith(reason)


def test_blank_and_damaged_json_lines() -> None:
    good = '{"text": "é", "label": "b"}'
    data = f"{good}\n\n\n{good}\n{good}\n".encode() + b'{"text": "\xe9", "label": "b"}\n\n'
    rows = read(data, "jsonl")
    assert [row[0] for row in rows] == [1, 2, 4, 5, 6]
    assert rows[1][1] == "the line is blank, and others follow"
    assert "0xE9 is not UTF-8" in rows[4][1]
