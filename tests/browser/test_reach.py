"""Every page on a phone, by keyboard, by screen reader, and by those who may not do everything."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page

from tests.browser.conftest import PASSWORDS, PHONE, Meet
from tests.browser.serving import Served

pytestmark = pytest.mark.slow

PAGES = {
    "": "shop",
    "predict": "Is this review positive?",
    "history": "History",
    "data": "Data",
    "models": "Models",
    "reports": "Reports",
    "operations": "Operations",
    "accounts": "Accounts",
}
"""Address → heading."""

CONTROLS = {
    "button",
    "checkbox",
    "combobox",
    "link",
    "listbox",
    "radio",
    "searchbox",
    "slider",
    "spinbutton",
    "switch",
    "tab",
    "textbox",
}
"""Roles of what people use."""

WIDER_THAN_THE_SCREEN = """
() => [...document.querySelectorAll('main, [data-testid=stMain], html')]
    .filter(each => each.scrollWidth > each.clientWidth)
    .map(each => `${each.tagName} is ${each.scrollWidth} wide`)
"""


@pytest.mark.parametrize("name", PAGES, ids=[name or "overview" for name in PAGES])
def test_each_page_can_be_read_aloud_and_used_on_a_phone(name: str, served: Served, meet: Meet) -> None:
    """In every tab, whatever people use has a name, as screen readers get it; nothing is wider than the screen."""
    visitor = meet(served.url, "ada", PHONE)
    visitor.go(name, service="sentiment")
    visitor.sees_heading(PAGES[name])
    wrong = [*_nameless(visitor.page), *visitor.page.evaluate(WIDER_THAN_THE_SCREEN)]
    for tab in [tab.inner_text() for tab in visitor.main.get_by_role("tab").all()][1:]:
        visitor.turn_tab(tab)
        found = [*_nameless(visitor.page), *visitor.page.evaluate(WIDER_THAN_THE_SCREEN)]
        wrong += [f"{tab}: {each}" for each in found]
    assert not wrong


def _nameless(page: Page) -> list[str]:
    """Controls of the accessibility tree that have no name."""
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")
    controls = [node for node in tree["nodes"] if not node["ignored"] and _word(node, "role") in CONTROLS]
    assert controls, "the tree is empty"
    return [f"a {_word(node, 'role')} without a name" for node in controls if not _word(node, "name").strip()]


def _word(node: dict[str, Any], member: str) -> str:
    return str(node.get(member, {}).get("value", ""))


def test_one_can_sign_in_and_ask_with_nothing_but_a_keyboard(served: Served, meet: Meet) -> None:
    visitor = meet(served.url)
    page = visitor.page
    page.goto(f"{served.url}/ui/")
    page.get_by_role("heading", name="Sign in").wait_for()
    page.keyboard.type("vic")  # the cursor is in the first field
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORDS["vic"])
    page.keyboard.press("Enter")
    visitor.sees_heading("shop")

    _tab_to(page, page.get_by_role("navigation").get_by_role("link", name="Predict", exact=True))
    page.keyboard.press("Enter")
    visitor.sees_heading("Is this review positive?")
    _tab_to(page, page.get_by_role("textbox", name="Your text"))
    page.keyboard.type("A waste of money.")
    _tab_to(page, page.get_by_role("button", name="Predict", exact=True))
    page.keyboard.press("Enter")
    visitor.sees(re.compile(r"negative, .*sure"))


def _tab_to(page: Page, wanted: Locator, most: int = 60) -> None:
    """Press the tabulator key until this has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if wanted.first.evaluate("each => each === document.activeElement"):
            return
    raise AssertionError(f"{wanted} is not within {most} steps of the tabulator key")
