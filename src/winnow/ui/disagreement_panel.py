"""Disagreements on the page Data: inputs that examples say different things of, and one press that settles it."""

from __future__ import annotations

import streamlit as st

from winnow.client import Client, answers, data_answers
from winnow.domain import Target
from winnow.ui.changes import changed
from winnow.ui.data_view import choices, opinion_rows
from winnow.ui.input_view import add_target, draw_input, short_name
from winnow.ui.session import read
from winnow.ui.widgets import empty, table
from winnow.ui.words import counted, plain, target_words

_SHOWN = 20


def draw(service: answers.Service) -> None:
    """Draw the inputs whose right label is disputed, the newest first, each with its labels to choose from."""
    found = read(Client.disagreements, service.name, _SHOWN)
    if not found.count:
        empty("Nobody disagrees.", "Where examples say different things of the same input, you choose here.")
        return
    st.markdown(
        f"Examples disagree on {counted(found.count, 'input')}. The newest label counts, until somebody chooses."
    )
    if found.count > len(found.disagreements):
        st.caption(f"The newest {len(found.disagreements)} are shown; the next come as these are settled.")
    for place, entry in enumerate(found.disagreements):
        _draw_disagreement(service.name, entry, place)


def _draw_disagreement(service: str, entry: data_answers.Disagreement, place: int) -> None:
    with st.container(border=True):
        draw_input(service, entry.input)
        table(opinion_rows(entry), f"What examples say of “{short_name(entry.input)}”")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown("**What is right?**", width="content")
            for at, target in enumerate(choices(entry)):
                if st.button(
                    plain(target_words(target)), key=f"disagreement-{place}-{at}", icon=":material/check:"
                ):
                    _settle(service, entry.input, target)


def _settle(service: str, value: str, target: Target) -> None:
    add_target(service, value, target)
    changed(f"Settled: “{target_words(target)}” counts for “{short_name(value)}” from now on.")
