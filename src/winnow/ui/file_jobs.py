"""Whole files: handed in as jobs, followed while they are worked on, and fetched when they are done.

A job does not need the page: who leaves and comes back finds it in the list.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from shutil import copyfileobj
from typing import BinaryIO, cast

import streamlit as st

from winnow.client import Client
from winnow.client.answers import Job, Service
from winnow.domain import JobKind, Role, Status
from winnow.errors import NotFound
from winnow.ui.session import client, forget
from winnow.ui.widgets import allowed, errors, status_badge
from winnow.ui.words import ago, counted, number, percent, plain

_SHOWN = 5
_SECONDS = 1.0


def draw_files(service: Service, version: int | None) -> None:
    """Draw the form with which to hand a file in, and the files that were."""
    if allowed(Role.EDITOR, "Handing in a file"):
        given = st.file_uploader(
            "A file of which every row is answered",
            type=["csv", "jsonl", "zip"],
            help="CSV or JSON Lines with the columns of this service, or a ZIP of images.",
        )
        if (
            st.button("Answer every row", disabled=given is None, icon=":material/play_arrow:")
            and given is not None
        ):
            with errors(), st.spinner("Handing it in…"):
                job = _submit(service, given.name, cast("BinaryIO", given), version)
                st.query_params["ticket"] = job.id
                forget()
    ticket = st.query_params.get("ticket")
    going_on = any(not job.status.final for job in _find(service.name, ticket))
    st.fragment(_draw_jobs, run_every=_SECONDS if going_on else None)(service.name, ticket, going_on)


def _draw_jobs(service: str, ticket: str | None, were_going_on: bool) -> None:
    """Draw the newest files. While one is worked on, this part alone is drawn again each second."""
    with errors():
        jobs = _find(service, ticket)
        if were_going_on and all(job.status.final for job in jobs):
            st.rerun()  # nothing moves any more: stop looking
        if jobs:
            st.markdown("**Files handed in lately**")
        for job in jobs:
            _draw_job(job)


def _find(service: str, ticket: str | None) -> list[Job]:
    """The newest files, after the one whose ticket stands in the address, where it is none of them."""
    jobs = client().jobs(_SHOWN, service=service, kind=JobKind.FILE)
    if ticket is None or any(job.id == ticket for job in jobs):
        return jobs
    try:
        return [client().job(ticket), *jobs]
    except NotFound:
        return jobs


def _draw_job(job: Job) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            status_badge(job.status.value)
            st.caption(f"handed in {ago(job.created_at)} · ticket {job.id[:8]}", width="content")
        done = (job.progress or {}).get("done")
        if not job.status.final:
            st.progress(min(1.0, float(done or 0.0)), text=_progress_words(job))
            st.button("Cancel", key=f"cancel-{job.id}", on_click=_cancel, args=(job.id,), type="tertiary")
        elif job.status is Status.FINISHED:
            st.download_button(
                "Download the answers",
                fetch_answers(client(), job.id),
                file_name=f"answers-{job.id[:8]}.csv",
                key=f"download-{job.id}",
                icon=":material/download:",
                on_click="ignore",
            )
        elif job.error:
            st.error(plain(str(job.error.get("detail", "Nobody knows why."))))


def _progress_words(job: Job) -> str:
    if job.status is Status.QUEUED:
        before = "" if job.position is None else f": {counted(job.position, 'job')} before it"
        return f"Waiting for its turn{before}."
    progress = job.progress or {}
    rows = progress.get("rows")
    return f"{percent(progress.get('done', 0.0))} done{'' if rows is None else f', {number(rows)} rows'}"


def _submit(service: Service, name: str, stream: BinaryIO, version: int | None) -> Job:
    with tempfile.TemporaryDirectory(prefix="winnow-page-") as folder:
        path = Path(folder) / Path(name).name
        with path.open("wb") as file:
            copyfileobj(stream, file)
        return client().submit_file(service.name, path, version=version)


def fetch_answers(asking: Client, ticket: str) -> Callable[[], bytes]:
    """What gets the answers when they are wanted, not each time that the page is drawn."""

    def fetch() -> bytes:
        with tempfile.TemporaryDirectory(prefix="winnow-page-") as folder:
            return asking.download(ticket, Path(folder) / "answers").read_bytes()

    return fetch


def _cancel(ticket: str) -> None:
    with errors():
        client().cancel_job(ticket)
    forget()
