"""The whole story, by hand: from the password that `winnow up` printed to a champion rolled back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.browser.conftest import Meet
from tests.browser.lives import PROJECT, split
from tests.browser.serving import Served
from tests.browser.visitor import Visitor
from tests.projects import SAMPLES

pytestmark = pytest.mark.slow

OWN = "a-password-of-my-own"


def test_from_the_first_sign_in_to_a_rollback(meet: Meet, tmp_path: Path) -> None:
    project = tmp_path / "shop"
    project.mkdir()
    (project / "winnow.toml").write_text(PROJECT, encoding="utf-8")
    first, second = split(SAMPLES[0], tmp_path, 2)
    with Served(project, monitor_seconds=1) as served:
        me = meet(served.url)
        me.sign_in("admin", served.one_time_password)
        me.choose_password(served.one_time_password, OWN)
        me.sees_heading("shop")
        me.sees("No version answers yet.")

        add_file(me, first)
        train(me)
        add_file(me, second)
        train(me)
        promote_another(me)

        ask_and_correct(me, "A waste of money, sadly.")
        me.turn_to("History")
        me.sees("A waste of money, sadly.")

        me.turn_to("Models")
        me.turn_tab("Promote or roll back")
        me.press(re.compile(r"^Roll back to version \d+$"))
        me.sees(re.compile("is the champion again"))

        me.sign_out()
        me.page.goto(f"{served.url}/ui/models")
        me.page.get_by_role("heading", name="Sign in").wait_for()
        me.leave()


def add_file(me: Visitor, file: Path) -> None:
    """See what would become of the rows, then add them."""
    me.turn_to("Data")
    me.turn_tab("Add")
    me.hand_in("File", file)
    me.press(re.compile(r"^Add \d+ examples$"))
    me.sees(re.compile(f"of {file.name} were added"))


def train(me: Visitor) -> None:
    """Train, and wait until every candidate has learned."""
    me.turn_to("Models")
    me.press("Train now")
    me.sees(re.compile("has begun"))
    me.sees(re.compile("The last run finished"))


def promote_another(me: Visitor) -> None:
    """Let a version answer that does not yet."""
    me.turn_tab("Promote or roll back")
    me.press(re.compile(r"^Promote version \d+$"))
    me.sees(re.compile("is the champion now"))


def ask_and_correct(me: Visitor, text: str) -> None:
    """Ask, and say that the answer was wrong."""
    me.turn_to("Predict")
    me.write("Your text", text)
    me.press("Predict")
    me.sees(re.compile(" sure$"))
    me.press(re.compile("That's wrong: it is"))
    me.sees(re.compile("^.*corrected to"))
