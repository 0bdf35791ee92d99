"""What a page does once something was changed: it says so, and draws itself anew from fresh answers."""

from __future__ import annotations

from typing import NoReturn

import streamlit as st

from winnow.ui.session import forget
from winnow.ui.words import plain

_NOTICE = "winnow-notice"


def changed(what: str) -> NoReturn:
    """Draw the page anew, with what was changed said at its top. `what` is a sentence, not Markdown."""
    st.session_state[_NOTICE] = what
    forget()
    st.rerun()
    raise AssertionError


def notice() -> None:
    """Say what was changed just now, once. Draw it under the heading."""
    what = st.session_state.pop(_NOTICE, None)
    if what is not None:
        st.success(plain(what), icon=":material/check_circle:")
