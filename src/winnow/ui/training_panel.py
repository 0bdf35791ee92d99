"""Training on the page Models: starting a run, following it candidate by candidate, cancelling it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import streamlit as st

from winnow.client import Client, answers
from winnow.domain import Role, Status
from winnow.ui.changes import changed
from winnow.ui.session import client, forget, may, read
from winnow.ui.widgets import allowed, errors
from winnow.ui.words import counted, moment, plain

_PROMOTE: Mapping[str, Literal["automatic", "manual"] | None] = {
    "as winnow.toml says": None,
    "the best one that meets its gates": "automatic",
    "nobody: I will choose": "manual",
}


def draw(service: answers.Service) -> None:
    """Draw the run that is under way, or else how the last one ended and the button that starts another."""
    runs = read(Client.runs, service.name, 1)
    last = runs[0] if runs else None
    with st.container(border=True):
        if last is not None and not last.status.final:
            _follow(service.name, last.id)
            return
        _ended(last)
        if allowed(Role.ADMIN, "Training"):
            _start(service)


def _start(service: answers.Service) -> None:
    if not service.examples:
        st.caption("There is nothing to learn from yet: add examples on the page Data first.")
        return
    st.caption(f"{counted(service.examples, 'example')} to learn from, by {', '.join(service.candidates)}.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        promote = st.selectbox("Who is promoted", list(_PROMOTE), width=320)
        pressed = st.button("Train now", type="primary", icon=":material/model_training:")
    if pressed:
        with errors():
            client().train(service.name, promote=_PROMOTE[promote])
            changed(f"The training of {service.name} has begun.")


def _ended(run: answers.Run | None) -> None:
    match run:
        case None:
            st.caption("It was never trained.")
        case answers.Run(status=Status.FAILED):
            st.error(
                plain(f"The last run failed ({moment(run.finished_at)}): {run.error}"), icon=":material/error:"
            )
        case answers.Run(status=Status.CANCELLED):
            st.caption(f"The last run was cancelled, {moment(run.finished_at)}.")
        case _:
            st.caption(f"The last run finished, {moment(run.finished_at)}. The page Reports says what it found.")


@st.fragment(run_every=1.0)
def _follow(service: str, run_id: str) -> None:
    with errors():
        run = client().run(service, run_id)
        if run.status.final:
            forget()
            st.rerun(scope="app")
        _draw_progress(run.progress or {})
        if may(Role.ADMIN) and st.button("Cancel the training", icon=":material/cancel:"):
            client().cancel(run)
            changed("The training was cancelled. Nothing of it is kept.")


def _draw_progress(progress: Mapping[str, Any]) -> None:
    stage = progress.get("stage") or "waiting for its turn"
    who = f"{progress['candidate']}: " if progress.get("candidate") else ""
    st.progress(float(progress.get("done", 0.0)), text=f"Training: {who}{stage}")
    for candidate, done in progress.get("candidates", {}).items():
        st.progress(float(done), text=candidate)
