"""Erasing a person's text on the page Data: first what would go, then, when confirmed, all of it."""

from __future__ import annotations

import streamlit as st

from winnow.client import answers
from winnow.domain import Role
from winnow.ui.changes import changed
from winnow.ui.data_view import erasure_sentence, found_anything
from winnow.ui.session import client
from winnow.ui.widgets import allowed

_FOUND = "data-erasure"


def draw(service: answers.Service) -> None:
    """Draw the search for a text, and the button that erases it."""
    st.caption(
        "Removes a text from examples, predictions, jobs, kept files and the files of models. What a model has "
        "learned from it stays until the next training, and backups are yours to clean."
    )
    if not allowed(Role.ADMIN, "Erasing"):
        return
    text = st.text_area("Text to erase", key="erase-text", height=100)
    contains = st.checkbox("Whatever contains it, in capitals or not", help="Three characters or more.")
    everywhere = st.checkbox("In all services", value=True)
    asked = (text, contains, None if everywhere else service.name)
    if st.button("Look where it is", icon=":material/search:") and text:
        with st.spinner("Looking …"):
            erasure = client().erase(text, service=asked[2], contains=contains, dry_run=True)
        st.session_state[_FOUND] = asked, erasure
    known, erasure = st.session_state.get(_FOUND, (None, None))
    if known != asked or erasure is None:
        return
    if not found_anything(erasure):
        st.info("It is nowhere.", icon=":material/info:")
        return
    st.warning(erasure_sentence(erasure), icon=":material/warning:")
    sure = st.checkbox("Erase all of it. It cannot be brought back.", key="erase-sure")
    if st.button("Erase", type="primary", disabled=not sure, icon=":material/delete_forever:"):
        with st.spinner("Erasing …"):
            erased = client().erase(text, service=asked[2], contains=contains)
        st.session_state.pop(_FOUND)
        changed(erasure_sentence(erased))
