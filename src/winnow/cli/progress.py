"""How long work is shown: bars on a terminal, now and then a plain line where there is none. On standard error."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

from winnow import domain
from winnow.cli.output import Output

_QUIET_SECONDS = 5.0
"""How often a plain line is written at most; what takes less says nothing."""

RunListener = Callable[[Mapping[str, Any]], None]
"""Told what `Run.progress` holds."""


@contextmanager
def file_progress(out: Output, title: str, size: int) -> Iterator[domain.Progress]:
    """Show how much of a file of `size` bytes is done with."""
    if not out.notes.is_terminal:
        yield _Lines(out, title)
        return
    with _bars(out, DownloadColumn()) as bars:
        task = bars.add_task(title, total=size)

        def show(stage: str, done: float) -> None:
            bars.update(task, completed=int(done * size), description=f"{title}: {stage}")

        yield show


@contextmanager
def run_progress(out: Output, service: str) -> Iterator[RunListener]:
    """Show a run: what it is at, and a bar for each candidate."""
    if not out.notes.is_terminal:
        yield _RunLines(out, service)
        return
    with _bars(out, TaskProgressColumn()) as bars:
        yield _RunBars(bars, service)


@contextmanager
def job_progress(out: Output, title: str) -> Iterator[Callable[[str, float | None], None]]:
    """Show what a job is at, and how much of it is done where that is known."""
    if not out.notes.is_terminal:
        yield _Lines(out, title)
        return
    with _bars(out, TaskProgressColumn()) as bars:
        task = bars.add_task(title, total=None)

        def show(stage: str, done: float | None) -> None:
            total = None if done is None else 1.0
            bars.update(task, total=total, completed=done or 0.0, description=f"{title}: {stage}")

        yield show


def _bars(out: Output, figures: ProgressColumn) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=32), figures, TimeElapsedColumn())
    return Progress(*columns, console=out.notes, transient=True)


class _Lines:
    def __init__(self, out: Output, title: str) -> None:
        self._out = out
        self._title = title
        self._last = time.monotonic()

    def __call__(self, stage: str, done: float | None) -> None:
        if time.monotonic() - self._last >= _QUIET_SECONDS:
            self._last = time.monotonic()
            share = "" if done is None else f", {done:.0%}"
            self._out.note(f"{self._title}: {stage}{share}")


class _RunLines:
    """One line for each candidate and each step of the run."""

    def __init__(self, out: Output, service: str) -> None:
        self._out = out
        self._service = service
        self._told = ""

    def __call__(self, told: Mapping[str, Any]) -> None:
        doing = told["candidate"] or told["stage"]
        if doing != self._told:
            self._told = doing
            self._out.note(f"training {self._service}: {doing} ({told['done']:.0%} done)")


class _RunBars:
    def __init__(self, bars: Progress, service: str) -> None:
        self._bars = bars
        self._whole = bars.add_task(f"training {service}", total=1.0)
        self._service = service
        self._candidates: dict[str, TaskID] = {}

    def __call__(self, told: Mapping[str, Any]) -> None:
        doing = told["candidate"]
        step = "" if doing else f": {told['stage']}"
        self._bars.update(self._whole, completed=told["done"], description=f"training {self._service}{step}")
        for name, done in told["candidates"].items():
            if name not in self._candidates:
                self._candidates[name] = self._bars.add_task(f"  {name}", total=1.0)
            stage = f": {told['stage']}" if name == doing and done < 1 else ""
            self._bars.update(self._candidates[name], completed=done, description=f"  {name}{stage}")
