"""What all pages are put together from: headings, empty states, errors as sentences, figures, pages of rows."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import streamlit as st

from winnow.domain import Role
from winnow.errors import FileRefused, Forbidden, GateRefused, Overloaded, Unauthenticated, WinnowError
from winnow.ui.session import may
from winnow.ui.words import needs


def heading(title: str, about: str | None = None) -> None:
    """Draw a page's heading, and under it what the page is about in a sentence."""
    st.title(title, anchor=False)
    if about:
        st.caption(about)


def empty_project() -> None:
    """Say that there is nothing to show, for want of a service."""
    empty("This project has no services.", "Describe one in `winnow.toml`, then start Winnow again.")


def empty(what: str, next_step: str) -> None:
    """Draw an empty state: what is not there yet, and what to do next (Markdown). Both are sentences."""
    with st.container(border=True):
        st.markdown(f"**{what}**")
        st.markdown(next_step)


@contextmanager
def errors() -> Iterator[None]:
    """Show an error of Winnow's tree as a sentence where the block raises it; the page goes on after the block.

    with errors():
        client().promote(service, 3)
    """
    try:
        yield
    except Unauthenticated as error:
        st.error(f"{sentence(error)}", icon=":material/lock:")
        sign_in_link()
    except GateRefused as error:
        st.error(sentence(error), icon=":material/block:")
        for failure in error.failures:
            st.markdown(f"- {failure['reason']}")
    except FileRefused as error:
        st.error(sentence(error), icon=":material/error:")
        for refusal in (error.report or {}).get("refusals", ())[:20]:
            st.markdown(f"- line {refusal['line']}: {refusal['reason']}")
    except Overloaded as error:
        st.warning(f"{sentence(error)} Nothing was done; try again.", icon=":material/hourglass:")
    except Forbidden as error:
        st.warning(sentence(error), icon=":material/lock:")
    except WinnowError as error:
        st.error(sentence(error), icon=":material/error:")


def sentence(error: WinnowError) -> str:
    """Word an error for people: a capital at the beginning and a full stop at the end."""
    words = str(error).strip() or error.kind()
    words = words[0].upper() + words[1:]
    return words if words.endswith((".", "!", "?")) else f"{words}."


def sign_in_link(label: str = "Sign in") -> None:
    """Draw a link to the page where one signs in. It stays in this tab."""
    st.html(f'<a href="/ui/sign-in" target="_self">{html.escape(label)}</a>')


def page_path(name: str) -> Path:
    """The file of a page: `page_path("history")`."""
    return Path(__file__).parent / "pages" / f"{name}.py"


def page_link(name: str, label: str, *, icon: str | None = None, service: str | None = None) -> None:
    """Draw a link to another page, which opens with this service picked."""
    query = None if service is None else {"service": service}
    st.page_link(page_path(name), label=label, icon=icon, query_params=query)


def allowed(role: Role, what: str) -> bool:
    """Whether who looks may do what `role` may; where not, it is said.

    if allowed(Role.ADMIN, "Promoting"):
        draw_button()
    """
    if may(role):
        return True
    st.caption(f":material/lock: {needs(role, what)}")
    return False


def figures(entries: Mapping[str, str], *, help_texts: Mapping[str, str] | None = None) -> None:
    """Draw a few figures in a row, each under its name; they wrap on a narrow screen."""
    with st.container(horizontal=True, gap="medium"):
        for name, value in entries.items():
            st.metric(name, value, help=(help_texts or {}).get(name), width="content")


def table(rows: Sequence[Mapping[str, Any]], caption: str, *, key: str | None = None) -> None:
    """Draw rows as a table that scrolls inside itself. `caption` is its name for screen readers."""
    st.dataframe(list(rows), hide_index=True, width="stretch", alt=caption, key=key)


def status_badge(word: str) -> None:
    """Draw a state with its colour and its sign; the word alone says it too."""
    colour, icon = _BADGES.get(word, ("gray", ":material/circle:"))
    st.badge(word, color=colour, icon=icon)  # type: ignore[arg-type]  # one of its colours


_BADGES: Mapping[str, tuple[str, str]] = {
    "ready": ("green", ":material/check_circle:"),
    "finished": ("green", ":material/check_circle:"),
    "resolved": ("green", ":material/check_circle:"),
    "untrained": ("gray", ":material/hourglass_empty:"),
    "queued": ("gray", ":material/schedule:"),
    "pending": ("orange", ":material/schedule:"),
    "started": ("blue", ":material/progress_activity:"),
    "degraded": ("orange", ":material/warning:"),
    "failed": ("red", ":material/error:"),
    "open": ("red", ":material/notifications:"),
    "cancelled": ("gray", ":material/cancel:"),
}


class Pager:
    """Pages of rows, newest first, through `before`: the last id of the page before.

    pager = Pager("history", (service, label))
    entries = read(Client.history, service, 50, before=pager.before)
    pager.draw(entries[-1].id if len(entries) == 50 else None)

    `filters` is all that the rows depend on: where it changes, the first page is shown again.
    """

    def __init__(self, name: str, filters: object) -> None:
        self._name = name
        state = st.session_state.setdefault(f"pager-{name}", {"filters": filters, "befores": []})
        if state["filters"] != filters:
            state.update(filters=filters, befores=[])
        self._befores: list[Any] = state["befores"]

    @property
    def before(self) -> Any:
        """After which id the page on show begins; None for the first."""
        return self._befores[-1] if self._befores else None

    def draw(self, last: Any) -> None:
        """Draw the buttons. `last` is the last id on show where older rows may follow, else None."""
        if not self._befores and last is None:
            return
        with st.container(horizontal=True, vertical_alignment="center"):
            newer = st.button(
                "Newer", key=f"{self._name}-newer", icon=":material/arrow_back:", disabled=not self._befores
            )
            st.caption(f"Page {len(self._befores) + 1}", width="content")
            older = st.button(
                "Older", key=f"{self._name}-older", icon=":material/arrow_forward:", disabled=last is None
            )
        if newer:
            self._befores.pop()
            st.rerun()
        if older:
            self._befores.append(last)
            st.rerun()
