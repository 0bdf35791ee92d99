"""An input on the page: a text as it stands, an image as a small picture."""

from __future__ import annotations

import streamlit as st

from winnow.domain import Target
from winnow.errors import WinnowError
from winnow.ui.images import DIGEST, image
from winnow.ui.session import client
from winnow.ui.words import excerpt

_WIDTH = 96


def is_image(value: str) -> bool:
    """Whether an input, as the examples or the history name it, is an image."""
    return value.startswith(DIGEST)


def short_name(value: str, length: int = 60) -> str:
    """An input in a few words."""
    return f"image {value.removeprefix(DIGEST)[:8]}" if is_image(value) else excerpt(value, length)


def draw_input(service: str, value: str) -> None:
    """Draw an input: a text with its line ends, or a small picture."""
    if not is_image(value):
        st.text(value)
        return
    try:
        st.image(image(service, value), width=_WIDTH, alt=short_name(value))
    except WinnowError:  # it was erased meanwhile
        st.caption("The image is not kept any more.")


def add_target(service: str, value: str, target: Target) -> None:
    """Add an example that says of an input that is there already what is right for it."""
    client().add_example(service, image(service, value) if is_image(value) else value, target)
