"""Tickets: Winnow's worker beside RQ's and Celery's, the same model in all; and how long a ticket takes.

The worker has one core; whatever else runs (submitter, Redis, PostgreSQL) has another. Jobs are handed in before
the worker starts, and every contestant is measured once in each round.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import joblib

import rivals
import servers
from load import measure, sample_texts
from models import SERVICE, pipeline_of, training_rows
from servers import Running
from serving import MANY, REVIEWS, TOLERANCE, make_project
from stores import postgresql, redis_server
from winnow.domain import JobKind, Status, new_id
from winnow.jobs import opening
from winnow.jobs.desk import Desk, Order
from winnow.models.bundle import load_bundle
from winnow.runtime import Runtime
from winnow.settings import Settings, load_settings, to_environment
from winnow.store import Database, jobs, versions
from winnow.workspace import Workspace

TICKETS = 200
"""One after the other, for the time of a ticket on an idle queue."""
RIVAL_SHARE = 10
"""Rivals are given a tenth of the jobs: they take as long."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Jobs that one worker finishes in a second, and how many times RQ's that is."""

    worker: str
    per_second: float
    ratio: float = 1.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """Milliseconds from submitting a ticket on an idle queue until its result is known."""

    queue: str
    submitter: str
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Submitting:
    """Submissions while a server works on them: how many a second, how long each, and how many the store has."""

    queue: str
    per_second: float
    p50_ms: float
    p99_ms: float
    refused: int
    answered: int
    stored: int


@dataclass(frozen=True, slots=True)
class Figures:
    """All of them."""

    jobs: int
    paces: Sequence[Pace]
    waits: Sequence[Waiting]
    submissions: Sequence[Submitting]

    def as_json(self) -> dict[str, Any]:
        """As the raw figures are kept."""
        return asdict(self)


def measure_all(folder: Path, candidate: Mapping[str, Any], rounds: int, seconds: int, number: int) -> Figures:
    """Everything, on the three queues, with jobs of this candidate."""
    rivals.install()
    with _queues(folder, candidate) as queues:
        paces = _paces(folder, queues, candidate, rounds, number)
        waits = [waiting for name, settings in queues.items() for waiting in _waits(name, settings)]
        submissions = [_submitting(name, settings, seconds) for name, settings in queues.items()]
    return Figures(number, paces, waits, submissions)


@contextmanager
def _queues(folder: Path, candidate: Mapping[str, Any]) -> Iterator[dict[str, Settings]]:
    """The settings of a trained project for each queue."""
    with ExitStack() as stack:
        database, redis = stack.enter_context(postgresql()), stack.enter_context(redis_server())
        embedded = make_project(folder / "embedded", candidate)
        beside = make_project(folder / "beside", candidate, database)
        yield {
            "SQLite": load_settings(project=embedded),
            "PostgreSQL": load_settings(project=beside, database=database),
            "Redis": load_settings(project=embedded, redis=redis),
        }


# Jobs a second


