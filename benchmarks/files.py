"""A whole file as one job, beside the model alone.

Both have one core. The model alone is given the same texts in batches of 256, and nothing is read, kept or written.
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


@dataclass(frozen=True, slots=True)
class Figures:
    """Rows a second of the file job and of the model alone, and the most memory that the worker had."""

    rows: int
    megabytes: float
    job_per_second: float
    model_per_second: float
    worker_peak_mb: float
    worker_idle_mb: float

    @property
    def share(self) -> float:
        """How much of the model's own pace the job has."""
        return self.job_per_second / self.model_per_second

    def as_json(self) -> dict[str, Any]:
        """As the raw figures are kept."""
        return {**asdict(self), "share": self.share}


def measure_file(folder: Path, candidate: Mapping[str, Any], rounds: int, rows: int) -> Figures:
    """The model alone and the job in turn; medians of all rounds."""
    settings = load_settings(project=make_project(folder, candidate))
    texts = _texts(rows)
    content = _csv(texts)
    alone, job, peaks, idle = zip(*(_measure_once(settings, texts, content) for _ in range(rounds)), strict=True)
    return Figures(rows, len(content) / 1e6, median(job), median(alone), max(peaks), median(idle))


def _measure_once(settings: Settings, texts: Sequence[str], content: bytes) -> tuple[float, float, float, float]:
    alone = _model_alone(settings, texts)
    with tickets.worker(settings) as pid:
        time.sleep(3)  # let it start, so that its memory without work is seen
        idle = servers.peak_memory_mb(pid)
        job = _score(settings, content)
        return alone, len(texts) / _seconds_of(job), servers.peak_memory_mb(pid), idle


def _texts(rows: int) -> list[str]:
    """Reviews with a number each: no two rows are the same."""
    reviews = sample_texts(REVIEWS, "text", 200)
    return [f"{reviews[row % len(reviews)][:80]} {row}" for row in range(rows)]


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


def table(figures: Figures) -> str:
    """The figures in Markdown."""
    return (
        "## A whole file\n\n"
        f"A CSV of {figures.rows:,} short texts ({figures.megabytes:.1f} MB) as one job: read, answered, kept in "
        "the durable history and written out by one worker on one core. Beside it the same model alone on that "
        f"core, in batches of {BATCH}.\n\n"
        "| | rows/s | × model alone |\n|---|--:|--:|\n"
        f"| the model alone | {figures.model_per_second:,.0f} | 1.00 |\n"
        f"| a file job | {figures.job_per_second:,.0f} | {figures.share:.2f} |\n\n"
        f"The worker had {figures.worker_peak_mb:.0f} MB at the most, and {figures.worker_idle_mb:.0f} MB before."
    )
