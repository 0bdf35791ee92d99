"""Servers for tests of the page, and scripts of the page run against them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.web import bootstrap

from tests.browser.lives import make_life
from tests.projects import Server, copy_project, settings_of
from winnow.accounts.people import People
from winnow.domain import Role
from winnow.store import Database
from winnow.ui.app import OPTIONS, SCRIPT
from winnow.ui.session import forget
from winnow.ui.widgets import page_path

Look = Callable[..., AppTest]
"""`look("history")` draws a page; `server` is whom it asks, and other keywords stand in the address."""

PASSWORD = "a long enough password"
"""Of every account in these tests."""


@pytest.fixture(scope="package")
def page_server(trained_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of a trained project that tests of the page share; whoever asks may do everything."""
    project = copy_project(trained_project, tmp_path_factory.mktemp("page") / "project")
    with Server(project) as server:
        yield server


@pytest.fixture(scope="package")
def guarded_server(trained_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with its page and accounts that tests share: `ada` is an admin, `vera` a viewer."""
    project = copy_project(trained_project, tmp_path_factory.mktemp("guarded") / "project")
    add_account(project, "ada", Role.ADMIN)
    add_account(project, "vera", Role.VIEWER)
    with Server(project, page=True, anonymous="nobody") as server:
        yield server


@pytest.fixture(scope="package")
def life(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that was trained on growing data (`tests.browser.lives`). A pattern to copy: nobody serves it."""
    return make_life(tmp_path_factory.mktemp("life") / "project")


@pytest.fixture(scope="package")
def life_server(life: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of that project, which tests share: they look, and change nothing."""
    with Server(copy_project(life, tmp_path_factory.mktemp("living") / "project"), monitor_seconds=0.2) as server:
        yield server


@pytest.fixture
def look() -> Look:
    """Draw pages as a browser would, each in a visit of its own, and without what others were told before."""
    bootstrap.load_config_options(dict(OPTIONS))

    def draw(page: str = "overview", *, server: Server, **query: str) -> AppTest:
        forget()
        test = AppTest.from_file(SCRIPT, default_timeout=30)
        test.secrets["winnow"] = {"api": server.url}
        for name, value in query.items():
            test.query_params[name] = value
        test.run()
        if page != "overview":
            test.switch_page(str(page_path(page))).run()
        return test

    return draw


def add_account(project: Path, name: str, role: Role) -> None:
    """Give somebody an account of a project, with `PASSWORD`."""
    database = Database(settings_of(project).database_url)
    try:
        database.migrate()
        People(database).add(name, role, PASSWORD)
    finally:
        database.close()


def downloads_of(test: AppTest) -> list[str]:
    """What the buttons say with which files are fetched."""
    return [str(getattr(button, "label", "")) for button in test.get("download_button")]


def words_of(test: AppTest) -> str:
    """All that a page says, in one text."""
    kinds = (test.title, test.subheader, test.markdown, test.caption, test.error, test.warning, test.info)
    return "\n".join(str(element.value) for kind in kinds for element in kind)
