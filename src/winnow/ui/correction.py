"""Saying what the right answer would have been: one press, on every page that shows an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from winnow.client.answers import Service
from winnow.domain import Role, Target
from winnow.ui.session import client, forget, may
from winnow.ui.widgets import errors
from winnow.ui.words import answer_target, target_words

_FEW = 8
"""So many labels are shown side by side; more of them are picked from a list."""


def draw_correction(service: Service, prediction_id: str, answer: Mapping[str, Any], said: Target | None) -> None:
    """Draw what a person said of an answer, and the labels with which to say it.

    `said` is the feedback that there is. Draws nothing to press for who may not give feedback.
    """
    if said is not None:
        right = said == answer_target(answer)
        sign, words = ("✓", "confirmed") if right else ("✎", f"corrected to {target_words(said)}")
        st.badge(f"{sign} {words}", color="green" if right else "orange")
    if not may(Role.EDITOR):
        return
    labels = list(service.labels or answer["scores"])
    if service.several:
        _draw_set(prediction_id, labels, said if isinstance(said, list) else answer.get("labels"))
    elif len(labels) <= _FEW:
        _draw_buttons(prediction_id, labels, answer_target(answer))
    else:
        _draw_list(prediction_id, labels)


def _draw_buttons(prediction_id: str, labels: Sequence[str], answered: Target) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "That's right",
            key=f"right-{prediction_id}",
            icon=":material/check:",
            on_click=_save,
            args=(prediction_id, answered),
            type="tertiary",
        )
        for label in labels:
            if label != answered:
                st.button(
                    f"That's wrong: it is {label}",
                    key=f"wrong-{prediction_id}-{label}",
                    icon=":material/edit:",
                    on_click=_save,
                    args=(prediction_id, label),
                    type="tertiary",
                )


def _draw_list(prediction_id: str, labels: Sequence[str]) -> None:
    key = f"label-{prediction_id}"

    def save() -> None:
        if st.session_state[key] is not None:
            _save(prediction_id, st.session_state[key])

    st.selectbox("The right answer", labels, index=None, key=key, on_change=save, placeholder="Choose a label")


def _draw_set(prediction_id: str, labels: Sequence[str], chosen: Sequence[str] | None) -> None:
    with st.popover("Correct it", icon=":material/edit:"):
        right = st.multiselect(
            "All labels that apply", labels, default=list(chosen or ()), key=f"labels-{prediction_id}"
        )
        st.button("Save", key=f"save-{prediction_id}", on_click=_save, args=(prediction_id, list(right)))


def _save(prediction_id: str, target: Target) -> None:
    with errors():
        client().feedback(prediction_id, target)
        st.session_state.setdefault("winnow-said", {})[prediction_id] = target
        st.toast(f"Noted: {target_words(target)}. The next training learns from it.", icon=":material/check:")
    forget()


def said_of(prediction_id: str) -> Target | None:
    """What was said of a prediction in this visit; None where nothing was."""
    said: Target | None = st.session_state.get("winnow-said", {}).get(prediction_id)
    return said
