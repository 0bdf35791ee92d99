"""A whole file as one job, beside the model alone.

The model has one core; the worker of the job has one, and then two. The model alone is given the same texts in
batches of 256, and nothing is read, kept or written.
"""

from __future__ import annotations

import csv
import io
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import servers
import tickets
from load import sample_texts
from models import SERVICE
from servers import SERVER_CORE
from serving import REVIEWS, make_project
from winnow.domain import Job, Status
from winnow.jobs.desk import Order
from winnow.settings import Settings, load_settings

BATCH = 256
PART_BYTES = 1_000_000
SECONDS = 600
BOTH_CORES = (0, 1)


@dataclass(frozen=True, slots=True)
class Figures:
    """Rows a second of the model alone and of a file job whose worker has one core or both; and its memory."""

    model: str
    rows: int
    megabytes: float
    alone_per_second: float
    one_core_per_second: float
    two_cores_per_second: float
    worker_peak_mb: float
    worker_idle_mb: float

    def as_json(self) -> dict[str, Any]:
        """As the raw figures are kept."""
        return asdict(self)


def measure_files(folder: Path, models: Mapping[str, Mapping[str, Any]], rounds: int, rows: int) -> list[Figures]:
    """Each model alone and the job in turn; medians of all rounds."""
    return [
        _measure(title, folder / candidate["name"], candidate, rounds, rows) for title, candidate in models.items()
    ]


def _measure(title: str, folder: Path, candidate: Mapping[str, Any], rounds: int, rows: int) -> Figures:
    settings = load_settings(project=make_project(folder, candidate))
    texts = _texts(rows)
    content = _csv(texts)
    alone, one, two = [], [], []
    for _ in range(rounds):
        alone.append(_model_alone(settings, texts))
        one.append(_job(settings, content, (SERVER_CORE,)))
        two.append(_job(settings, content, BOTH_CORES))
    both = [*one, *two]
    return Figures(
        model=title,
        rows=rows,
        megabytes=len(content) / 1e6,
        alone_per_second=median(alone),
        one_core_per_second=rows / median(took.seconds for took in one),
        two_cores_per_second=rows / median(took.seconds for took in two),
        worker_peak_mb=max(took.peak_mb for took in both),
        worker_idle_mb=median(took.idle_mb for took in both),
    )


@dataclass(frozen=True, slots=True)
class _Took:
    """What one job took: its seconds, and its worker's memory at the most and without work."""

    seconds: float
    peak_mb: float
    idle_mb: float


def _job(settings: Settings, content: bytes, cores: Sequence[int]) -> _Took:
    with tickets.worker(settings, cores) as pid:
        time.sleep(3)  # let it start, so that its memory without work is seen
        idle = servers.peak_memory_mb(pid)
        job = _score(settings, content)
        return _Took(_seconds_of(job), servers.peak_memory_mb(pid), idle)


def _texts(rows: int) -> list[str]:
    """Three reviews in a row and a number, some fifty words: no two rows are the same."""
    reviews = sample_texts(REVIEWS, "text", 200)
    many = len(reviews)
    return [
        f"{reviews[row % many]} {reviews[(row + 1) % many]} {reviews[(row + 2) % many]} {row}"
        for row in range(rows)
    ]


def _csv(texts: Sequence[str]) -> bytes:
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(("number", "text"))
    writer.writerows(enumerate(texts))
    return stream.getvalue().encode()


def _model_alone(settings: Settings, texts: Sequence[str]) -> float:
    model = tickets.champion(settings)
    with _on_core(SERVER_CORE):
        model.answer(texts[:BATCH])
        started = time.perf_counter()
        for start in range(0, len(texts), BATCH):
            model.answer(texts[start : start + BATCH])
        return len(texts) / (time.perf_counter() - started)


def _score(settings: Settings, content: bytes) -> Job:
    """Hand the file in, and wait for its end."""
    parts = (content[start : start + PART_BYTES] for start in range(0, len(content), PART_BYTES))
    with tickets.open_desk(settings) as desk:
        (job,) = desk.put([desk.file(SERVICE, "reviews.csv", parts, order=Order("benchmark", "benchmark"))])
        assert isinstance(job, Job)
        deadline = time.monotonic() + SECONDS
        while not (job := desk.job(job.id)).status.final:
            if time.monotonic() > deadline:
                sys.exit(f"the file is not done after {SECONDS} s")
            time.sleep(0.05)
        assert job.status is Status.FINISHED, job
        return job


def _seconds_of(job: Job) -> float:
    assert job.started_at is not None
    assert job.finished_at is not None
    return (job.finished_at - job.started_at).total_seconds()


@contextmanager
def _on_core(core: int) -> Iterator[None]:
    """Keep this process to one core for a while."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def table(figures: Sequence[Figures]) -> str:
    """The figures in Markdown."""
    first = figures[0]
    lines = [
        f"| {each.model} | {each.alone_per_second:,.0f} | {_share(each, each.one_core_per_second)} | "
        f"{_share(each, each.two_cores_per_second)} | {each.worker_peak_mb:.0f} (idle {each.worker_idle_mb:.0f}) |"
        for each in figures
    ]
    return (
        "## A whole file\n\n"
        f"A CSV of {first.rows:,} texts of some fifty words ({first.megabytes:.1f} MB) as one job of one worker: "
        "read, answered, kept in the durable history and written out. Beside it the same model alone on one core, "
        f"in batches of {BATCH}.\n\n"
        "| model | alone, rows/s | job on one core, rows/s | job on two cores | the worker's MB at the most |\n"
        "|---|--:|--:|--:|--:|\n" + "\n".join(lines)
    )


def _share(figures: Figures, per_second: float) -> str:
    return f"{per_second:,.0f} ({per_second / figures.alone_per_second:.2f} ×)"
