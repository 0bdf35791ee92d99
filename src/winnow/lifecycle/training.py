"""A run: all candidates of a service learn from one snapshot, and the best takes over if it may.

`train` does it in this process and knows nothing of who asked. `winnow.lifecycle.trainer` gives it a process of its
own.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from winnow.errors import Cancelled, TrainingFailed
from winnow.lifecycle.conclusion import conclude, describe
from winnow.lifecycle.contenders import Contest, Failed, Fitted
from winnow.lifecycle.folders import Staging, staged, sweep
from winnow.lifecycle.lesson import Lesson, prepare_lesson
from winnow.lifecycle.progress import Board, Listener, nobody
from winnow.lifecycle.report import Report
from winnow.lifecycle.splitting import RULE, TEST_SHARE
from winnow.models.bundle import library_versions
from winnow.project import CandidateSpec, Project, ServiceConfig
from winnow.store import Database, examples, runs

BASELINE = "majority"


def train(
    database: Database, project: Project, service: str, run_id: str, models: Path, listener: Listener = nobody
) -> Report:
    """Carry out a queued run, and return its report, which the store then holds too.

    `TrainingFailed` says why nothing could be learned, `Cancelled` that `listener` or the store ended the run.
    Whatever is raised, no version, no promotion and no file of the run remain. Saying in the store that it failed
    is left to the caller.
    """
    began = time.perf_counter()
    config = project.service(service)
    board = Board([spec.name for spec in config.candidates], listener)
    sweep(database, models)
    snapshot = _start(database, service, run_id)
    board.stage("reading the examples", 0.0)
    lesson = prepare_lesson(database, service, config, snapshot)
    contest = Contest(lesson, config.task, project.folder, board)
    with staged(database, models, service, run_id) as staging:
        contenders = [
            contest.enter(spec, staging.bundle(position, spec.name))
            for position, spec in enumerate(config.candidates, start=1)
        ]
        _require_one_fitted(contenders)
        baseline = _baseline(contest, contenders, staging)
        board.stage("putting the models in place", 0.96)
        staging.place()
        while True:
            board.stage("comparing with the champion", 0.97)
            champion = contest.measure_champion(database, models, service)
            board.stage("registering the versions", 0.99)
            draft = _draft(run_id, service, snapshot, config, lesson, baseline, time.perf_counter() - began)
            report = conclude(database, config, staging, draft, contenders, champion)
            if report is not None:
                return report


def _start(database: Database, service: str, run_id: str) -> int:
    """Mark the run as this process's, and fix the snapshot that it learns from."""
    with database.write() as connection:
        snapshot = examples.latest_snapshot(connection, service)
        if snapshot is None:
            raise TrainingFailed(f"service '{service}' has no examples to learn from: add some first")
        if not runs.start(connection, run_id, os.getpid(), snapshot):
            raise Cancelled("the run was cancelled before it began")
    return snapshot


def _require_one_fitted(contenders: Sequence[Fitted | Failed]) -> None:
    failures = [contender for contender in contenders if isinstance(contender, Failed)]
    if len(failures) == len(contenders):
        listed = "; ".join(f"{failure.spec.name}: {failure.error}" for failure in failures)
        raise TrainingFailed(f"no candidate could learn: {listed}")


def _baseline(contest: Contest, contenders: Sequence[Fitted | Failed], staging: Staging) -> Fitted | Failed:
    """What the simplest candidate achieves, so that the others' figures mean something."""
    for contender in contenders:
        if contender.spec.family == BASELINE:
            return contender
    folder = staging.bundle(0, BASELINE)
    baseline = contest.enter(CandidateSpec(family=BASELINE, name=BASELINE), folder)
    shutil.rmtree(folder, ignore_errors=True)  # measured, not registered
    return baseline


def _draft(
    run_id: str,
    service: str,
    snapshot: int,
    config: ServiceConfig,
    lesson: Lesson,
    baseline: Fitted | Failed,
    seconds: float,
) -> Report:
    """The report as far as it does not depend on the champion of the moment."""
    return {
        "run": run_id,
        "service": service,
        "task": config.task,
        "snapshot": snapshot,
        "primary_metric": lesson.task.primary_metric,
        "counts": lesson.counts,
        "split": {"rule": RULE, "test_share": TEST_SHARE},
        "candidates": [],
        "baseline": describe(baseline),
        "champion": None,
        "decision": {"promoted": None, "chosen": None, "reasons": []},
        "seconds": seconds,
        "libraries": library_versions(),
    }
