"""Folders in which a reader of the documentation may begin."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.docs.markdown import Page
from tests.docs.sitting import DATABASE, DIGITS, Sitting
from tests.servers import PostgreSQL, postgresql

__all__ = ["postgresql"]

Begin = Callable[[Page, Path], Path]
DatabaseOf = Callable[[Page], str]


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of the template `sentiment`, as `winnow new` makes it."""
    folder = tmp_path_factory.mktemp("shop")
    with Sitting(folder, folder / ".home") as sitting:
        sitting.run("winnow new shop --template sentiment")
    return folder / "shop"


@pytest.fixture(scope="session")
def trained_shop(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with its examples loaded and a champion, version 2."""
    folder = tmp_path_factory.mktemp("trained")
    shutil.copytree(shop, folder / "shop")
    with Sitting(folder / "shop", folder / ".home") as sitting:
        sitting.run("winnow load sentiment sentiment/reviews.csv\nwinnow train sentiment")
    return folder / "shop"


@pytest.fixture(scope="session")
def digits_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of the template `digits` with a champion, version 2."""
    folder = tmp_path_factory.mktemp("digits")
    with Sitting(folder, folder / ".home") as sitting:
        sitting.run(DIGITS)
    return folder / "shop"


@pytest.fixture
def database_of(request: pytest.FixtureRequest) -> Iterator[DatabaseOf]:
    """The URL that stands in for that of a page: of a real server, where the page begins with one."""
    with ExitStack() as stack:

        def url(page: Page) -> str:
            if "postgresql" not in page.starts:
                return DATABASE
            server: PostgreSQL = request.getfixturevalue("postgresql")
            return stack.enter_context(server.fresh())

        yield url


@pytest.fixture
def begin(request: pytest.FixtureRequest) -> Begin:
    """Make the folder in which the first block of a page is carried out."""

    def prepared(page: Page, folder: Path) -> Path:
        for word, fixture in (("trained", "trained_shop"), ("digits", "digits_shop"), ("shop", "shop")):
            if word in page.starts:
                shutil.copytree(request.getfixturevalue(fixture), folder / "shop")
                return folder / "shop"
        return folder

    return prepared
