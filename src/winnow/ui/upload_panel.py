"""Uploading a file on the page Data: its report first, and only then its rows."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import BinaryIO

import streamlit as st

from winnow.client import answers
from winnow.errors import FileRefused
from winnow.ui.changes import changed
from winnow.ui.data_view import label_count_rows, reason_rows, refusal_rows, refused_report, report_sentence
from winnow.ui.session import client
from winnow.ui.widgets import figures, table
from winnow.ui.words import counted, number, plain

_READ = "data-upload-report"


@dataclass(frozen=True, slots=True)
class _Reading:
    """What is in a file, its bad rows beside its good ones; `problem` says why nothing of it can be added."""

    report: answers.LoadReport | None
    problem: str | None = None


def draw(service: answers.Service) -> None:
    """Draw the choice of a file; then what is in it, and the button that adds its rows."""
    image = service.task == "image-classification"
    st.caption(
        "A ZIP with a folder for each label."
        if image
        else "CSV or JSONL, with the columns that winnow.toml names. Nothing is added before you say so."
    )
    given = st.file_uploader(
        "File", type=["zip"] if image else ["csv", "jsonl", "ndjson", "tsv"], key="data-upload"
    )
    if given is None:
        st.session_state.pop(_READ, None)
        return
    asked = (service.name, given.file_id)
    if st.session_state.get(_READ, (None,))[0] != asked:
        with st.spinner("The file is read; nothing of it is added yet …"):
            st.session_state[_READ] = asked, _read(service.name, given.name, given)
    reading: _Reading = st.session_state[_READ][1]
    if reading.problem is not None:
        st.error(plain(reading.problem), icon=":material/error:")
    if reading.report is not None and reading.report.rows:
        _draw_report(reading.report)
    if reading.report is not None and reading.problem is None:
        _draw_decision(service.name, given.name, given, reading.report)


def _read(service: str, name: str, stream: BinaryIO) -> _Reading:
    try:
        return _Reading(client().upload(service, _rewound(stream), name=name, keep_good=True, dry_run=True))
    except FileRefused as error:
        return _Reading(None if error.report is None else refused_report(error.report), str(error))


def _draw_report(report: answers.LoadReport) -> None:
    st.markdown(plain(report_sentence(report)))
    figures(
        {
            "Rows": number(report.rows),
            "To be added": number(report.accepted),
            "There already": number(report.duplicates),
            "Refused": number(report.refused),
        }
    )
    if report.labels:
        table(label_count_rows(report), "Labels of the rows to be added")
    if report.refused:
        st.error(f"{counted(report.refused, 'row')} cannot be read:", icon=":material/error:")
        table(reason_rows(report), "Why rows cannot be read")
        table(refusal_rows(report), "Rows that cannot be read, with their lines")
        if report.refused > len(report.refusals):
            st.caption(f"The first {number(len(report.refusals))} of them are listed.")


def _draw_decision(service: str, name: str, stream: BinaryIO, report: answers.LoadReport) -> None:
    if not report.accepted:
        st.info("There is nothing to add: every row is there already, or cannot be read.", icon=":material/info:")
        return
    what = counted(report.accepted, "example")
    if report.refused:
        st.caption("Correct the file and choose it again, or go on without the rows that cannot be read.")
        label = f"Add the {number(report.accepted)} good ones"
    else:
        label = f"Add {what}"
    if not st.button(label, type="primary", icon=":material/upload:"):
        return
    with st.spinner(f"Adding {what} …"):
        added = client().upload(service, _rewound(stream), name=name, keep_good=bool(report.refused))
    st.session_state.pop(_READ, None)
    changed(
        f"{counted(added.accepted, 'example')} of {name} were added, as snapshot {added.batch}. "
        "Train on the page Models to learn from them."
    )


def _rewound(stream: BinaryIO) -> BinaryIO:
    stream.seek(io.SEEK_SET)
    return stream
