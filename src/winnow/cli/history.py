"""`winnow history`: what was asked, and what was answered."""

from __future__ import annotations

from typing import Annotated

import typer

from winnow.cli.command import ServiceName, Session, command
from winnow.cli.output import Block, Grid, clean, moment
from winnow.cli.versions import Limit
from winnow.domain import Classification, Prediction, Target


@command
def history(
    session: Session,
    service: ServiceName,
    n: Limit = 20,
    label: Annotated[str | None, typer.Option("--label", help="Only answers with this label.")] = None,
    version: Annotated[int | None, typer.Option("--version", help="Only answers of this version.")] = None,
    text: Annotated[str | None, typer.Option("--text", help="Only inputs that contain this, in any case.")] = None,
) -> None:
    """Show the newest predictions of a service."""
    from winnow.store.predictions import HistoryFilter  # noqa: PLC0415  (it takes the whole store with it)

    only = HistoryFilter(label=label, version=version, text=text)
    with session.workspace() as workspace:
        found = workspace.history(service, n, only)
    nothing = f"no prediction of {service} {'passes the filter' if label or version or text else 'is kept yet'}"
    session.out.result({"predictions": found}, _grid(found) if found else nothing)


def _grid(found: list[Prediction]) -> Block:
    columns = ["when", "answer", "score", "version", "ms", "input", "feedback"]
    rows = [
        [
            moment(entry.created_at),
            answered(entry.answer),
            f"{sureness(entry.answer):.3f}",
            str(entry.version),
            f"{entry.latency_ms:.1f}",
            clean(entry.input),
            "" if entry.feedback is None else _words(entry.feedback),
        ]
        for entry in found
    ]
    return Grid(columns, rows, numbers=["score", "version", "ms"], cut=["input"], spare=["ms", "version"])


def answered(answer: Classification) -> str:
    """The label of an answer, or its labels, in words."""
    return answer["label"] if "label" in answer else _words(answer.get("labels", []))


def sureness(answer: Classification) -> float:
    """The score of the label that was answered; of several, the lowest, and of none, the highest."""
    labels = [answer["label"]] if "label" in answer else answer.get("labels", [])
    return min((answer["scores"][label] for label in labels), default=max(answer["scores"].values(), default=0.0))


def _words(target: Target) -> str:
    return target if isinstance(target, str) else ", ".join(target) or "(none)"
