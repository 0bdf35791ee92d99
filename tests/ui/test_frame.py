"""What all pages share: the service that was picked, and who looks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from tests.projects import Server, make_project
from tests.ui.conftest import Look, words_of
from winnow.domain import Role
from winnow.ui.widgets import page_path

TWO = """
[project]
name = "shop"

[services.first]
task = "text-classification"
description = "Is it the first?"

[services.second]
task = "text-classification"
description = "Is it the second?"
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of a project with two services."""
    with Server(make_project(tmp_path_factory.mktemp("frame") / "project", TWO)) as started:
        yield started


def _go_to(test: AppTest, page: str) -> AppTest:
    return test.switch_page(str(page_path(page))).run()


def test_the_picked_service_holds_on_all_pages_and_stands_in_the_address(look: Look, server: Server) -> None:
    test = look("predict", server=server)
    assert test.title[0].value == "Is it the first?"
    test.sidebar.selectbox[0].select("second").run()
    assert test.title[0].value == "Is it the second?"
    assert test.query_params["service"] == "second"
    _go_to(test, "overview")
    _go_to(test, "history")
    assert test.sidebar.selectbox[0].value == "second"
    _go_to(test, "predict")
    assert test.title[0].value == "Is it the second?"
    test.sidebar.selectbox[0].select("first").run()
    assert test.title[0].value == "Is it the first?"


@pytest.mark.parametrize(
    ("asked", "shown"), [("second", "second"), ("nothing", "first"), ("", "first"), ("<b>", "first")]
)
def test_an_address_picks_the_service_where_there_is_one(
    look: Look, server: Server, asked: str, shown: str
) -> None:
    test = look("predict", server=server, service=asked)
    assert test.title[0].value == f"Is it the {shown}?"


@pytest.mark.parametrize("role", list(Role))
def test_who_looks_is_said(look: Look, server: Server, role: Role) -> None:
    with Server(server.project, anonymous=role) as other:
        said = words_of(look(server=other))
    assert f"you are {'a' if role is Role.VIEWER else 'an'} {role}" in said


def test_nobody_is_asked_to_sign_in(look: Look, server: Server) -> None:
    with Server(server.project, anonymous="nobody") as other:
        test = look(server=other)
    assert not test.exception
    assert "ign in" in test.error[0].value
    assert not test.title
