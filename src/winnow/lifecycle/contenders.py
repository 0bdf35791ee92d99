"""The contenders of a run: each candidate, learned, written down and tested; and the champion they challenge."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from loguru import logger

from winnow.errors import Cancelled, WinnowError
from winnow.lifecycle.evaluation import Evaluation, evaluate
from winnow.lifecycle.lesson import Lesson
from winnow.lifecycle.progress import Board
from winnow.models.base import Candidate, make_candidate
from winnow.models.bundle import Bundle, load_bundle, save_bundle
from winnow.monitoring.profile import Mix, Profile, count_targets, count_words
from winnow.project import CandidateSpec
from winnow.store import Database, versions


@dataclass(frozen=True, slots=True)
class Fitted:
    """A candidate that learned. `parameters` are all that it learned with, defaults included."""

    spec: CandidateSpec
    parameters: Mapping[str, Any]
    bundle: Bundle
    evaluation: Evaluation
    fit_seconds: float
    profile: Profile


@dataclass(frozen=True, slots=True)
class Failed:
    """A candidate that did not, and why. It does not keep the others from learning."""

    spec: CandidateSpec
    error: str


@dataclass(frozen=True, slots=True)
class Champion:
    """The version that answers users, on this run's test rows; `evaluation` is None where `error` says why."""

    number: int
    evaluation: Evaluation | None
    error: str | None = None


@dataclass(frozen=True)
class Contest:
    """What the contenders of one run have in common."""

    lesson: Lesson
    task: str
    project_folder: Path
    board: Board

    def enter(self, spec: CandidateSpec, folder: Path) -> Fitted | Failed:
        """Let it learn, write its bundle into `folder` and test what was written. Raises only `Cancelled`."""
        try:
            return self._fit(spec, make_candidate(spec, self.project_folder, self.task), folder)
        except Cancelled:
            raise
        except Exception as error:  # noqa: BLE001  (a candidate may be anybody's code; the others go on)
            shutil.rmtree(folder, ignore_errors=True)
            return Failed(spec, _sentence(f"candidate {spec.name}", error))
        finally:
            self.board.finished(spec.name)

    def _fit(self, spec: CandidateSpec, candidate: Candidate, folder: Path) -> Fitted:
        lesson = self.lesson
        began = time.perf_counter()
        model = candidate.fit(lesson.train, lesson.question, self.board.fitting(spec.name))
        fit_seconds = time.perf_counter() - began
        bundle = save_bundle(model, folder, task=self.task, golden=lesson.golden)
        # Tested is what will be served: the model as it comes back from disk.
        evaluation = evaluate(
            load_bundle(bundle.folder, bundle.sha256),
            lesson.test,
            lesson.task,
            lesson.question,
            size_bytes=bundle.size_bytes,
            progress=self.board.testing(spec.name),
        )
        profile = Profile(evaluation.answered, count_targets(lesson.test.targets), self._words)
        return Fitted(spec, candidate.parameters, bundle, evaluation, fit_seconds, profile)

    @cached_property
    def _words(self) -> Mix | None:
        """The words of all examples, which are the same for every contender."""
        lesson = self.lesson
        return None if lesson.task.reads_files else count_words([*lesson.train.inputs, *lesson.test.inputs])

    def measure_champion(self, database: Database, models: Path, service: str) -> Champion | None:
        """Put the same test rows to the champion; None where the service has none yet.

        A champion that cannot be used has no figures. It must not keep a sound version from taking its place.
        """
        with database.read() as connection:
            version = versions.champion(connection, service)
        if version is None:
            return None
        lesson = self.lesson
        try:
            model = load_bundle(models / version.path, version.sha256)
            evaluation = evaluate(model, lesson.test, lesson.task, lesson.question, size_bytes=version.size_bytes)
        except Exception as error:  # noqa: BLE001  (nor must one whose package is gone or broken)
            reason = _sentence(f"version {version.number}", error)
            return Champion(version.number, None, f"version {version.number} cannot be used: {reason}")
        return Champion(version.number, evaluation)


def _sentence(what: str, error: Exception) -> str:
    """What happened, for the report. Of an error that nobody worded, the log gets the whole story."""
    if isinstance(error, WinnowError):
        return str(error)
    logger.opt(exception=error).error("{} failed", what)
    return f"{type(error).__name__}: {error}"
