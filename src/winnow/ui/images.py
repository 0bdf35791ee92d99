"""Images for the page, remembered for each viewer by themselves."""

from __future__ import annotations

import streamlit as st

from winnow.ui.session import client, credentials

DIGEST = "sha256:"
"""How inputs begin that are the name of an image."""


def image(service: str, digest: str) -> bytes:
    """An image that the history or the examples name."""
    return _image(credentials(), service, digest)


def library_image(service: str, name: str) -> bytes:
    """A small one of an image of the library."""
    return _library_image(credentials(), service, name)


@st.cache_data(ttl=600, max_size="32mb", show_spinner=False)
def _image(credentials: str, service: str, digest: str) -> bytes:  # noqa: ARG001  (part of the key)
    return client().image(service, digest)


@st.cache_data(ttl=60, max_size="32mb", show_spinner=False)
def _library_image(credentials: str, service: str, name: str) -> bytes:  # noqa: ARG001  (part of the key)
    return client().library_image(service, name, thumbnail=True)
