"""Real projects and real servers for tests.

project = make_project(tmp_path / "shop")
train_directly(project, "sentiment")
with Server(project, log_format="json") as server:
    httpx2.get(f"{server.url}/services")

Fixtures made of these are in `tests/conftest.py`: `trained_project`, `project_copy` and `trained_server`.
"""

from __future__ import annotations

import csv
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from winnow import plugins
from winnow.domain import Example, Examples, Status, Target, Version, new_id, no_progress, now
from winnow.models.base import Candidate
from winnow.models.bundle import save_bundle
from winnow.models.linear_candidates import LogisticRegression
from winnow.project import load_project
from winnow.settings import Settings, load_settings
from winnow.store import Database, examples, runs, versions
from winnow.tasks.base import Task
from winnow.tasks.text_classification import TextClassification

SAMPLES = (
    Path(__file__).parent.parent / "examples" / "sentiment" / "reviews.csv",
    Path(__file__).parent.parent / "examples" / "satisfaction" / "avis.csv",
)

SENTIMENT = """
[project]
name = "tests"

[services.sentiment]
task = "text-classification"
description = "Is this review positive?"
input = "text"
label = "label"
labels = ["negative", "positive"]
data = ["reviews.csv"]
candidates = ["logistic-regression"]
"""

_SERVE = (
    "from functools import partial\n"
    "from winnow.api.server import serve\n"
    "from winnow.settings import load_settings\n"
    "serve(load_settings(), partial(print, flush=True))\n"
)
_START_SECONDS = 60.0
_STOP_SECONDS = 40.0


def make_project(folder: Path, toml: str = SENTIMENT) -> Path:
    """Write a project into `folder`, which may be new, with the two sample files beside its winnow.toml."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "winnow.toml").write_text(toml, encoding="utf-8")
    for sample in SAMPLES:
        shutil.copy(sample, folder)
    return folder


def copy_project(project: Path, folder: Path) -> Path:
    """Copy a project that nobody serves, with its database and models."""
    shutil.copytree(project, folder, dirs_exist_ok=True)
    return folder


def settings_of(project: Path) -> Settings:
    """The settings that a server of this project has, unless it is told others."""
    return load_settings(project=project)


def train_directly(
    project: Path,
    service: str = "sentiment",
    *,
    candidate: Candidate | None = None,
    name: str = "logistic-regression",
    metrics: Mapping[str, Any] | None = None,
    gates: Sequence[Mapping[str, Any]] = (),
    promote: bool = True,
    given: Examples | None = None,
) -> int:
    """Add the version that a candidate learns from the service's data files, and return its number.

    Much faster than a run, and as plain: no split, no report, no gate. The examples are loaded the first time;
    where others are `given`, they are learned from instead, and not kept.
    Safe beside a server of the project, which takes a promoted version over as from any other process.
    """
    config = load_project(project).service(service)
    learned = given or read_examples(project, service)
    task: Task = plugins.find(plugins.TASKS, config.task)(config)
    question = task.question(learned.targets)
    model = (candidate or LogisticRegression()).fit(learned, question, no_progress)
    settings = settings_of(project)
    path = f"{service}/{new_id()}/1-{name}"
    bundle = save_bundle(model, settings.folder / "models" / path, task=config.task, golden=learned.inputs[:8])
    version = Version(
        service=service,
        number=0,  # given when it is registered
        run_id="",
        candidate=name,
        parameters=(candidate or LogisticRegression()).parameters,
        metrics=metrics or {},
        gates=gates,
        path=path,
        sha256=bundle.sha256,
        size_bytes=bundle.size_bytes,
        champion=False,
        created_at=now(),
    )
    database = Database(settings.database_url)
    try:
        database.migrate()
        return _register(database, version, None if given else learned, promote=promote)
    finally:
        database.close()


def read_examples(project: Path, service: str) -> Examples:
    """The rows of the data files that winnow.toml names for a service."""
    config = load_project(project).service(service)
    task = TextClassification(config)
    rows: list[tuple[str, Target]] = []
    for name in config.data:
        with (project / name).open(encoding="utf-8", newline="") as file:
            rows += [task.read_row(row) for row in csv.DictReader(file)]
    return Examples([text for text, _ in rows], [target for _, target in rows])


class Server:
    """A real server of a project, in a process of its own, on a free port of this machine.

    As a context it is started and stopped; `start` after `stop` or `kill` serves the same project again. Keywords
    are settings: `Server(project, history="relaxed", workers=2)`. `log` holds what all its starts wrote. Whoever
    asks may do everything, unless `anonymous` says otherwise. The page, which takes its time to load, is served
    with `page=True`.
    """

    url: str
    """Its address, once it has started; another one after each start."""
    process: subprocess.Popen[str]

    def __init__(self, project: Path, **settings: object) -> None:
        self.project = project
        self.log = project / "server.log"
        given = {
            "project": project,
            "port": 0,
            "log_format": "json",
            "anonymous": "admin",
            "page": False,
            **settings,
        }
        self._environment = _clean_environment() | {
            f"WINNOW_{key.upper()}": str(value) for key, value in given.items()
        }

    def start(self) -> Self:
        """Start the process and return once it answers requests."""
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _SERVE],
                env=self._environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,  # so that `kill` reaches its workers too, and Ctrl-C only the tests
            )
        self.url = self._announced()
        return self

    def stop(self) -> None:
        """Ask it to stop, as a supervisor would, and wait until it has."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(
                    f"the server did not stop in {_STOP_SECONDS} s:\n{self.log.read_text()}"
                ) from None
        self._close()

    def kill(self) -> None:
        """End it and its workers with SIGKILL, at once: nothing is written any more."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self._close()

    def log_lines(self) -> list[dict[str, Any]]:
        """The log in JSON, one entry per line."""
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").split("\n") if line]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _announced(self) -> str:
        """The address, which the process prints when it is ready."""
        assert self.process.stdout is not None
        readable, _, _ = select.select([self.process.stdout], [], [], _START_SECONDS)
        url = self.process.stdout.readline().strip() if readable else ""
        if not url:
            self.kill()
            raise AssertionError(f"the server did not start:\n{self.log.read_text(encoding='utf-8')}")
        return url

    def _close(self) -> None:
        if self.process.stdout is not None:
            self.process.stdout.close()


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Return as soon as the condition holds; fail where it does not within so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not so after {seconds} s"
        time.sleep(0.02)


def _register(database: Database, version: Version, learned: Examples | None, *, promote: bool) -> int:
    """Add examples (once), a finished run and its version, and promote that if asked to."""
    service = version.service
    with database.write() as connection:
        database.lock(connection, "batches")
        if learned is not None and not examples.count(connection, service):
            batch = examples.open_batch(connection, service, "upload:tests")
            pairs = zip(learned.inputs, learned.targets, strict=True)
            rows = [(examples.digest(text), Example(text, target)) for text, target in pairs]
            examples.add(connection, service, batch, rows)
            examples.accept(connection, batch, len(rows))
        run = runs.create(connection, service)
        runs.end(connection, run.id, Status.FINISHED)
        number = versions.next_number(connection, service)
        versions.add(connection, replace(version, number=number, run_id=run.id))
        if promote:
            versions.promote(connection, service, number, reasons=["a test wants it"])
    return number


def _clean_environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith(("WINNOW_", "PROMETHEUS_"))}
