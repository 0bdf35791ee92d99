"""History: what was asked lately and what was answered, with filters, corrections in place, and a file to keep."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta

import streamlit as st

from winnow.client import Client, HistoryFilters
from winnow.client.answers import HistoryEntry, Service
from winnow.domain import Role
from winnow.errors import WinnowError
from winnow.ui.correction import draw_correction
from winnow.ui.images import DIGEST, image
from winnow.ui.session import choose_service, client, read
from winnow.ui.widgets import Pager, allowed, empty, empty_project, errors, heading, table
from winnow.ui.words import (
    answer_target,
    answer_words,
    excerpt,
    milliseconds,
    moment,
    percent,
    plain,
    sureness,
    target_words,
)

_SIZES = (20, 50, 100)


def draw() -> None:
    """Draw the page."""
    with errors():
        service = choose_service()
        heading("History", "What was asked and answered, newest first. Corrections teach the next version.")
        if service is None:
            empty_project()
            return
        filters, size = _draw_filters(service)
        pager = Pager("history", (service.name, size, sorted(filters.items(), key=str)))
        entries = read(Client.history, service.name, size, before=pager.before, **filters)
        if not entries:
            _draw_nothing(filtered=bool(filters) or pager.before is not None)
        else:
            _draw_entries(service, entries)
        pager.draw(entries[-1].id if len(entries) == size else None)
        if entries:
            _draw_export(service, filters)


def _draw_filters(service: Service) -> tuple[HistoryFilters, int]:
    """Draw what may be filtered by; the filters that were chosen, and how many entries a page has."""
    filters: HistoryFilters = {}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input("Text contains", key=f"history-text-{service.name}", width=190)
        label = st.selectbox("Answer", _labels(service), index=None, placeholder="Any", width=150)
        version = st.selectbox("Version", _versions(service), index=None, placeholder="Any", width=100)
        since = st.date_input("From (UTC)", value=None, width=135)
        until = st.date_input("To (UTC)", value=None, width=135)
        size = st.selectbox("At once", _SIZES, width=80)
    if text:
        filters["text"] = text
    if label is not None:
        filters["label"] = label
    if version is not None:
        filters["version"] = version
    if isinstance(since, date):
        filters["since"] = _midnight(since)
    if isinstance(until, date):
        filters["until"] = _midnight(until + timedelta(days=1))
    return filters, size


def _labels(service: Service) -> list[str]:
    """The labels of winnow.toml; where the examples decide, those that the newest answers know."""
    if service.labels is not None:
        return list(service.labels)
    newest = read(Client.history, service.name, 1)
    return sorted(newest[0].answer["scores"]) if newest else []


def _versions(service: Service) -> list[int]:
    newest = read(Client.versions, service.name, 1).versions
    return list(range(newest[0].number, 0, -1)) if newest else []


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _draw_nothing(*, filtered: bool) -> None:
    if filtered:
        empty("No prediction passes these filters.", "Take one of them back, or choose a longer stretch of time.")
    else:
        empty("Nothing was asked yet.", "Ask something on the page **Predict**; it appears here at once.")


def _draw_entries(service: Service, entries: Sequence[HistoryEntry]) -> None:
    shape = st.segmented_control(
        "Show as",
        ["List", "Table"],
        default="List",
        required=True,
        label_visibility="collapsed",
        key="history-shape",
    )
    allowed(Role.EDITOR, "Correcting answers")
    if shape == "Table":
        table([entry_row(entry) for entry in entries], "Predictions, newest first")
        return
    for entry in entries:
        _draw_entry(service, entry)


def _draw_entry(service: Service, entry: HistoryEntry) -> None:
    with st.container(border=True, gap="xsmall"):
        if entry.input.startswith(DIGEST):
            _draw_image(entry)
        else:
            st.markdown(plain(excerpt(entry.input, 600)))
        st.markdown(f"**{plain(answer_words(entry.answer))}**")
        st.caption(f"{moment(entry.created_at)} · version {entry.version} · {milliseconds(entry.latency_ms)}")
        draw_correction(service, entry.id, entry.answer, entry.feedback)


def _draw_image(entry: HistoryEntry) -> None:
    try:
        st.image(image(entry.service, entry.input), width=96, alt=f"The image of prediction {entry.id[:8]}")
    except WinnowError:  # it was erased, or never kept
        st.caption("The image is not kept any more.")


def entry_row(entry: HistoryEntry) -> dict[str, str]:
    """One line of the table of predictions."""
    return {
        "When": moment(entry.created_at),
        "Input": excerpt(entry.input, 200),
        "Answer": target_words(answer_target(entry.answer)),
        "Sure": percent(sureness(entry.answer)),
        "Version": str(entry.version),
        "Right answer": target_words(entry.feedback),
        "Latency": milliseconds(entry.latency_ms),
    }


def _draw_export(service: Service, filters: HistoryFilters) -> None:
    st.download_button(
        "Download all of these as CSV",
        fetch_export(client(), service.name, filters),
        file_name=f"{service.name}-history.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        help="Every prediction that passes the filters, not only those on this page.",
    )


def fetch_export(asking: Client, service: str, filters: HistoryFilters) -> Callable[[], bytes]:
    """What gets the history as CSV when it is wanted, not each time that the page is drawn."""

    def fetch() -> bytes:
        with tempfile.TemporaryFile() as file:
            asking.export_history(service, file, **filters)
            file.seek(0)
            return file.read()

    return fetch


if __name__ == "__main__":
    draw()
