"""Drawing answers: one in plain words with its scores, two beside each other, many as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import streamlit as st

from winnow.client.answers import Prediction, RowError, Service
from winnow.ui.charts import chart_with_table, scores_chart
from winnow.ui.correction import draw_correction, said_of
from winnow.ui.widgets import table
from winnow.ui.words import answer_target, answer_words, excerpt, percent, plain, sureness, target_words

_MOST_SCORES = 12


@dataclass(frozen=True, slots=True)
class Asked:
    """One input with what was answered; `other` is what another version says of it, where one was asked."""

    input: str | bytes
    answer: Prediction | RowError
    other: Prediction | RowError | None = None


def answer_of(prediction: Prediction) -> dict[str, Any]:
    """The answer alone, as the history keeps it."""
    return {name: value for name, value in asdict(prediction).items() if name in ("label", "labels", "scores")}


def draw_answer(service: Service, asked: Asked) -> None:
    """Draw one answer in full; beside it the other version's, where one was asked."""
    if asked.other is None:
        _draw_one(service, asked.answer)
        return
    first, second = st.columns(2)
    with first:
        _draw_one(service, asked.answer)
    with second:
        _draw_one(service, asked.other)
    st.caption(_agreement(asked))


def draw_answers(asked: Sequence[Asked]) -> None:
    """Draw many answers as a table, one line for each input."""
    refused = sum(isinstance(each.answer, RowError) for each in asked)
    if refused:
        st.warning(f"{refused} of {len(asked)} could not be answered; the table says why.")
    table([answer_row(each) for each in asked], "The answers, one line for each input")


def answer_row(asked: Asked) -> dict[str, str]:
    """One line of the table of answers."""
    row = {"Input": excerpt(asked.input, 200) if isinstance(asked.input, str) else "(image)"}
    row |= _cells(asked.answer, "")
    if asked.other is not None:
        row |= _cells(asked.other, "Other version: ")
    return row


def _cells(answer: Prediction | RowError, prefix: str) -> dict[str, str]:
    if isinstance(answer, RowError):
        return {f"{prefix}Answer": f"not answered: {answer.error.detail}", f"{prefix}Sure": ""}
    given = answer_of(answer)
    return {
        f"{prefix}Answer": target_words(answer_target(given)),
        f"{prefix}Sure": percent(sureness(given)),
        f"{prefix}Version": str(answer.version),
    }


def _draw_one(service: Service, prediction: Prediction | RowError) -> None:
    if isinstance(prediction, RowError):
        st.error(plain(prediction.error.detail))
        return
    answer = answer_of(prediction)
    with st.container(border=True):
        st.markdown(f"### {plain(answer_words(answer))}")
        st.caption(f"Version {prediction.version}")
        ranked = sorted(prediction.scores.items(), key=lambda entry: -entry[1])[:_MOST_SCORES]
        rows = [{"Label": label, "Score": percent(score, 1)} for label, score in ranked]
        chart_with_table(scores_chart(dict(ranked)), rows, "How probable each label is")
        draw_correction(service, prediction.id, answer, said_of(prediction.id))


def _agreement(asked: Asked) -> str:
    if isinstance(asked.answer, RowError) or isinstance(asked.other, RowError) or asked.other is None:
        return "The two versions cannot be compared on this input."
    first, second = answer_target(answer_of(asked.answer)), answer_target(answer_of(asked.other))
    return "Both versions answer the same." if first == second else "The two versions answer differently."
