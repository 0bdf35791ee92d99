"""Snapshots on the page Data: who added what when, the files as they were sent, and the dataset to take away."""

from __future__ import annotations

import io
from functools import partial
from typing import Literal

import streamlit as st

from winnow.client import Client, answers
from winnow.domain import Role
from winnow.ui.data_view import snapshot_rows, source_words
from winnow.ui.session import client, read
from winnow.ui.widgets import Pager, allowed, empty, table
from winnow.ui.words import moment, number

_PAGE = 50


def draw(service: answers.Service) -> None:
    """Draw the snapshots, and what can be downloaded at one of them."""
    pager = Pager("snapshots", service.name)
    snapshots = read(Client.snapshots, service.name, _PAGE, before=pager.before)
    if not snapshots:
        empty("There is no snapshot yet.", "Whatever is added makes one. Add a file or an example under “Add”.")
        return
    st.caption("A snapshot is the dataset up to one act of adding. Each run says which one it learned from.")
    table(snapshot_rows(snapshots), f"Snapshots of {service.name}, newest first")
    pager.draw(snapshots[-1].number if len(snapshots) == _PAGE else None)
    at = {snapshot.number: snapshot for snapshot in snapshots}
    chosen = st.selectbox(
        "Snapshot",
        list(at),
        format_func=lambda n: f"{n} · {source_words(at[n].source)} · {moment(at[n].created_at)}",
    )
    with st.container(horizontal=True):
        _draw_exports(service.name, chosen)
    snapshot = at[chosen]
    if not snapshot.upload:
        st.caption("No file of this snapshot is kept: it was added by hand, or its file was erased.")
    elif allowed(Role.ADMIN, "Downloading the file as it was sent"):
        st.download_button(
            f"The file as it was sent ({number(snapshot.rows)} examples were added)",
            data=partial(_upload, client(), service.name, snapshot.number),
            file_name=snapshot.source.removeprefix("upload:"),
            icon=":material/description:",
            on_click="ignore",
        )


def _draw_exports(service: str, snapshot: int) -> None:
    formats: tuple[Literal["csv", "jsonl"], ...] = ("csv", "jsonl")
    for form in formats:
        st.download_button(
            f"The dataset as {form.upper()}",
            data=partial(_export, client(), service, snapshot, form),
            file_name=f"{service}-{snapshot}.{form}",
            icon=":material/download:",
            on_click="ignore",
        )


def _export(asking: Client, service: str, snapshot: int, form: Literal["csv", "jsonl"]) -> bytes:
    """The dataset, fetched when it is wanted: outside the script, where nobody knows who looks."""
    written = io.BytesIO()
    asking.export(service, written, snapshot=snapshot, format=form)
    return written.getvalue()


def _upload(asking: Client, service: str, snapshot: int) -> bytes:
    """The file as it was sent, fetched when it is wanted."""
    written = io.BytesIO()
    asking.download_upload(service, snapshot, written)
    return written.getvalue()
