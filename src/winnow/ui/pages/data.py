"""The page Data: what a service learns from, how it grew, and how more of it comes in or goes."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from winnow.client import Client, answers
from winnow.client.data import ExampleFilters
from winnow.domain import Role
from winnow.ui import disagreement_panel, erasure_panel, snapshot_panel, upload_panel
from winnow.ui.changes import changed, notice
from winnow.ui.charts import chart_with_table
from winnow.ui.data_view import SOURCES, count_rows, example_rows, growth_rows
from winnow.ui.input_view import draw_input, is_image
from winnow.ui.label_choice import choose_target, known_labels
from winnow.ui.plots import growth
from winnow.ui.session import choose_service, client, read
from winnow.ui.widgets import Pager, allowed, empty, empty_project, errors, figures, heading, table
from winnow.ui.words import number, plain, target_words

_TABS = ("Overview", "Add", "Browse", "Disagreements", "Snapshots", "Erase")
_PAGE = 50
_ALL = "all"


def draw() -> None:
    """Draw the page."""
    heading("Data", "What a service learns from: examples, each an input with its right label.")
    notice()
    service = choose_service()
    if service is None:
        empty_project()
        return
    tabs = st.tabs(_TABS, key="data-tab", on_change="rerun")
    panels = (
        _overview,
        _add,
        _browse,
        disagreement_panel.draw,
        snapshot_panel.draw,
        erasure_panel.draw,
    )
    for tab, panel in zip(tabs, panels, strict=True):
        if tab.open:
            with tab, errors():
                if allowed(Role.EDITOR, "Seeing and adding examples"):
                    panel(service)


def _overview(service: answers.Service) -> None:
    counts = read(Client.example_counts, service.name)
    if not counts.examples:
        empty(
            f"{service.name} has no examples yet.",
            "Add one, or a whole CSV file, under “Add”. A hundred for each label is a good beginning.",
        )
        return
    figures(
        {
            "Examples": number(counts.examples),
            "Different inputs": number(counts.inputs),
            "Labels": number(len({count.label for count in counts.counts})),
        },
        help_texts={"Different inputs": "Where the same input was added more than once, its newest label counts."},
    )
    table(count_rows(counts.counts), "Examples of each label, by where they came from")
    rows = growth_rows(counts.counts)
    chart_with_table(
        growth(rows),
        rows,
        f"Examples of {service.name} by label, at the end of each day",
        note="Days are in UTC. Where several labels apply, an example counts for each.",
    )


def _add(service: answers.Service) -> None:
    one, file = st.columns(2)
    with one:
        st.subheader("One example", anchor=False)
        _add_one(service)
    with file:
        st.subheader("A file", anchor=False)
        if allowed(Role.ADMIN, "Uploading files"):
            upload_panel.draw(service)


def _add_one(service: answers.Service) -> None:
    image = service.task == "image-classification"
    with st.form("add-one", clear_on_submit=True):
        if image:
            picture = st.file_uploader("Image", type=["png", "jpg", "jpeg", "webp", "gif", "bmp"])
            value: str | bytes = b"" if picture is None else picture.getvalue()
        else:
            value = st.text_area("Text", placeholder="What somebody wrote", height=120)
        target = choose_target(service, "Right label", key="add-one-label")
        pressed = st.form_submit_button("Add the example", type="primary", icon=":material/add:")
    if not pressed:
        return
    if not value or target is None:
        st.warning("Give both: the input and its right label.", icon=":material/warning:")
        return
    added = client().add_example(service.name, value, target)
    if added.added:
        changed("The example is added. The next training learns from it.")
    st.info("The same example is there already, so nothing was added.", icon=":material/info:")


def _browse(service: answers.Service) -> None:
    with st.container(horizontal=True):
        text = st.text_input("Text contains", width=260).strip()
        label = st.selectbox("Right label", [_ALL, *known_labels(service)], width=180)
        source = st.selectbox(
            "Source", [_ALL, *SOURCES], format_func=lambda kind: SOURCES.get(kind, kind), width=220
        )
    filters = ExampleFilters()
    if text:
        filters["text"] = text
    if label != _ALL:
        filters["label"] = label
    if source != _ALL:
        filters["source"] = source
    pager = Pager("examples", (service.name, filters))
    page = read(Client.examples, service.name, _PAGE, before=pager.before, **filters)
    if not page.examples:
        empty(
            "No example is here.",
            "Choose other filters above." if filters else "Add one, or a whole CSV file, under “Add”.",
        )
        return
    st.caption(f"{number(page.count)} in all. The newest are first.")
    if is_image(page.examples[0].input):
        _draw_pictures(service.name, page.examples)
    table(example_rows(page.examples), f"Examples of {service.name}, newest first")
    pager.draw(page.examples[-1].id if len(page.examples) == _PAGE else None)


def _draw_pictures(service: str, examples: Sequence[answers.StoredExample]) -> None:
    with st.container(horizontal=True):
        for example in examples:
            with st.container(width=104, gap="xsmall"):
                draw_input(service, example.input)
                st.caption(plain(target_words(example.target)))


with errors():
    draw()
