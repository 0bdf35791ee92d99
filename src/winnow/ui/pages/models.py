"""The page Models: versions and what they are worth, two of them compared, and who answers users."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from winnow.client import Client, answers
from winnow.domain import Role
from winnow.ui import training_panel
from winnow.ui.changes import changed, notice
from winnow.ui.charts import chart_with_table
from winnow.ui.figures import (
    Metrics,
    confusion_rows,
    confusion_table,
    gate_rows,
    gates_in_words,
    label_rows,
    mistake_rows,
)
from winnow.ui.model_view import (
    comes_back,
    comparison_sentence,
    difference_rows,
    label_comparison_rows,
    metric_rows,
    named,
    promotion_rows,
    version_rows,
)
from winnow.ui.plots import MOST_LABELS, heat_map
from winnow.ui.promotion_panel import draw_promotion
from winnow.ui.session import choose_service, client, read
from winnow.ui.widgets import allowed, empty, empty_project, errors, heading, table
from winnow.ui.words import moment

_TABS = ("Versions", "Compare two", "Promote or roll back", "Champions so far")
_MANY = 200


def draw() -> None:
    """Draw the page."""
    heading("Models", "Which versions there are, how good each of them is, and which one answers users.")
    notice()
    service = choose_service()
    if service is None:
        empty_project()
        return
    training_panel.draw(service)
    found = read(Client.versions, service.name, _MANY)
    if not found.versions:
        empty(
            f"{service.name} has no versions yet.",
            "Add examples on the page Data, then press “Train now”. Each candidate that learns becomes a version.",
        )
        return
    tabs = st.tabs(_TABS, key="models-tab", on_change="rerun")
    for tab, panel in zip(tabs, (_versions, _compare, _decide, _champions), strict=True):
        if tab.open:
            with tab, errors():
                panel(service, found)


def _versions(service: answers.Service, found: answers.VersionsPage) -> None:
    table(version_rows(found.versions), f"Versions of {service.name}, newest first")
    chosen = st.selectbox("Look closer at", found.versions, index=_champion_at(found.versions), format_func=named)
    st.subheader(f"Version {chosen.number}: {chosen.candidate}", anchor=False)
    st.caption(f"Trained {moment(chosen.created_at)}. Gates: {gates_in_words(chosen.gates)}.")
    if not chosen.metrics:
        empty("This version has no figures.", "It was not measured by a run. Train, to have one that is.")
        return
    _gates_and_labels(chosen)
    _confusion(chosen.metrics, f"Version {chosen.number} on the test rows: right and answered")


def _gates_and_labels(version: answers.Version) -> None:
    st.markdown("**Gates**")
    if version.gates:
        table(gate_rows(version.gates), f"Gates of version {version.number}")
    else:
        st.caption("winnow.toml had none when it was trained.")
    st.markdown("**Label by label, on the test rows**")
    table(label_rows(version.metrics), f"Figures of each label, version {version.number}")


def _confusion(metrics: Metrics, caption: str) -> None:
    cells = confusion_rows(metrics)
    if not cells:
        st.markdown(f"**{caption}**")
        table(mistake_rows(metrics), caption)
    elif len(confusion_table(metrics)) <= MOST_LABELS:
        chart_with_table(
            heat_map(cells), confusion_table(metrics), caption, note="Right goes down, answered across."
        )
    else:
        st.markdown(f"**{caption}**")
        table(confusion_table(metrics), caption)


def _compare(service: answers.Service, found: answers.VersionsPage) -> None:
    if len(found.versions) < 2:
        empty("There is only one version.", "Train again, and compare the two here.")
        return
    champion = _champion_at(found.versions)
    left, right = st.columns(2)
    first = left.selectbox("First", found.versions, index=champion, format_func=named)
    second = right.selectbox("Second", found.versions, index=1 if champion == 0 else 0, format_func=named)
    if first.number == second.number:
        st.info("Choose two different versions.")
        return
    table(metric_rows(first, second), f"Figures of versions {first.number} and {second.number}")
    for column, version in zip(st.columns(2), (first, second), strict=True):
        with column:
            _confusion(version.metrics, f"Version {version.number}: right and answered")
    st.markdown("**Label by label**")
    table(label_comparison_rows(first, second), f"Labels of versions {first.number} and {second.number}")
    if first.run_id != second.run_id:
        st.caption("They come from different runs, so their test rows may differ. Ask both about the same ones:")
    _differences(service.name, first.number, second.number)


def _differences(service: str, first: int, second: int) -> None:
    asked = ("models-compared", service, first, second)
    if st.button("Ask both about the same examples", icon=":material/compare_arrows:"):
        with st.spinner("Both versions are answering …"):
            st.session_state["models-comparison"] = asked, client().compare(service, first, second)
    kept, comparison = st.session_state.get("models-comparison", (None, None))
    if kept != asked or comparison is None:
        return
    st.markdown(comparison_sentence(comparison))
    if comparison.differences:
        table(difference_rows(comparison), "Examples on which the two versions differ")
    elif comparison.rows:
        st.caption("They answer all of them alike.")


def _decide(service: answers.Service, found: answers.VersionsPage) -> None:
    promoting, back = st.columns(2)
    with promoting:
        st.subheader("Promote", anchor=False)
        st.caption("The version answers users from then on. Requests under way are finished by the one before.")
        if allowed(Role.ADMIN, "Promoting"):
            draw_promotion(service.name, found.versions)
    with back:
        st.subheader("Roll back", anchor=False)
        _roll_back(service.name, comes_back(found.promotions))


def _roll_back(service: str, version: int | None) -> None:
    if version is None:
        st.caption("The champion took over from no other version, so there is nothing to roll back to.")
        return
    st.caption(f"Version {version} answered users before, and comes back.")
    if allowed(Role.ADMIN, "Rolling back") and st.button(f"Roll back to version {version}", icon=":material/undo:"):
        promotion = client().rollback(service)
        changed(f"Version {promotion.version} of {service} is the champion again.")


def _champions(service: answers.Service, found: answers.VersionsPage) -> None:
    if not found.promotions:
        empty("Nobody has answered users yet.", "Promote a version, here or by training.")
        return
    table(promotion_rows(found.promotions), f"Champions of {service.name}, newest first")


def _champion_at(versions: Sequence[answers.Version]) -> int:
    return next((place for place, version in enumerate(versions) if version.champion), 0)


with errors():
    draw()
