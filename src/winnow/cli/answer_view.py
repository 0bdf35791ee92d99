"""Answers as the command line shows them: those of `winnow predict`, and those that jobs bring."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from winnow.cli.history import answered, sureness
from winnow.cli.output import Block, Cell, Grid, clean, problem, styled
from winnow.domain import Json, Prediction
from winnow.errors import WinnowError

Row = Mapping[str, Any]
"""An answer as results of jobs have it: `id`, `label` or `labels`, `scores`, `version`; or `error` alone."""


def worded(outcome: Prediction | WinnowError) -> Row:
    """Word an outcome as results of jobs have it."""
    if isinstance(outcome, WinnowError):
        return {"error": outcome.to_json()}
    return {"id": outcome.id, **outcome.answer, "version": outcome.version}


def for_programs(row: Row) -> Json:
    """Word a row as the API does: an error is a problem there."""
    if "error" not in row:
        return row
    error = row["error"]
    facts = {name: value for name, value in error.items() if name not in ("kind", "detail")}
    return {"error": problem(error["kind"], error["detail"]) | facts}


def answer_blocks(row: Row, remark: str) -> Iterator[Block]:
    """One answer: its label, every score, and a remark."""
    ranked = sorted(row["scores"].items(), key=lambda entry: -entry[1])
    yield styled(answered(row), "bold green")  # type: ignore[arg-type]
    yield Grid(["label", "score"], [[label, f"{score:.3f}"] for label, score in ranked], numbers=["score"])
    yield styled(remark, "dim")


def answers_grid(rows: Sequence[Row], asked: Sequence[str]) -> Grid:
    """Several answers, each beside what was asked; or beside its place, where nobody knows that any more."""
    beside = asked or [str(place) for place in range(1, len(rows) + 1)]
    name = "input" if asked else "row"
    cells = [_cells(row, given) for row, given in zip(rows, beside, strict=True)]
    return Grid(["answer", "score", name], cells, numbers=["score"], cut=["input"])


def _cells(row: Row, given: str) -> list[Cell]:
    if "error" in row:
        return [styled("error", "red"), "", f"{clean(given, 60)} ({row['error']['detail']})"]
    return [answered(row), f"{sureness(row):.3f}", clean(given)]  # type: ignore[arg-type]
