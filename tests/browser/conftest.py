"""A served project, a browser, and people of each role in front of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.browser.chromium import chromium, find_chromium
from tests.browser.lives import live, make_life
from tests.browser.serving import Served, winnow
from tests.browser.visitor import Visitor
from tests.browser.watching import Watch
from winnow.client import Client

PASSWORDS = {"ada": "ada-keeps-it-all", "eve": "eve-edits-things", "vic": "vic-only-looks"}
"""Of an admin, an editor and a viewer."""

ROLES = {"ada": "admin", "eve": "editor", "vic": "viewer"}
WIDE = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}

Meet = Callable[..., Visitor]
_FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let fixtures know whether their test failed."""
    report = yield
    if report.failed:
        item.stash[_FAILED] = True
    return report


@pytest.fixture(scope="session")
def life(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project after two trainings, with three accounts. A pattern to copy: nobody serves it."""
    project = make_life(tmp_path_factory.mktemp("life") / "shop")
    for name, role in ROLES.items():
        winnow(project, "users", "add", name, "--role", role, "--password-stdin", given=PASSWORDS[name])
    return project


@pytest.fixture(scope="module")
def served(life: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A copy of it, served, with some history. The tests of a module share it."""
    project = tmp_path_factory.mktemp("served") / "shop"
    shutil.copytree(life, project)
    with Served(project, monitor_seconds=0.5) as server:
        with Client(server.url, account=("ada", PASSWORDS["ada"])) as client:
            live(client)
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium."""
    program = find_chromium()
    if program is None:
        pytest.skip("chromium is not on the PATH")
    with chromium(program) as opened:
        yield opened


@pytest.fixture
def meet(browser: Browser, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Meet]:
    """Give a visitor of the test's own a browser, signed in where they have a name; `go` opens a page.

    At the end, the browser must not have complained about anything. Where the test failed, what was on the screen
    and everything before it are in the test's folder.
    """
    watches: list[Watch] = []
    visitors: list[Visitor] = []

    def opened(address: str, name: str | None = None, size: dict[str, int] = WIDE) -> Visitor:
        context = browser.new_context(viewport={"width": size["width"], "height": size["height"]})
        context.tracing.start(screenshots=True, snapshots=True)
        page = context.new_page()
        watches.append(Watch(page))
        visitor = Visitor(page, address)
        visitors.append(visitor)
        if name is not None:
            _let_in(context, address, name)
        return visitor

    yield opened
    failed = request.node.stash.get(_FAILED, default=False)
    for number, visitor in enumerate(visitors):
        if failed:
            visitor.page.screenshot(path=tmp_path / f"screen-{number}.png", full_page=True)
            visitor.page.context.tracing.stop(path=tmp_path / f"trace-{number}.zip")
        visitor.page.context.close()
    complaints = [complaint for watch in watches for complaint in watch.complaints]
    assert failed or not complaints, "\n".join(complaints)


def _let_in(context: BrowserContext, address: str, name: str) -> None:
    """Leave in the browser what signing in does. That itself is done by hand in the story."""
    with Client(address) as client:
        session = client.sign_in(name, PASSWORDS[name]).session
    context.add_cookies([{"name": "winnow_session", "value": session, "url": f"{address}/ui"}])
