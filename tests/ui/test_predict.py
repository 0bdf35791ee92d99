"""Asking on the page, over real servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.projects import Server, copy_project, train_directly, wait_until
from tests.ui.conftest import Look, downloads_of, words_of
from winnow.client import Client
from winnow.domain import JobKind, Role, Status
from winnow.ui.file_jobs import fetch_answers


@pytest.fixture(scope="module")
def server(trained_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a champion, version 1, and version 2 beside it."""
    project = copy_project(trained_project, tmp_path_factory.mktemp("predict") / "project")
    train_directly(project, promote=False)
    with Server(project) as started:
        yield started


def _ask(test: AppTest, text: str) -> AppTest:
    test.text_area[0].input(text)
    return _press(test, "Predict")


def _press(test: AppTest, label: str) -> AppTest:
    button = next(button for button in test.button if button.label == label)
    return button.click().run()


def test_the_question_is_the_heading(look: Look, server: Server) -> None:
    test = look("predict", server=server)
    assert not test.exception
    assert test.title[0].value == "Is this review positive?"


def test_an_answer_is_in_plain_words_with_its_scores(look: Look, server: Server) -> None:
    test = _ask(look("predict", server=server), "It broke after two days. Terrible.")
    assert not test.exception
    said = words_of(test)
    assert "negative" in said
    assert "% sure" in said.replace("\u202f", " ").replace("\\", "")
    assert list(test.dataframe[0].value["Label"]) == ["negative", "positive"]


def test_a_wrong_answer_is_put_right_with_one_press(look: Look, server: Server) -> None:
    test = _ask(look("predict", server=server), "A text to be corrected, terrible.")
    _press(test, "That's wrong: it is positive")
    assert not test.exception
    assert "corrected to positive" in words_of(test)
    with Client(server.url) as client:
        newest = client.history("sentiment", 1)[0]
        assert newest.input == "A text to be corrected, terrible."
        assert newest.feedback == "positive"


def test_two_versions_answer_side_by_side(look: Look, server: Server) -> None:
    test = look("predict", server=server)
    choice = next(box for box in test.selectbox if box.label == "Compare the champion with")
    choice.select(2)
    _ask(test, "Lovely.")
    assert not test.exception
    said = words_of(test)
    assert "Version 1" in said
    assert "Version 2" in said
    assert "Both versions answer the same." in said


def test_several_texts_are_a_table_with_one_line_each(look: Look, server: Server) -> None:
    test = look("predict", server=server)
    test.toggle[0].set_value(True)
    _ask(test, "Lovely.\n\n  Terrible.  \nIt works")
    assert not test.exception
    assert list(test.dataframe[0].value["Input"]) == ["Lovely.", "Terrible.", "It works"]
    assert set(test.dataframe[0].value["Answer"]) <= {"negative", "positive"}


@pytest.mark.parametrize("text", ["", "   \n  "], ids=["nothing", "blank"])
def test_nothing_is_not_asked(look: Look, server: Server, text: str) -> None:
    test = _ask(look("predict", server=server), text)
    assert test.warning[0].value == "Write a text first."


def test_what_cannot_be_answered_is_a_sentence(look: Look, server: Server) -> None:
    test = _ask(look("predict", server=server), "a\x00b")
    assert not test.exception
    assert test.error[0].value.endswith(".")


def test_before_the_first_training_it_says_what_to_do(look: Look, untrained_server: Server) -> None:
    test = look("predict", server=untrained_server)
    assert not test.exception
    assert "Bring labelled examples in" in words_of(test)
    assert not test.text_area


def test_a_file_is_answered_as_a_job_and_can_be_fetched(look: Look, server: Server) -> None:
    test = look("predict", server=server)
    file = next(uploader for uploader in test.file_uploader if "every row" in uploader.label)
    file.upload("texts.csv", b"text\nLovely.\nTerrible.\n", "text/csv")
    test.run()
    _press(test, "Answer every row")
    assert not test.exception
    with Client(server.url) as client:
        job = client.jobs(1, service="sentiment", kind=JobKind.FILE)[0]
        assert test.query_params["ticket"] == job.id
        wait_until(lambda: client.job(job.id).status is Status.FINISHED)
    again = look("predict", server=server)  # who left and comes back finds it
    assert not again.exception
    assert any("Download" in label for label in downloads_of(again))
    assert job.id[:8] in words_of(again)
    with Client(server.url) as client:
        fetched = fetch_answers(client, job.id)().decode()
    assert [line.split(",")[:2] for line in fetched.splitlines()[1:]] == [
        ["Lovely.", "positive"],
        ["Terrible.", "negative"],
    ]


def test_a_viewer_may_ask_and_is_told_why_no_more(look: Look, trained_project: Path, tmp_path: Path) -> None:
    with Server(copy_project(trained_project, tmp_path / "project"), anonymous=Role.VIEWER) as server:
        test = _ask(look("predict", server=server), "Lovely.")
        assert not test.exception
        assert "positive" in words_of(test)
        assert not any("wrong" in button.label for button in test.button)
        assert "takes the role editor" in words_of(test)
        assert not test.file_uploader
