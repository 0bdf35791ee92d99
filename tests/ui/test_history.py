"""The history on the page, over real servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.projects import Server, copy_project
from tests.ui.conftest import Look, downloads_of, words_of
from winnow.client import Client
from winnow.domain import Role
from winnow.ui.pages import history

ASKED = 25


@pytest.fixture(scope="module")
def server(trained_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that was asked some things: the first is the oldest."""
    project = copy_project(trained_project, tmp_path_factory.mktemp("history") / "project")
    with Server(project) as started:
        with Client(started.url) as client:
            client.predict_many(
                "sentiment", [f"number {i} is {'lovely' if i % 2 else 'terrible'}" for i in range(ASKED)]
            )
        yield started


def _press(test: AppTest, label: str) -> AppTest:
    return next(button for button in test.button if button.label == label).click().run()


def _box(test: AppTest, label: str) -> object:
    return next(box for box in test.selectbox if box.label == label)


def test_the_newest_come_first_and_older_ones_follow(look: Look, server: Server) -> None:
    test = look("history", server=server)
    assert not test.exception
    said = words_of(test)
    assert said.index("number 24") < said.index("number 23")
    assert "number 4 " not in said
    said = words_of(_press(test, "Older"))
    assert "number 4 " in said
    assert "number 24" not in said
    assert "number 24" in words_of(_press(test, "Newer"))


def test_filters_hold_and_begin_at_the_first_page(look: Look, server: Server) -> None:
    test = look("history", server=server)
    _press(test, "Older")
    test.text_input[0].input("number 24").run()
    assert not test.exception
    said = words_of(test)
    assert "number 24" in said
    assert "number 23" not in said
    test.text_input[0].input("nobody asked this").run()
    assert "No prediction passes these filters." in words_of(test)


def test_a_correction_in_place_is_feedback(look: Look, server: Server) -> None:
    test = look("history", server=server)
    with Client(server.url) as client:
        newest = client.history("sentiment", 1)[0]
        other = "positive" if newest.answer["label"] == "negative" else "negative"
        next(button for button in test.button if button.key == f"wrong-{newest.id}-{other}").click().run()
        assert not test.exception
        assert client.history("sentiment", 1)[0].feedback == other
    assert f"corrected to {other}" in words_of(test)


def test_the_same_as_a_table(look: Look, server: Server) -> None:
    test = look("history", server=server)
    test.segmented_control[0].set_value("Table").run()
    assert not test.exception
    table = test.dataframe[0].value
    assert next(iter(table["Input"])) == "number 24 is terrible"
    assert len(table) == 20


def test_all_of_it_can_be_kept_as_a_file(look: Look, server: Server) -> None:
    test = look("history", server=server)
    assert any("CSV" in label for label in downloads_of(test))
    with Client(server.url) as client:
        fetched = history.fetch_export(client, "sentiment", {"text": "number 7 "})().decode()
    assert len(fetched.splitlines()) == 2
    assert "number 7 is lovely" in fetched


def test_nothing_asked_yet_says_where_to_ask(look: Look, untrained_server: Server) -> None:
    test = look("history", server=untrained_server)
    assert not test.exception
    assert "Nothing was asked yet." in words_of(test)


def test_markup_in_an_input_stays_text(look: Look, trained_project: Path, tmp_path: Path) -> None:
    with Server(copy_project(trained_project, tmp_path / "project")) as server:
        with Client(server.url) as client:
            client.predict("sentiment", "![x](http://evil.example/x.png) <script>alert(1)</script> :red[no]")
        shown = next(each.value for each in look("history", server=server).markdown if "evil" in each.value)
        assert r"\!\[x\]\(" in shown
        assert r"\<script\>" in shown
        assert r"\:red\[no\]" in shown


def test_a_viewer_reads_and_does_not_correct(look: Look, trained_project: Path, tmp_path: Path) -> None:
    with Server(copy_project(trained_project, tmp_path / "project"), anonymous=Role.VIEWER) as server:
        with Client(server.url) as client:
            client.predict("sentiment", "Lovely.")
        test = look("history", server=server)
        assert not test.exception
        assert "Lovely" in words_of(test)
        assert not any("wrong" in str(button.label) for button in test.button)
