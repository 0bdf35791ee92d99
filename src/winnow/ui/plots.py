"""Charts of a model's quality: confusion matrices, calibration, learning curves. `charts` has the plainer ones."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import altair as alt

from winnow.ui.charts import COLOURS, Chart, Row

MOST_LABELS = 30
"""Labels of a confusion matrix that is drawn; beyond them its table says more."""

_MOST_WRITTEN = 12
_MISSED = "#b3261e"
_HEIGHT = 300
_LEVEL_LABELS = 6


def heat_map(rows: Sequence[Row]) -> Chart:
    """Draw a confusion matrix: what is right goes down, what was answered across; dark is where most of a label is.

    `rows` are those of `figures.confusion_rows`. The counts stand in the cells while there are few labels.
    """
    labels = list(dict.fromkeys(row["Right"] for row in rows))
    base = alt.Chart(_data(rows), height=alt.Step(40)).encode(
        x=alt.X("Answered:N", sort=labels, axis=alt.Axis(orient="top", labelAngle=_slant(labels), labelLimit=120)),
        y=alt.Y("Right:N", sort=labels, axis=alt.Axis(labelLimit=120)),
        tooltip=["Right:N", "Answered:N", "Rows:Q", alt.Tooltip("Share:Q", format=".1%")],
    )
    cells: alt.Chart = base.mark_rect().encode(
        color=alt.Color("Share:Q", scale=alt.Scale(domain=[0, 1], range=["#eef3f0", COLOURS[0]]), legend=None)
    )
    if len(labels) > _MOST_WRITTEN:
        return cells
    written = base.mark_text().encode(
        text="Rows:Q", color=alt.condition("datum.Share > 0.5", alt.value("white"), alt.value("#1d2b24"))
    )
    return alt.layer(cells, written)


def reliability(rows: Sequence[Row]) -> Chart:
    """Draw how often a model is right (up) where it is so sure (across); larger points have more rows.

    `rows` are those of `report_view.calibration_rows`. On the dashed line both are the same.
    """
    scale = alt.Scale(domain=[0, 1])
    axis = alt.Axis(format=".0%")
    points = (
        alt.Chart(_data(rows), height=_HEIGHT)
        .mark_line(color=COLOURS[0])
        .encode(x=alt.X("Sure:Q", scale=scale, axis=axis), y=alt.Y("Right:Q", scale=scale, axis=axis))
    )
    sizes = points.mark_circle(color=COLOURS[0], opacity=0.9).encode(
        size=alt.Size("Rows:Q", scale=alt.Scale(range=[40, 400]), legend=None),
        tooltip=["From:N", "To:N", "Sure:Q", "Right:Q", "Rows:Q"],
    )
    even = alt.Chart(_data([{"Sure": 0, "Right": 0}, {"Sure": 1, "Right": 1}])).mark_line(
        color="#8a8a8a", strokeDash=[5, 4]
    )
    return alt.layer(even.encode(x=alt.X("Sure:Q", scale=scale), y=alt.Y("Right:Q", scale=scale)), points, sizes)


def evolution(rows: Sequence[Row], along: str, gate: float | None, requirement: str) -> Chart:
    """Draw one figure of every candidate, a line for each, `along` runs or examples, and its gate as a dashed line.

    `rows` are those of `report_view.points`. A point that misses its gate has a red plus.
    """
    names = sorted({str(row["Candidate"]) for row in rows})
    colour = alt.Color(
        "Candidate:N",
        scale=alt.Scale(domain=names, range=[COLOURS[at % len(COLOURS)] for at in range(len(names))]),
        legend=alt.Legend(orient="top", columns=2, title=None),
    )
    kind = "O" if along == "Run" else "Q"
    axis = alt.Axis(labelAngle=0) if kind == "O" else alt.Axis(format=",d", tickCount=5)
    base = alt.Chart(
        _data([{**row, "Missed": str(row["Gate"]).startswith("✗")} for row in rows]), height=_HEIGHT
    ).encode(
        x=alt.X(
            f"{along}:{kind}", axis=axis, scale=alt.Scale() if kind == "O" else alt.Scale(zero=False, padding=20)
        ),
        y=alt.Y("Value:Q", title=None, scale=alt.Scale(zero=False, padding=12)),
        color=colour,
        tooltip=["Candidate:N", "Value:Q", "Run:O", "Learned from:Q", "Finished:N", "Gate:N"],
    )
    layers: list[Any] = [
        base.mark_line(),
        base.transform_filter("!datum.Missed").mark_point(filled=True, size=70, opacity=1),
        base.transform_filter("datum.Missed")
        .mark_point(shape="cross", filled=True, size=130, opacity=1)
        .encode(color=alt.value(_MISSED)),
    ]
    if gate is not None:
        layers += _gate(gate, requirement)
    return alt.layer(*layers)


def over_time(rows: Sequence[Row], time: str, value: str, colour: str) -> Chart:
    """Draw lines over time, in UTC: one for each value of the column `colour`. Times are text (ISO 8601)."""
    chart: alt.Chart = (
        alt.Chart(_data(rows), height=_HEIGHT)
        .mark_line(point=True)
        .encode(x=_time(time), y=alt.Y(f"{value}:Q"), color=_named(colour, rows), tooltip=_tooltip(rows))
    )
    return chart


def stacked_over_time(rows: Sequence[Row], time: str, value: str, colour: str) -> Chart:
    """Draw stacked bars over time, in UTC. As `over_time`."""
    chart: alt.Chart = (
        alt.Chart(_data(rows), height=_HEIGHT)
        .mark_bar()
        .encode(x=_time(time), y=alt.Y(f"{value}:Q"), color=_named(colour, rows), tooltip=_tooltip(rows))
    )
    return chart


def growth(rows: Sequence[Row]) -> Chart:
    """Draw how many examples of each label there were, day by day. `rows` are those of `data_view.growth_rows`."""
    chart: alt.Chart = (
        alt.Chart(_data(rows), height=_HEIGHT)
        .mark_bar()
        .encode(
            x=alt.X("Day:O", title="Day (UTC)", axis=alt.Axis(labelAngle=0, labelOverlap=True)),
            y=alt.Y("Examples:Q"),
            color=_named("Label", rows),
            tooltip=_tooltip(rows),
        )
    )
    return chart


def beside(rows: Sequence[Row], category: str, value: str, colour: str) -> Chart:
    """Draw bars in groups: for each category one bar for each value of the column `colour`. Values are shares."""
    chart: alt.Chart = (
        alt.Chart(_data(rows), height=_HEIGHT)
        .mark_bar()
        .encode(
            x=alt.X(
                f"{category}:N",
                sort=None,
                axis=alt.Axis(labelAngle=_slant({row[category] for row in rows}), labelLimit=120),
            ),
            xOffset=alt.XOffset(f"{colour}:N", sort=None),
            y=alt.Y(f"{value}:Q", axis=alt.Axis(format=".0%")),
            color=_named(colour, rows),
            tooltip=_tooltip(rows),
        )
    )
    return chart


def _slant(labels: Collection[object]) -> int:
    """The angle of labels under bars or over cells: level while they are few."""
    return 0 if len(labels) <= _LEVEL_LABELS else -40


def _gate(value: float, requirement: str) -> list[alt.Chart]:
    data = _data([{"Value": value, "Words": f"gate {requirement}"}])
    line = alt.Chart(data).mark_rule(color=_MISSED, strokeDash=[6, 4], strokeWidth=1.5).encode(y="Value:Q")
    words = alt.Chart(data).mark_text(align="left", dx=4, dy=-7, color=_MISSED)
    return [line, words.encode(y="Value:Q", x=alt.value(0), text="Words:N")]


def _time(column: str) -> alt.X:
    return alt.X(f"{column}:T", title=f"{column} (UTC)", scale=alt.Scale(type="utc"))


def _named(column: str, rows: Sequence[Row]) -> alt.Color:
    names = list(dict.fromkeys(str(row[column]) for row in rows))
    colours = [COLOURS[at % len(COLOURS)] for at in range(len(names))]
    return alt.Color(
        f"{column}:N",
        sort=None,
        scale=alt.Scale(domain=names, range=colours),
        legend=alt.Legend(orient="top", columns=2, title=None),
    )


def _tooltip(rows: Sequence[Row]) -> list[str]:
    return [f"{name}:N" for name in rows[0]] if rows else []


def _data(rows: Sequence[Row]) -> alt.Data:
    return alt.Data(values=[dict(row) for row in rows])  # type: ignore[no-untyped-call]