def _paces(
    folder: Path, queues: Mapping[str, Settings], candidate: Mapping[str, Any], rounds: int, number: int
) -> list[Pace]:
    texts = sample_texts(REVIEWS, "text", 200)
    model = _fit_alike(folder, queues["SQLite"], candidate, texts[:50])
    contestants: dict[str, Callable[[], float]] = {
        rival.name: lambda rival=rival: _pace_of_rival(rival, model, _cycle(texts, number // RIVAL_SHARE))  # type: ignore[misc]
        for rival in rivals.all_rivals()
    }
    for name, settings in queues.items():
        contestants[f"Winnow, {name}"] = lambda settings=settings: _pace(settings, _cycle(texts, number))  # type: ignore[misc]
    measured: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, contest in contestants.items():
            measured[name].append(contest())
    paces = [Pace(name, median(figures)) for name, figures in measured.items()]
    return [replace(pace, ratio=pace.per_second / paces[0].per_second) for pace in paces]


def _fit_alike(folder: Path, settings: Settings, candidate: Mapping[str, Any], texts: Sequence[str]) -> Path:
    """Fit the rivals' pipeline on Winnow's rows. Both must answer alike, or the comparison means nothing."""
    inputs, targets = training_rows(settings.project)
    pipeline = pipeline_of(candidate, len(inputs)).fit(inputs, targets)
    labels = [str(label) for label in pipeline.classes_]
    for outcome, scores in zip(champion(settings).answer(texts), pipeline.predict_proba(texts), strict=True):
        assert isinstance(outcome, dict)
        assert all(
            abs(outcome["scores"][label] - score) < TOLERANCE for label, score in zip(labels, scores, strict=True)
        )
    path = folder / "rival.joblib"
    joblib.dump(pipeline, path)
    return path


def champion(settings: Settings) -> Any:
    """The model that answers for the service."""
    database = Database(settings.database_url)
    with database.read() as connection:
        version = versions.get(connection, SERVICE, versions.champions(connection)[SERVICE])
    database.close()
    return load_bundle(settings.folder / "models" / version.path, version.sha256)


def _pace_of_rival(rival: rivals.Rival, model: Path, texts: Sequence[str]) -> float:
    with redis_server() as url:
        environment = rivals.environment(url, model)
        rival.submit(texts, environment)
        with servers.process(rival.worker, environment):
            return _observe(lambda: rival.finished(url), len(texts))


def _pace(settings: Settings, texts: Sequence[str]) -> float:
    with open_desk(settings) as desk:
        for start in range(0, len(texts), 500):
            desk.put([_job(desk, text) for text in texts[start : start + 500]])
    database = Database(settings.database_url)
    before = finished(database)
    with worker(settings):
        pace = _observe(lambda: finished(database) - before, len(texts))
    database.close()
    return pace


@contextmanager
def worker(settings: Settings, cores: Sequence[int] = (servers.SERVER_CORE,)) -> Iterator[int]:
    """`winnow worker` on the servers' core, or on these: its process id."""
    command = [sys.executable, "-m", "winnow", "worker"]
    environment = {**to_environment(settings), "WINNOW_LOG_LEVEL": "warning"}
    with servers.process(command, environment, cores) as (pid, _):
        yield pid


@contextmanager
def open_desk(settings: Settings) -> Iterator[Desk]:
    """A desk in this process, which works on nothing."""
    with Workspace(settings) as workspace, opening.open_desk(workspace) as (desk, _):
        yield desk


def finished(database: Database) -> int:
    """How many jobs are finished."""
    with database.read() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM jobs WHERE status = 'finished'").scalar_one())


def _job(desk: Desk, text: str) -> jobs.NewJob:
    return desk.predict(SERVICE, [text], several=False, order=Order(new_id(), "benchmark"))


def _observe(count: Callable[[], int], number: int) -> float:
    """Jobs a second, from when a tenth of them is finished (the model is loaded by then) until all are."""
    begun: tuple[int, float] | None = None
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        done, moment = count(), time.perf_counter()
        if done >= number:
            assert begun is not None, "too few jobs to measure: they were finished between two looks"
            return (done - begun[0]) / (moment - begun[1])
        if begun is None and done >= number / 10:
            begun = done, moment
        time.sleep(0.02)
    raise RuntimeError(f"{count()} of {number} jobs are finished after ten minutes")


def _cycle(texts: Sequence[str], number: int) -> list[str]:
    return [texts[index % len(texts)] for index in range(number)]


# A ticket on an idle queue


def _waits(name: str, settings: Settings) -> Iterator[Waiting]:
    yield _waiting(name, "in the worker's process", asyncio.run(_in_process(settings)))
    with servers.winnow(settings.project, log=False, settings=to_environment(settings)) as server:
        yield _waiting(name, "over HTTP", _over_http(server))
    apart = settings.model_copy(update={"concurrency": 0})
    with (
        servers.winnow(settings.project, log=False, settings=to_environment(apart)) as server,
        worker(settings),
    ):
        yield _waiting(name, "over HTTP, worker in another process", _over_http(server))


async def _in_process(settings: Settings) -> list[float]:
    async with Runtime(settings) as runtime, runtime.worker():
        return [await _one_in_process(runtime) for _ in range(TICKETS + 10)]


async def _one_in_process(runtime: Runtime) -> float:
    started = time.perf_counter()
    job = await runtime.intake.put(_job(runtime.desk, "It broke after three days."))
    job = await runtime.watch.ended(job.id, 30)
    assert job.status is Status.FINISHED
    return time.perf_counter() - started


def _over_http(server: Running) -> list[float]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    times = [_one_over_http(connection) for _ in range(TICKETS + 10)]
    connection.close()
    return times


def _one_over_http(connection: http.client.HTTPConnection) -> float:
    started = time.perf_counter()
    body = json.dumps({"input": "It broke after three days."})
    connection.request("POST", f"/services/{SERVICE}/jobs", body, {"Content-Type": "application/json"})
    ticket = json.loads(connection.getresponse().read())["id"]
    connection.request("GET", f"/jobs/{ticket}?wait=30")
    job = json.loads(connection.getresponse().read())
    assert job["status"] == "finished", job
    return time.perf_counter() - started


def _waiting(queue: str, submitter: str, seconds: Sequence[float]) -> Waiting:
    """The first ten are warm-up, not counted."""
    counted = sorted(seconds[10:])
    return Waiting(queue, submitter, median(counted) * 1000, counted[math.ceil(0.99 * len(counted)) - 1] * 1000)


# Submitting under load


def _submitting(name: str, settings: Settings, seconds: int) -> Submitting:
    """A server that works on jobs beside taking them in, under as many submitters as it is given requests."""
    texts = sample_texts(REVIEWS, "text", 200)
    given = to_environment(settings) | {"WINNOW_MAX_QUEUED": "10000000"}
    with servers.winnow(settings.project, log=False, settings=given) as server:
        before = _stored(settings)
        measured = measure(replace(server, path=f"/services/{SERVICE}/jobs"), texts, MANY, seconds)
        stored = _stored(settings) - before
        _empty(settings)
    # wrk leaves without waiting for the last answers: up to one for each connection
    assert 0 <= stored - (measured.answered - measured.errors) <= MANY, (stored, measured)
    return Submitting(
        name,
        measured.per_second,
        measured.p50_ms,
        measured.p99_ms,
        measured.errors,
        measured.answered,
        stored,
    )


def _stored(settings: Settings) -> int:
    database = Database(settings.database_url)
    with database.read() as connection:
        stored = int(connection.exec_driver_sql("SELECT count(*) FROM jobs").scalar_one())
    database.close()
    return stored


def _empty(settings: Settings) -> None:
    """Wait until all of them are done: the next one finds an idle queue."""
    database = Database(settings.database_url)
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        with database.read() as connection:
            if not jobs.waits(connection, [JobKind.PREDICT], [SERVICE]):
                break
        time.sleep(0.2)
    database.close()


def table(figures: Figures) -> str:
    """The figures in Markdown."""
    paces = [f"| {pace.worker} | {pace.per_second:,.0f} | {pace.ratio:.1f} |" for pace in figures.paces]
    waits = [f"| {row.queue} | {row.submitter} | {row.p50_ms:.1f} | {row.p99_ms:.1f} |" for row in figures.waits]
    submissions = [
        f"| {row.queue} | {row.per_second:,.0f} | {row.p50_ms:.1f} | {row.p99_ms:.1f} | {row.answered:,} | "
        f"{row.stored:,} | {row.refused} |"
        for row in figures.submissions
    ]
    head = (
        "## Tickets\n\n"
        f"{figures.jobs:,} jobs of one text each, handed in before; for RQ and Celery a tenth as many. One worker "
        "on one core, history durable; Redis, PostgreSQL and the submitter on another. RQ with its SimpleWorker "
        f"and Celery with its solo pool ({', '.join(rivals.RIVALS)}) keep their jobs in a Redis that writes "
        "nothing to the disk. All of them answer with the same model (scores equal to 1e-9), loaded once.\n\n"
        "| worker | jobs/s | × RQ |\n|---|--:|--:|"
    )
    waiting = (
        f"{TICKETS} tickets, one after the other, on an idle queue: from submitting until the end is known.\n\n"
        "| queue | submitted | p50 ms | p99 ms |\n|---|---|--:|--:|"
    )
    submitting = (
        f"`POST /services/{SERVICE}/jobs` over {MANY} connections to a server that works on the jobs beside. wrk "
        "leaves before the last answers, so the store may have a few more.\n\n"
        "| queue | tickets/s | p50 ms | p99 ms | answered | in the store | refused |\n|---|--:|--:|--:|--:|--:|--:|"
    )
    parts = ([head, *paces], [waiting, *waits], [submitting, *submissions])
    return "\n\n".join("\n".join(part) for part in parts)
