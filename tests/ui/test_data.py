"""The page Data, on a real server: counts, adding, browsing, disagreements, snapshots and erasing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.pictures import numbered
from tests.projects import Server, copy_project, make_project
from tests.ui.conftest import Look
from tests.ui.turning import buttons, field, open_tab, press, said, tables, turn
from winnow.client import Client
from winnow.client.answers import LoadReport
from winnow.client.data_answers import Disagreement, Erasure, ExampleCount, Opinion, Snapshot
from winnow.domain import Target
from winnow.ui.data_view import (
    choices,
    count_rows,
    erasure_sentence,
    found_anything,
    growth_rows,
    opinion_rows,
    refused_report,
    report_sentence,
    snapshot_rows,
    source_words,
)

MOMENT = datetime(2026, 11, 20, 21, 4, tzinfo=UTC)
FIRST, SECOND = date(2026, 11, 19), date(2026, 11, 20)
COUNTS = [
    ExampleCount(SECOND, "api", "no", 2),
    ExampleCount(FIRST, "upload", "no", 10),
    ExampleCount(FIRST, "upload", "yes", 5),
]
MIXED = b"text,label\nGood and new.,positive\nBad and new.,negative\nOdd.,perhaps\n"
IMAGES = """
[project]
name = "tests"

[services.digits]
task = "image-classification"
description = "Which digit was written here?"
labels = ["0", "1"]
candidates = ["pixels-linear"]
"""


def disagreement(*targets: Target) -> Disagreement:
    return Disagreement("text", [Opinion(str(at), target, "api", MOMENT) for at, target in enumerate(targets)])


def test_the_dataset_grows_from_day_to_day() -> None:
    assert [(row["Day"], row["Label"], row["Examples"]) for row in growth_rows(COUNTS)] == [
        ("2026-11-19", "no", 10),
        ("2026-11-19", "yes", 5),
        ("2026-11-20", "no", 12),
        ("2026-11-20", "yes", 5),
    ]
    assert growth_rows([]) == count_rows([]) == []


def test_counts_say_where_examples_came_from() -> None:
    assert count_rows(COUNTS) == [
        {"Label": "no", "files": 10, "added one by one": 2, "all": 12},
        {"Label": "yes", "files": 5, "added one by one": 0, "all": 5},
    ]


def test_each_target_is_offered_once_and_the_one_that_counts_first() -> None:
    assert choices(disagreement("no", "yes", "no")) == ["no", "yes"]
    assert choices(disagreement(["a", "b"], [], ["a", "b"])) == [["a", "b"], []]
    assert [row["Counts"] for row in opinion_rows(disagreement("no", "yes"))] == ["★ counts", ""]


def test_a_refused_file_has_its_report() -> None:
    refusals = [{"line": 3, "reason": "it is empty"}, {"line": 4, "reason": "odd", "file": "a.png"}]
    given = {
        "file": "a.csv", "format": "csv", "encoding": "utf-8", "separator": ";", "rows": 2, "accepted": 0,
        "duplicates": 0, "refused": 2, "duplicate_lines": [], "refusals": refusals, "reasons": {}, "labels": {},
        "batch": None, "something new": True,
    }  # fmt: skip
    report = refused_report(given)
    assert [row.file for row in report.refusals] == [None, "a.png"]
    assert "columns separated by semicolons) has 2 rows. To be added: 0," in report_sentence(report)


@pytest.mark.parametrize("separator", [None, "\t", "§"])
def test_a_file_of_unknown_form_has_a_sentence(separator: str | None) -> None:
    report = LoadReport("a.csv", "", None, separator, 1, 0, 1, 0, [], [], {}, {}, None)
    assert report_sentence(report).startswith("a.csv (unknown format")


def test_an_erasure_in_a_sentence() -> None:
    found = Erasure(dry_run=True, examples=1, predictions=2, feedback=0, jobs=0, uploads=1, versions=[3, 4])
    assert erasure_sentence(found) == (
        "It is in 1 example, 2 predictions, 0 corrections, 0 jobs and 1 kept file; the files of versions 3, 4 too."
    )
    assert found_anything(found)
    assert not found_anything(
        Erasure(dry_run=True, examples=0, predictions=0, feedback=0, jobs=0, uploads=0, versions=[])
    )


def test_snapshots_say_who_added_what() -> None:
    (row,) = snapshot_rows([Snapshot(3, "upload:a.csv", 7, None, upload=True, created_at=MOMENT)])
    assert (row["Source"], row["Added by"], row["File kept"]) == ("file a.csv", "nobody known", "yes")
    assert source_words("feedback") == "correction"
    assert source_words("a plugin's") == "a plugin's"


def test_a_service_without_examples_says_what_to_do(look: Look, untrained_server: Server) -> None:
    test = look("data", server=untrained_server, service="sentiment")
    assert "sentiment has no examples yet." in said(test)
    for tab, words in (
        ("Browse", "Add one, or a whole CSV file"),
        ("Disagreements", "Nobody disagrees."),
        ("Snapshots", "There is no snapshot yet."),
    ):
        assert words in said(turn(test, "data", tab))


def test_counts_are_shown_over_time(look: Look, life_server: Server) -> None:
    test = look("data", server=life_server, service="sentiment")
    counts, growth = tables(test)
    assert [row["Label"] for row in counts] == ["negative", "positive"]
    assert sum(row["all"] for row in counts) == sum(row["Examples"] for row in growth[-2:])


def test_one_example_is_added(look: Look, project_copy: Path) -> None:
    with Server(project_copy) as server, Client(server.url) as client:
        test = open_tab(look, "data", "Add", server=server)
        press(test, "Add the example")
        assert "Give both: the input and its right label." in said(test)
        add(test, "A comment of the day.", "negative")
        assert "The example is added." in said(test)
        newest = client.examples("sentiment", 1).examples[0]
        assert (newest.input, newest.target, newest.source) == ("A comment of the day.", "negative", "api")
        add(test, "A comment of the day.", "negative")
        assert "there already, so nothing was added" in said(test)


def test_a_file_is_reported_on_before_its_good_rows_are_added(look: Look, project_copy: Path) -> None:
    with Server(project_copy) as server, Client(server.url) as client:
        before = client.examples("sentiment", 1).count
        test = open_tab(look, "data", "Add", server=server)
        field(test.file_uploader, "File").upload("mixed.csv", MIXED, "text/csv").run()
        assert "mixed.csv (CSV, written in utf-8, columns separated by commas) has 3 rows" in said(test)
        assert "1 row cannot be read:" in said(test)
        labels, reasons, refusals = tables(test)
        assert {row["Label"]: row["Rows"] for row in labels} == {"positive": 1, "negative": 1}
        assert reasons[0]["Rows"] == 1
        assert refusals[0]["Line"] == 4
        assert "perhaps" in refusals[0]["Why it cannot be read"]
        assert client.examples("sentiment", 1).count == before  # nothing was added yet
        press(test, "Add the 2 good ones")
        assert "2 examples of mixed.csv were added, as snapshot" in said(test)
        assert client.examples("sentiment", 1).count == before + 2
        test = turn(test, "data", "Snapshots")
        assert tables(test)[0][0]["File kept"] == "yes"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "mixed.csv: the file is empty"),
        (b"text,label\nOdd.,perhaps\n", "there is no label 'perhaps'"),
        (b"other,columns\n1,2\n", "mixed.csv: there is no column"),
        (b"\x00\xff\x00\xff", "mixed.csv: there is no column"),
    ],
    ids=["empty", "all-refused", "other-columns", "binary"],
)
def test_a_file_that_cannot_be_used_says_why(look: Look, page_server: Server, content: bytes, words: str) -> None:
    test = open_tab(look, "data", "Add", server=page_server)
    field(test.file_uploader, "File").upload("mixed.csv", content, "text/csv").run()
    assert words in said(test)
    assert not [label for label in buttons(test) if label.startswith("Add the ") and "good" in label]


def test_examples_are_searched_and_paged(look: Look, life_server: Server) -> None:
    with Client(life_server.url) as client:
        newest = [example.input for example in client.examples("sentiment", 100).examples]
    test = open_tab(look, "data", "Browse", server=life_server)
    assert len(tables(test)[0]) == 50
    first = tables(test)[0]
    press(test, "Older")
    assert tables(test)[0] != first
    assert "Page 2" in said(test)
    field(test.text_input, "Text contains").set_value(newest[0][:20]).run()
    assert newest[0][:20] in tables(test)[0][0]["Input"]
    field(test.text_input, "Text contains").set_value("").run()
    field(test.selectbox, "Right label").set_value("negative").run()
    assert {row["Right label"] for row in tables(test)[0]} == {"negative"}
    field(test.selectbox, "Source").set_value("api").run()
    assert "Choose other filters above." in said(test)


@pytest.mark.parametrize("chosen", ["positive", "negative"])
def test_a_disagreement_is_settled_by_one_press(
    look: Look, project_copy: Path, tmp_path: Path, chosen: str
) -> None:
    file = tmp_path / "disputed.csv"
    file.write_text("text,label\nIt is *what* it is.,positive\nIt is *what* it is.,negative\n", encoding="utf-8")
    with Server(project_copy) as server, Client(server.url) as client:
        client.upload("sentiment", file)
        test = open_tab(look, "data", "Disagreements", server=server)
        assert "Examples disagree on 1 input." in said(test)
        assert [row["Label"] for row in tables(test)[0]] == ["negative", "positive"]
        press(test, chosen)
        assert f"Settled: “{chosen}” counts" in said(test)
        assert client.disagreements("sentiment").count == 0
        assert client.examples("sentiment", 1).examples[0].target == chosen


def test_a_text_is_erased_after_a_look(look: Look, project_copy: Path) -> None:
    with Server(project_copy) as server, Client(server.url) as client:
        client.add_example("sentiment", "My name is Ada.", "positive")
        client.predict("sentiment", "My name is Ada.")
        test = open_tab(look, "data", "Erase", server=server)
        test.text_area[0].set_value("nobody wrote this").run()
        press(test, "Look where it is")
        assert "It is nowhere." in said(test)
        test.text_area[0].set_value("My name is Ada.").run()
        press(test, "Look where it is")
        assert "1 example, 1 prediction" in said(test)
        assert client.examples("sentiment", text="My name is Ada").examples  # it was a look only
        field(test.checkbox, "Erase all of it. It cannot be brought back.").check().run()
        press(test, "Erase")
        assert "Erased from 1 example, 1 prediction" in said(test)
        assert not client.examples("sentiment", text="My name is Ada").examples
        assert not client.history("sentiment", text="My name is Ada")


def test_images_are_added_and_seen(look: Look, tmp_path: Path) -> None:
    with Server(make_project(tmp_path / "project", IMAGES)) as server, Client(server.url) as client:
        test = open_tab(look, "data", "Add", server=server, service="digits")
        field(test.file_uploader, "Image").upload("one.png", numbered(1), "image/png")
        field(test.selectbox, "Right label").set_value("1")
        press(test, "Add the example")
        assert "The example is added." in said(test)
        client.add_example("digits", numbered(1), "0")
        test = turn(test, "data", "Browse")
        assert len(test.image) == 2
        test = turn(test, "data", "Disagreements")
        assert "Nobody disagrees." in said(test)  # the last one was added by hand: that settled it


@pytest.mark.parametrize("tab", ["Overview", "Add", "Browse", "Disagreements", "Snapshots", "Erase"])
def test_a_viewer_is_told_why_they_may_not(look: Look, viewer_server: Server, tab: str) -> None:
    test = open_tab(look, "data", tab, server=viewer_server)
    assert "takes the role editor" in said(test)
    assert not tables(test)
    assert not test.error


def test_an_editor_may_neither_upload_nor_erase(look: Look, trained_project: Path, tmp_path: Path) -> None:
    with Server(copy_project(trained_project, tmp_path / "copy"), anonymous="editor") as server:
        test = open_tab(look, "data", "Add", server=server)
        assert "Uploading files takes the role admin" in said(test)
        assert "Add the example" in buttons(test)
        test = open_tab(look, "data", "Erase", server=server)
        assert "Erasing takes the role admin" in said(test)
        assert "Look where it is" not in buttons(test)


@pytest.fixture(scope="module")
def viewer_server(trained_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(
        copy_project(trained_project, tmp_path_factory.mktemp("seen") / "copy"), anonymous="viewer"
    ) as server:
        yield server


def add(test: AppTest, text: str, label: str) -> None:
    """Fill the form for one example, and press its button."""
    field(test.text_area, "Text").set_value(text)
    field(test.selectbox, "Right label").set_value(label)
    press(test, "Add the example")
