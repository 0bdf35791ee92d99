"""Predict: put something to a service and read the answer in plain words, or hand in a whole file."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from winnow.client import Client
from winnow.client.answers import RowError, Service, Version
from winnow.client.values import Value
from winnow.domain import Role
from winnow.errors import NotFound, WinnowError
from winnow.ui.answer_view import Asked, draw_answer, draw_answers
from winnow.ui.file_jobs import draw_files
from winnow.ui.images import library_image
from winnow.ui.overview_view import next_step
from winnow.ui.session import choose_service, client, read
from winnow.ui.widgets import allowed, empty, empty_project, errors, heading, page_link

_IMAGES = "image-classification"
_ANSWERS = "winnow-answers"
_COLUMNS = 6


def draw() -> None:
    """Draw the page."""
    with errors():
        service = choose_service()
        if service is None:
            heading("Predict")
            empty_project()
            return
        heading(service.description or "Predict", f"Answered by the service {service.name}.")
        if service.champion is None:
            empty("No version answers yet.", next_step(service))
            return
        other = _choose_other(service)
        one, whole = st.tabs(["Ask", "A whole file"])
        with one:
            if service.task == _IMAGES:
                _draw_image_form(service, other)
            else:
                _draw_text_form(service, other)
            _draw_answers(service)
        with whole:
            draw_files(service, None)


def _choose_other(service: Service) -> int | None:
    """The version to compare the champion with; None for none."""
    versions = [each for each in read(Client.versions, service.name).versions if not each.champion]
    if not versions:
        return None
    names = {version.number: _version_words(version) for version in versions}
    chosen: int | None = st.selectbox(
        "Compare the champion with",
        [None, *names],
        format_func=lambda number: "nobody" if number is None else names[number],
        key=f"other-{service.name}",
        help="Both versions answer, side by side. The champion is the version that answers users.",
    )
    return chosen


def _version_words(version: Version) -> str:
    return f"version {version.number} ({version.candidate})"


def _draw_text_form(service: Service, other: int | None) -> None:
    with st.form(f"ask-{service.name}", border=False):
        text = st.text_area(
            "Your text", height=140, placeholder="Write or paste a text here.", key=f"text-{service.name}"
        )
        several = st.toggle("Several texts: one on each line", key=f"lines-{service.name}")
        asked = st.form_submit_button("Predict", type="primary", icon=":material/play_arrow:")
    if not asked:
        return
    texts = [line.strip() for line in text.splitlines() if line.strip()] if several else [text]
    if not any(each.strip() for each in texts):
        st.warning("Write a text first.")
        return
    with st.spinner("Asking…"):
        _remember(service, _ask(service, texts, other))


def _draw_image_form(service: Service, other: int | None) -> None:
    given = st.file_uploader("Your image", type=["png", "jpg", "jpeg", "webp", "gif", "bmp"])
    if given is not None:
        st.image(given, width=160, alt="The image that is asked about")
        if st.button("Predict", type="primary", icon=":material/play_arrow:"):
            _remember(service, _ask(service, [given.getvalue()], other))
    try:
        names = [image.name for image in read(Client.library, service.name)]
    except NotFound:
        return
    with st.expander("Or pick one from the library", expanded=given is None):
        for start in range(0, min(len(names), 48), _COLUMNS):
            for column, name in zip(st.columns(_COLUMNS, wrap=True), names[start : start + _COLUMNS], strict=False):
                with column:
                    _draw_pick(service, name, other)


def _draw_pick(service: Service, name: str, other: int | None) -> None:
    """Draw one image of the library, to be asked about with one press."""
    try:
        st.image(library_image(service.name, name), width=72, alt=f"Library image {name}")
    except WinnowError:  # a file that is no image after all; asking about it says so
        st.caption("(cannot be shown)")
    if st.button(name, key=f"pick-{service.name}-{name}", type="tertiary"):
        with errors():
            _remember(service, _ask(service, [{"library": name}], other))


def _ask(service: Service, values: Sequence[Value], other: int | None) -> list[Asked]:
    """Put every value to the champion, and to the other version where one was chosen."""
    asking = client()
    if len(values) == 1:  # an input that cannot be answered is the whole answer then
        second = None if other is None else asking.predict(service.name, values[0], version=other)
        return [Asked(_shown(values[0]), asking.predict(service.name, values[0]), second)]
    answers = asking.predict_many(service.name, values)
    if other is None:
        return [Asked(_shown(value), answer) for value, answer in zip(values, answers, strict=True)]
    others = asking.predict_many(service.name, values, version=other)
    return [Asked(_shown(value), *both) for value, *both in zip(values, answers, others, strict=True)]


def _shown(value: Value) -> str | bytes:
    return value if isinstance(value, str | bytes) else str(value)


def _remember(service: Service, asked: list[Asked]) -> None:
    st.session_state[_ANSWERS] = (service.name, asked)


def _draw_answers(service: Service) -> None:
    """Draw what was answered last; it stays while it is corrected."""
    name, asked = st.session_state.get(_ANSWERS, ("", []))
    if name != service.name or not asked:
        return
    st.subheader("The answer" if len(asked) == 1 else "The answers", anchor=False)
    allowed(Role.EDITOR, "Correcting an answer")
    if len(asked) == 1:
        draw_answer(service, asked[0])
        return
    draw_answers(asked)
    if any(not isinstance(each.answer, RowError) for each in asked):
        page_link("history", "Correct them in the history", icon=":material/history:", service=service.name)


if __name__ == "__main__":
    draw()
