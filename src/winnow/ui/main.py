"""The page's frame: which pages there are for whoever looks, and who that is."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from types import MappingProxyType

import streamlit as st

from winnow.client.account_answers import Identity
from winnow.domain import Role
from winnow.ui.session import identity
from winnow.ui.sign_in import SIGN_IN, SIGN_OUT
from winnow.ui.widgets import errors, page_path

PAGES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "overview": ("Overview", ":material/dashboard:"),
        "predict": ("Predict", ":material/chat:"),
        "history": ("History", ":material/history:"),
        "data": ("Data", ":material/database:"),
        "models": ("Models", ":material/model_training:"),
        "reports": ("Reports", ":material/monitoring:"),
        "operations": ("Operations", ":material/notifications:"),
        "accounts": ("Accounts", ":material/group:"),
    }
)
"""File and address of each page: its title and its sign."""

_ICON = Path(__file__).with_name("icon.svg")
_LOGO = Path(__file__).with_name("logo.svg")
_STYLE = """
<style>
[data-testid="stMainBlockContainer"] {padding: 2.5rem 2.5rem 4rem; max-width: 76rem}
h1 {font-size: 1.9rem !important; padding-bottom: 0 !important}
h3 {font-size: 1.25rem !important}
[data-testid="stMetricValue"] {font-size: 1.4rem}
[data-testid="stCaptionContainer"], [data-testid="stCaptionContainer"] p {color: inherit; opacity: .82}
.winnow-link {color: var(--st-link-color, inherit)}
@media (max-width: 640px) {[data-testid="stMainBlockContainer"] {padding: 3.5rem 1rem 3rem}}
</style>
"""


def main() -> None:
    """Draw the frame, and the page that was asked for in it."""
    st.set_page_config(page_title="Winnow", page_icon=str(_ICON), layout="wide")
    st.logo(str(_LOGO), size="large")
    st.html(_STYLE)
    with errors():
        who = identity()
        page = st.navigation(_pages(who))
        with errors():
            page.run()
        with st.sidebar:
            _draw_identity(who)


def _pages(who: Identity) -> list[st.Page]:
    shown = [name for name in PAGES if name != "accounts" or who.kind == "account" or who.role is Role.ADMIN]
    return [
        st.Page(
            page_path(name),
            title=PAGES[name][0],
            icon=PAGES[name][1],
            url_path=name,
            default=name == "overview",
        )
        for name in shown
    ]


def _draw_identity(who: Identity) -> None:
    """Say who looks and what they may do, with the way in or out."""
    if who.kind == "anonymous":
        st.caption(f"Not signed in · you are {_article(who.role)}")
        st.html(f'<a class="winnow-link" href="{SIGN_IN}" target="_self">Sign in</a>')
    else:
        st.caption(f"Signed in as **{escape(who.name)}** · {who.role or 'no role'}")
        st.html(f'<a class="winnow-link" href="{SIGN_OUT}" target="_self">Sign out</a>')


def _article(role: Role | None) -> str:
    return "nobody" if role is None else f"{'a' if role is Role.VIEWER else 'an'} {role}"
