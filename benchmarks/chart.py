"""A bar chart of requests per second."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

from serving import Row


def draw(groups: dict[str, Sequence[Row]], path: Path) -> None:
    """One panel for each model, one bar for each server, its ratio to the handler at the end of the bar."""
    mpl.use("svg")
    mpl.rcParams["svg.fonttype"] = "none"  # text stays text: it can be read aloud, and the file stays small
    from matplotlib import pyplot as plt  # noqa: PLC0415  (after the backend is chosen)

    figure, panels = plt.subplots(len(groups), 1, figsize=(8, 2 * len(groups) + 0.4), squeeze=False, sharex=True)
    fastest = max(row.many.per_second for rows in groups.values() for row in rows)
    for panel, (title, rows) in zip(panels[:, 0], groups.items(), strict=True):
        names = [row.server for row in rows]
        bars = panel.barh(names, [row.many.per_second for row in rows], color=["#9aa0a6", *["#2f6f5e"] * 3])
        panel.bar_label(bars, [f"{row.many.per_second:,.0f}  ({row.ratio:.1f} ×)" for row in rows], padding=4)
        panel.invert_yaxis()
        panel.set_title(title, loc="left", x=-0.3, fontsize=10, fontweight="bold")
        panel.set_xlim(0, fastest * 1.25)
        panel.spines[["top", "right"]].set_visible(False)
    figure.suptitle("Requests per second, 64 connections, one core", x=0.02, ha="left", fontsize=11)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
