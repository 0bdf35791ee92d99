"""The page Reports: how each candidate does from run to run, beside the gates that it has to meet."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from winnow.client import Client, answers, live_answers
from winnow.ui.charts import chart_with_table
from winnow.ui.figures import Figure, confusion_rows, confusion_table, label_rows, mistake_rows, threshold
from winnow.ui.plots import MOST_LABELS, evolution, heat_map, reliability
from winnow.ui.report_view import (
    Learner,
    Report,
    calibration_rows,
    calibration_sentence,
    candidate_rows,
    data_sentence,
    decision_sentence,
    failures,
    figures_of,
    learners,
    missed_gates,
    newest_first,
    points,
    ranked,
)
from winnow.ui.session import choose_service, read
from winnow.ui.widgets import empty, empty_project, errors, heading, table
from winnow.ui.words import counted, moment, plain

_TABS = ("The newest run", "Over runs", "Over data", "How sure it is")
_RUNS = 50


def draw() -> None:
    """Draw the page."""
    heading("Reports", "How each candidate does from run to run, beside the gates that it has to meet.")
    service = choose_service()
    if service is None:
        empty_project()
        return
    reports = read(Client.reports, service.name, _RUNS)
    if not reports:
        empty(
            f"{service.name} has no report yet.",
            "Each finished training ends with one. Add examples on the page Data, then train on the page Models.",
        )
        return
    tabs = st.tabs(_TABS, key="reports-tab", on_change="rerun")
    for tab, panel in zip(tabs, (_newest, _over_runs, _over_data, _calibration), strict=True):
        if tab.open:
            with tab, errors():
                panel(service, reports)


def _newest(_service: answers.Service, reports: Sequence[live_answers.RunReport]) -> None:
    run = st.selectbox("Run", reports, format_func=_named)
    report = run.report
    st.markdown(f"**{decision_sentence(report)}**")
    st.markdown("\n".join(f"- {plain(reason)}" for reason in report["decision"]["reasons"]))
    st.caption(plain(data_sentence(report)))
    _draw_missed(report)
    for failure in failures(report):
        st.error(plain(failure), icon=":material/error:")
    table(candidate_rows(report), "The candidates of this run on the same test rows, best first")
    fitted = [learner for learner in learners([run]) if learner.entry["version"] is not None]
    if not fitted:
        return
    learner = st.selectbox("Look closer at", ranked(fitted), format_func=lambda entry: entry.name)
    _draw_closer(learner)


def _draw_missed(report: Report) -> None:
    missed = missed_gates(report)
    if missed:
        st.error(f"{counted(len(missed), 'gate')} missed in this run:", icon=":material/block:")
        table(missed, "Gates that were missed, and by how much")
    elif any(entry["gates"] for entry in report["candidates"]):
        st.success("Every candidate that learned meets its gates.", icon=":material/check_circle:")


def _draw_closer(learner: Learner) -> None:
    metrics, caption = learner.metrics, f"{learner.name} on the test rows: right and answered"
    left, right = st.columns(2)
    with left:
        matrix = confusion_table(metrics)
        if matrix and len(matrix) <= MOST_LABELS:
            chart_with_table(heat_map(confusion_rows(metrics)), matrix, caption, note="Right goes down.")
        else:
            st.markdown(f"**{caption}**")
            table(matrix or mistake_rows(metrics), caption)
    with right:
        st.markdown("**Label by label**")
        table(label_rows(metrics), f"Figures of each label, {learner.name}")


def _over_runs(service: answers.Service, reports: Sequence[live_answers.RunReport]) -> None:
    figure = _choose_figure(reports, "reports-runs")
    _evolution(service, reports, figure, "Run")
    if len(reports) == 1:
        st.caption("One run is one point. After the next training there are two, and a line between them.")


def _over_data(service: answers.Service, reports: Sequence[live_answers.RunReport]) -> None:
    figure = _choose_figure(reports, "reports-data")
    _evolution(service, reports, figure, "Learned from")
    st.caption(
        "Where the line still rises, more examples help; where it is flat, better ones or another candidate do."
    )


def _evolution(
    service: answers.Service, reports: Sequence[live_answers.RunReport], figure: Figure, along: str
) -> None:
    rows = points(reports, figure)
    if not rows:
        empty(f"{figure.title} was never measured.", "No test row was there to measure it on. Add more examples.")
        return
    requirement = service.gates.get(figure.gate or "")
    over = "from run to run" if along == "Run" else "by the number of examples learned from"
    note = "A point with a red plus misses its gate. " if any(row["Gate"].startswith("✗") for row in rows) else ""
    note += f"The dashed line is today's gate: {requirement}." if requirement else "winnow.toml has no gate for it."
    chart_with_table(
        evolution(rows, along, threshold(requirement), requirement or ""),
        newest_first(rows, figure),
        f"{figure.title} {over}",
        note=note,
        opened=True,
    )


def _calibration(_service: answers.Service, reports: Sequence[live_answers.RunReport]) -> None:
    fitted = ranked(learners(reports[:1]))
    if not fitted:
        empty("No candidate learned in the newest run.", "See why under “The newest run”.")
        return
    learner = st.selectbox("Candidate of the newest run", fitted, format_func=lambda entry: entry.name)
    rows = calibration_rows(learner.metrics)
    st.markdown(calibration_sentence(learner.metrics))
    if rows:
        chart_with_table(
            reliability(rows),
            rows,
            f"{learner.name}: how often it is right, by how sure it is",
            note="Above the line it is better than it says; below, it promises too much.",
            opened=True,
        )


def _choose_figure(reports: Sequence[live_answers.RunReport], key: str) -> Figure:
    chosen: Figure = st.selectbox("Figure", figures_of(reports), format_func=lambda figure: figure.title, key=key)
    return chosen


def _named(run: live_answers.RunReport) -> str:
    promoted = run.report["decision"]["promoted"]
    return f"{moment(run.created_at)} · {'nobody promoted' if promoted is None else f'version {promoted} promoted'}"


with errors():
    draw()
