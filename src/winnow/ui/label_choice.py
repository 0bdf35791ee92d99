"""Choosing the right label of an input, or all that apply."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from winnow.client import Client, answers
from winnow.domain import Target
from winnow.ui.session import read


def known_labels(service: answers.Service) -> Sequence[str]:
    """The labels of winnow.toml; where it names none, those of the examples."""
    if service.labels is not None:
        return service.labels
    return sorted({count.label for count in read(Client.example_counts, service.name).counts})


def choose_target(service: answers.Service, title: str, *, key: str) -> Target | None:
    """Draw the choice of a target; None while nothing is chosen. New labels may be written where any may be."""
    labels, free = list(known_labels(service)), service.labels is None
    if service.several:
        return st.multiselect(title, labels, key=key, accept_new_options=free)
    return st.selectbox(title, labels, index=None, key=key, accept_new_options=free, placeholder="Choose a label")
