"""The folder of models: where a run writes bundles, and who may remove them.

    <models>/<service>/.staging-<run>/1-linear-svm/    while the run is under way
    <models>/<service>/<run>/1-linear-svm/             once it has placed them; the registry holds this path

A bundle is placed before the transaction that registers it, so that a registered one is always there. A crash
between the two leaves a folder that nobody needs; the next run of any service sweeps it.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from winnow.errors import StoreFailed
from winnow.settings import Settings
from winnow.store import Database, runs, versions

_STAGING = ".staging-"
_RUN = re.compile(r"(?:\.staging-)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


def models_folder(settings: Settings) -> Path:
    """Where the bundles of this project live; absolute."""
    return settings.folder / "models"


class Staging:
    """A run's own folder, which nobody reads before it is placed."""

    def __init__(self, models: Path, service: str, run_id: str) -> None:
        self._models = models
        self._placed = models / service / run_id
        self.folder = staging_folder(models, service, run_id)

    def bundle(self, position: int, candidate: str) -> Path:
        """Where a candidate's bundle is written. Any name will do: only its harmless letters are taken."""
        letters = re.sub(r"[^A-Za-z0-9_-]+", "-", candidate).strip("-")[:60]
        return self.folder / (f"{position}-{letters}" if letters else str(position))

    def place(self) -> None:
        """Give the whole folder its final name, durably."""
        try:
            self.folder.rename(self._placed)
            for folder in (self._placed.parent, self._models):
                _make_durable(folder)
        except OSError as error:
            raise StoreFailed(f"the models in {self.folder} could not be put in place: {error}") from error

    def registered_path(self, bundle: Path) -> str:
        """Return a bundle's path, once placed, relative to the folder of models."""
        return (self._placed / bundle.relative_to(self.folder)).relative_to(self._models).as_posix()

    def remove(self, database: Database) -> None:
        """Remove what the run has written, unless the registry needs it after all."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._placed.exists() and not _needed(self._placed, self._models, database):
            shutil.rmtree(self._placed, ignore_errors=True)


@contextmanager
def staged(database: Database, models: Path, service: str, run_id: str) -> Iterator[Staging]:
    """Open a run's folder, which is removed where the block raises."""
    staging = Staging(models, service, run_id)
    staging.folder.mkdir(parents=True)
    try:
        yield staging
    except BaseException:
        staging.remove(database)
        raise


def staging_folder(models: Path, service: str, run_id: str) -> Path:
    """Where a run that is under way writes."""
    return models / service / f"{_STAGING}{run_id}"


def sweep(database: Database, models: Path) -> list[Path]:
    """Remove the folders of runs that died, and return them.

    The order of the three looks matters. A folder that is seen belongs to a run that existed before: it is still
    active, or it has ended, and then the versions that it registered are seen too.
    """
    found = [path for path in models.glob("*/*") if _RUN.fullmatch(path.name)]
    if not found:
        return []
    with database.read() as connection:
        active = runs.active(connection)
    with database.read() as connection:
        needed = {models / path for path in versions.paths(connection)}
    dead = [
        path
        for path in found
        if _run_of(path) not in active and not any(path in bundle.parents for bundle in needed)
    ]
    for path in dead:
        shutil.rmtree(path, ignore_errors=True)
    return dead


def _run_of(path: Path) -> str:
    match = _RUN.fullmatch(path.name)
    return match[1] if match else ""


def _needed(placed: Path, models: Path, database: Database) -> bool:
    """Whether a version lives in this folder. A commit that seemed to fail may have been made."""
    try:
        with database.read() as connection:
            return any(placed in (models / path).parents for path in versions.paths(connection))
    except StoreFailed:
        return True  # the next sweep will know


def _make_durable(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
