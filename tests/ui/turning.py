"""Opening one part of a page in tests, and reading its tables."""

from __future__ import annotations

from typing import Any

from streamlit.testing.v1 import AppTest

from tests.projects import Server
from tests.ui.conftest import Look


def open_tab(look: Look, page: str, tab: str, *, server: Server, service: str = "sentiment") -> AppTest:
    """Draw a page about a service, turned to this tab."""
    test = look(page, server=server, service=service)
    return turn(test, page, tab)


def turn(test: AppTest, page: str, tab: str) -> AppTest:
    """Turn to another tab, as one press does."""
    test.session_state[f"{page}-tab"] = tab
    return test.run()


def press(test: AppTest, label: str) -> AppTest:
    """Press the button with this label."""
    button(test, label).click()
    return test.run()


def button(test: AppTest, label: str) -> Any:
    """The button with this label; fails with those that there are."""
    found = {known.label: known for known in test.button}
    assert label in found, f"no button {label!r} in {sorted(found)}"
    return found[label]


def buttons(test: AppTest) -> list[str]:
    """The labels of all buttons, in order."""
    return [known.label for known in test.button]


def field(kind: Any, label: str) -> Any:
    """The widget of a kind, such as `test.selectbox`, with this label."""
    found = {known.label: known for known in kind}
    assert label in found, f"nothing named {label!r} in {sorted(found)}"
    return found[label]


def tables(test: AppTest) -> list[list[dict[str, Any]]]:
    """The rows of all tables, in order; what stands where there is no value is None."""
    return [
        [{str(name): _value(value) for name, value in row.items()} for row in frame.value.to_dict("records")]
        for frame in test.dataframe
    ]


def said(test: AppTest) -> str:
    """All that a page says beside its tables, in one text, without the marks that keep Markdown from acting."""
    kinds = (
        test.title, test.subheader, test.markdown, test.caption, test.text, test.code,
        test.error, test.warning, test.info, test.success,
    )  # fmt: skip
    assert not test.exception, test.exception[0].value
    return "\n".join(str(element.value).replace("\\", "") for kind in kinds for element in kind)


def _value(value: Any) -> Any:
    return None if value != value else value  # noqa: PLR0124  # not a number is not itself
