"""Synchronous predictions: Winnow beside the plain FastAPI handler, the same model in both, in one run.

The server has one core and the load generator another. Every server is measured once in each round, so that a
machine that slows down slows them all; what is quoted is the median over rounds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import servers
from load import Measured, measure, sample_texts
from servers import Running

EXAMPLES = Path(__file__).parent.parent / "examples"
REVIEWS = EXAMPLES / "sentiment" / "reviews.csv"
MANY, ONE = 64, 1
TOLERANCE = 1e-9

Start = Callable[[], AbstractContextManager[Running]]


@dataclass(frozen=True, slots=True)
class Row:
    """One server's medians: at many connections, at one, and what it weighs."""

    server: str
    many: Measured
    one: Measured
    memory_mb: float
    seconds_to_ready: float
    ratio: float = 1.0


def make_project(folder: Path, candidate: Mapping[str, Any], database: str | None = None) -> Path:
    """A project whose champion is this candidate, trained on the English sample reviews."""
    folder.mkdir(parents=True)
    (folder / "winnow.toml").write_text(
        f'[project]\nname = "benchmark"\n[services.sentiment]\ntask = "text-classification"\n'
        f'labels = ["negative", "positive"]\ncandidates = [{{ {_inline(candidate)} }}]\n',
        encoding="utf-8",
    )
    for command in (["load", "sentiment", str(REVIEWS)], ["train", "sentiment"]):
        subprocess.run(
            [sys.executable, "-m", "winnow", *command, "--project", str(folder)],
            check=True,
            env=os.environ | ({} if database is None else {"WINNOW_DATABASE": database}),
        )
    return folder


def compare(project: Path, candidate: Mapping[str, Any], rounds: int, seconds: int, *, log: bool) -> list[Row]:
    """Measure the handler and Winnow with each kind of history, in turn; the handler comes first."""
    texts = sample_texts(REVIEWS, "text", 200)
    contestants: dict[str, Start] = {"FastAPI handler": lambda: servers.handler(project, candidate, log=log)}
    for history in ("durable", "relaxed", "off"):
        contestants[f"Winnow, history {history}"] = _winnow(project, history, log=log)
    _check_same_answers(contestants, texts[:50])
    rows = {name: [_measure_once(start, texts, seconds) for _ in range(1)] for name, start in contestants.items()}
    for _ in range(rounds - 1):
        for name, start in contestants.items():
            rows[name].append(_measure_once(start, texts, seconds))
    return _with_ratios([_median(name, measured) for name, measured in rows.items()])


def _inline(table: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} = {json.dumps(value)}" for key, value in table.items())


def as_json(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Rows as JSON keeps them."""
    return [asdict(row) for row in rows]


def _winnow(project: Path, history: str, *, log: bool) -> Start:
    return lambda: servers.winnow(project, history, log=log)


def _check_same_answers(contestants: dict[str, Start], texts: Sequence[str]) -> None:
    """Both sides must compute the same thing, or the comparison means nothing."""
    (_, reference), (_, winnow), *_ = contestants.items()
    with reference() as server:
        expected = [server.ask(text)["scores"] for text in texts]
    with winnow() as server:
        answered = [server.ask(text)["scores"] for text in texts]
    for one, other in zip(expected, answered, strict=True):
        assert all(abs(one[label] - other[label]) < TOLERANCE for label in one), json.dumps([one, other])


def _measure_once(start: Start, texts: Sequence[str], seconds: int) -> tuple[Measured, Measured, float, float]:
    with start() as server:
        measure(server, texts, MANY, 1)  # warm-up, not counted
        one = measure(server, texts, ONE, max(1, seconds // 2))
        many = measure(server, texts, MANY, seconds)
        return many, one, server.memory_mb(), server.seconds_to_ready


def _median(name: str, measured: Sequence[tuple[Measured, Measured, float, float]]) -> Row:
    many, one, memory, ready = zip(*measured, strict=True)
    return Row(name, _median_of(many), _median_of(one), median(memory), median(ready))


def _median_of(measured: Sequence[Measured]) -> Measured:
    return Measured(
        median(m.per_second for m in measured),
        median(m.p50_ms for m in measured),
        median(m.p99_ms for m in measured),
        sum(m.errors for m in measured),
    )


def _with_ratios(rows: Sequence[Row]) -> list[Row]:
    base = rows[0].many.per_second
    return [
        Row(row.server, row.many, row.one, row.memory_mb, row.seconds_to_ready, row.many.per_second / base)
        for row in rows
    ]
