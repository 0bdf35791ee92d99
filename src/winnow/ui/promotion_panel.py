"""Promoting a version on the page Models; one that misses its gates asks for a second, deliberate press."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from winnow.client import answers
from winnow.errors import GateRefused
from winnow.ui.changes import changed
from winnow.ui.model_view import failure_sentences, named
from winnow.ui.session import client
from winnow.ui.words import plain

_REFUSED = "models-refused"


def draw_promotion(service: str, versions: Sequence[answers.Version]) -> None:
    """Draw the choice of a version and the button that promotes it."""
    others = [version for version in versions if not version.champion]
    if not others:
        st.caption("The only version there is answers users already.")
        return
    chosen = st.selectbox("Version to promote", others, format_func=named)
    if st.button(f"Promote version {chosen.number}", type="primary", icon=":material/upgrade:"):
        _promote(service, chosen.number)
    refused: tuple[str, int, list[str]] | None = st.session_state.get(_REFUSED)
    if refused is not None and refused[:2] == (service, chosen.number):
        _draw_refusal(*refused)


def _promote(service: str, version: int, *, force: bool = False) -> None:
    try:
        promotion = client().promote(service, version, force=force)
    except GateRefused as error:
        st.session_state[_REFUSED] = service, version, failure_sentences(error.failures)
    else:
        st.session_state.pop(_REFUSED, None)
        changed(f"Version {promotion.version} of {service} is the champion now.")


def _draw_refusal(service: str, version: int, failures: Sequence[str]) -> None:
    st.error(f"Version {version} was not promoted, because it misses its gates:", icon=":material/block:")
    st.markdown("\n".join(f"- ✗ {plain(failure)}" for failure in failures))
    st.caption("The reasons in the history will say that it was forced by a person.")
    if st.button(f"Promote version {version} all the same", icon=":material/warning:"):
        _promote(service, version, force=True)
