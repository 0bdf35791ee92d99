"""Images on the page, over a real server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from tests.images import LIBRARY, make_image_project, make_picture, train_colours
from tests.projects import Server
from tests.ui.conftest import Look, words_of


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that tells colours apart and has a library."""
    project = make_image_project(tmp_path_factory.mktemp("images") / "project")
    train_colours(project)
    with Server(project) as started:
        yield started


def _press(test: AppTest, label: str) -> AppTest:
    return next(button for button in test.button if button.label == label).click().run()


def test_an_image_is_sent_and_answered(look: Look, server: Server) -> None:
    test = look("predict", server=server, service="colours")
    assert test.title[0].value == "Which <colour> is it?"
    next(given for given in test.file_uploader if given.label == "Your image").upload(
        "some.png", make_picture("blue"), "image/png"
    )
    test.run()
    _press(test, "Predict")
    assert not test.exception
    assert "blue, " in words_of(test)


def test_an_image_of_the_library_is_asked_about_with_one_press(look: Look, server: Server) -> None:
    test = look("predict", server=server, service="colours")
    labels = [button.label for button in test.button]
    assert [label for label in labels if label in LIBRARY] == LIBRARY
    _press(test, "red.png")
    assert not test.exception
    assert "red, " in words_of(test)


def test_a_broken_image_is_a_sentence_and_the_others_stay(look: Look, server: Server) -> None:
    test = look("predict", server=server, service="colours")
    assert "(cannot be shown)" in words_of(test)
    _press(test, "broken.png")
    assert not test.exception
    assert test.error[0].value.endswith(".")


def test_the_history_shows_images_as_images(look: Look, server: Server) -> None:
    _press(look("predict", server=server, service="colours"), "red.png")
    test = look("history", server=server, service="colours")
    assert not test.exception
    assert len(test.get("image")) >= 1
    assert "sha256" not in words_of(test)
