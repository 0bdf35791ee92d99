"""Somebody in front of the page, who finds things by what they are and are called, as a screen reader does."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import Locator, Page, expect

SETTLED = "[data-testid=stApp][data-test-script-state=notRunning]"
"""Streamlit's own mark of a page whose script has ended."""

_PLACEHOLDER = "[data-testid=stSkeleton]"
_PATIENCE = 20_000.0  # milliseconds: two cores are shared with other tests
_TO_SERVER_AND_BACK = 100.0  # milliseconds, until the page shows that its script was started again


class Visitor:
    """Uses the page that is served at `address`."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        page.set_default_timeout(_PATIENCE)

    @property
    def main(self) -> Locator:
        """The page beside its navigation."""
        return self.page.get_by_role("main")

    # Going about

    def go(self, name: str = "", **query: str) -> None:
        """Open a page by its address, such as `history`."""
        asked = f"?{urlencode(query)}" if query else ""
        self.page.goto(f"{self.address}/ui/{name}{asked}")
        self.settle()

    def turn_to(self, title: str) -> None:
        """Follow a link of the navigation."""
        link = self.page.get_by_role("navigation").get_by_role("link", name=title, exact=True)
        if not link.is_visible():  # on a phone the navigation is folded away
            self.page.get_by_role("button", name=re.compile("sidebar", re.IGNORECASE)).first.click()
        link.click()
        address = re.compile(r"/ui/(\?.*)?$" if title == "Overview" else rf"/ui/{title.lower()}(\?.*)?$")
        expect(self.page).to_have_url(address)
        self.settle()

    def settle(self) -> None:
        """Wait until the page is drawn: its script has ended, and nothing stands in for what is still to come."""
        self.page.wait_for_timeout(_TO_SERVER_AND_BACK)
        expect(self.page.locator(SETTLED)).to_be_attached(timeout=_PATIENCE)
        expect(self.page.locator(_PLACEHOLDER)).to_have_count(0, timeout=_PATIENCE)

    def sign_in(self, name: str, password: str) -> None:
        """Sign in on the page for it, which is where whoever may not yet do anything is led."""
        self.page.goto(f"{self.address}/ui/sign-in")
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password", exact=True).fill(password)
        self.page.get_by_role("button", name="Sign in").click()

    def sign_out(self) -> None:
        """Leave, by the link for it."""
        self.page.get_by_role("link", name="Sign out").click()
        self.page.get_by_role("button", name="Sign out").click()
        self.page.get_by_role("heading", name="Sign in").wait_for()

    def leave(self) -> None:
        """Close the page, before the server is gone that it would go on asking."""
        self.page.goto("about:blank")

    # Using what is there

    def press(self, name: str | re.Pattern[str], within: Locator | None = None) -> None:
        """Press a button, and wait for what it does."""
        (within or self.page).get_by_role("button", name=name).first.click()
        self.settle()

    def write(self, label: str | re.Pattern[str], text: str) -> None:
        """Fill a field, and leave it."""
        field = self.page.get_by_role("textbox", name=label).first
        field.fill(text)
        field.blur()
        self.settle()

    def choose(self, label: str | re.Pattern[str], option: str | re.Pattern[str]) -> None:
        """Pick one entry of a list that opens."""
        self.page.get_by_role("combobox", name=label).first.click()
        self.page.get_by_role("option", name=option).first.click()
        self.settle()

    def switch(self, label: str) -> None:
        """Turn a switch."""
        self.page.get_by_role("switch", name=label).press("Space")
        self.settle()

    def hand_in(self, label: str | re.Pattern[str], file: Path) -> None:
        """Give a file to a field for files, and wait until it has arrived."""
        self.page.get_by_role("region", name=label).locator("input[type=file]").set_input_files(file)
        expect(self.page.get_by_text(file.name).first).to_be_visible()
        self.settle()

    def download(self, name: str | re.Pattern[str]) -> bytes:
        """Press a button that downloads a file; returns the file."""
        with self.page.expect_download() as started:
            self.page.get_by_role("button", name=name).first.click()
        return started.value.path().read_bytes()

    def choose_password(self, current: str, new: str) -> None:
        """Replace a one-time password, on the page where whoever signed in with one is led."""
        self.page.get_by_label("Password until now").fill(current)
        self.page.get_by_label("New password", exact=True).fill(new)
        self.page.get_by_label("New password again").fill(new)
        self.page.get_by_role("button", name="Save the password").click()

    def turn_tab(self, name: str) -> None:
        """Show another part of the page."""
        self.page.get_by_role("tab", name=name, exact=True).click()
        self.settle()

    # Looking

    def cells(self, text: str | re.Pattern[str]) -> Locator:
        """The cells of tables that say this. They are drawn on a canvas; what is read aloud of it is behind it."""
        return self.page.get_by_role("gridcell", name=text, include_hidden=True)

    def sees_in_table(self, text: str | re.Pattern[str]) -> None:
        """Fail unless a table on the page says this, now or soon."""
        expect(self.cells(text).first).to_be_attached(timeout=_PATIENCE)

    def sees(self, text: str | re.Pattern[str]) -> None:
        """Fail unless this is to be read on the page, now or soon."""
        expect(self.page.get_by_text(text).filter(visible=True).first).to_be_visible(timeout=_PATIENCE)

    def has_no_button(self, name: str | re.Pattern[str]) -> None:
        """Fail where the page that has settled has such a button."""
        self.settle()
        expect(self.main.get_by_role("button", name=name)).to_have_count(0)

    def sees_no(self, text: str | re.Pattern[str]) -> None:
        """Fail unless this is nowhere on the page that has settled."""
        self.settle()
        expect(self.page.get_by_text(text).filter(visible=True)).to_have_count(0)

    def sees_heading(self, title: str | re.Pattern[str]) -> None:
        """Fail unless the page has this heading, and wait until it is drawn."""
        expect(self.main.get_by_role("heading", name=title).first).to_be_visible(timeout=_PATIENCE)
        self.settle()
