"""Charts, each with the table of its figures under it: who cannot see a chart can read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import streamlit as st

from winnow.ui.words import percent

Row = Mapping[str, Any]
Chart = alt.Chart | alt.LayerChart | alt.FacetChart | alt.HConcatChart | alt.VConcatChart

COLOURS = ("#2f6f4f", "#c2702b", "#4a6fa5", "#8a5a9e", "#a8893a", "#5b7f8c", "#b0524f", "#6b6b6b")
"""Told apart by most kinds of colour-blind eyes, and readable on light and dark ground."""
_HEIGHT = 280


def chart_with_table(
    chart: Chart,
    table: Sequence[Row],
    caption: str,
    *,
    note: str | None = None,
    opened: bool = False,
) -> None:
    """Draw a chart under its caption, and its figures as a table under it.

    `caption` names the chart for everybody, screen readers among them, so it should say what is seen. `table` is
    one mapping for each row, whose keys are the columns' headings. `note` stands small under the caption.
    `opened` shows the table at once, otherwise one press opens it.
    """
    st.markdown(f"**{caption}**")
    if note is not None:
        st.caption(note)
    st.altair_chart(chart, width="stretch", alt=caption)
    figures_table(table, caption, opened=opened)


def figures_table(table: Sequence[Row], caption: str, *, opened: bool = False) -> None:
    """Draw the figures of a chart, to be opened: `chart_with_table` does, under its chart."""
    with st.expander(f"Figures: {caption}", expanded=opened):
        st.dataframe(list(table), hide_index=True, width="stretch", alt=caption)


def bars(rows: Sequence[Row], x: str, y: str, *, colour: str | None = None, height: int = _HEIGHT) -> alt.Chart:
    """Upright bars: `x` names the column of categories or days, `y` of lengths; stacked by `colour`."""
    encoding: dict[str, Any] = {
        "x": alt.X(f"{x}:N", title=x, sort=None, axis=alt.Axis(labelAngle=-40, labelLimit=120)),
        "y": alt.Y(f"{y}:Q", title=y),
        "tooltip": _tooltip(rows),
        **_coloured(colour),
    }
    chart: alt.Chart = alt.Chart(_data(rows), height=height).mark_bar().encode(**encoding)
    return chart


def scores_chart(scores: Mapping[str, float]) -> Chart:
    """Lying bars, one for each label, longest first, with the share in words at the end. Scores are from 0 to 1."""
    ranked = sorted(scores.items(), key=lambda entry: -entry[1])
    rows = [{"label": label, "score": score, "words": percent(score)} for label, score in ranked]
    base = alt.Chart(_data(rows), height=30 * len(rows) + 10).encode(
        y=alt.Y("label:N", sort=None, title=None, axis=alt.Axis(labelLimit=180, ticks=False, domain=False)),
        x=alt.X("score:Q", title=None, scale=alt.Scale(domain=[0, 1.12]), axis=None),
    )
    painted = base.mark_bar(cornerRadiusEnd=3, height=18).encode(
        color=alt.condition(alt.datum.label == ranked[0][0], alt.value(COLOURS[0]), alt.value("#8fa398"))
    )
    return alt.layer(painted, base.mark_text(align="left", dx=5).encode(text="words:N"))


def _coloured(column: str | None) -> dict[str, Any]:
    if column is None:
        return {"color": alt.value(COLOURS[0])}
    return {
        "color": alt.Color(f"{column}:N", scale=alt.Scale(range=list(COLOURS)), legend=alt.Legend(orient="bottom"))
    }


def _tooltip(rows: Sequence[Row]) -> list[str]:
    return [f"{name}:N" for name in rows[0]] if rows else []


def _data(rows: Sequence[Row]) -> alt.Data:
    return alt.Data(values=[dict(row) for row in rows])  # type: ignore[no-untyped-call]
