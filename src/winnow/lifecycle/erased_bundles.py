"""Takes a person's text out of bundles, which hold a few inputs for their self-test.

A bundle is written anew beside the old one, without the text, and the registry is changed in one transaction; only
then the old one goes. What a crash leaves is a folder that no version needs, which the next erasure removes.

    <models>/<service>/<run>/1-linear-svm/           as its run wrote it
    <models>/<service>/<run>.<id>/1-linear-svm/      without the text
"""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path, PurePosixPath

from winnow.domain import Version, new_id
from winnow.errors import StoreFailed
from winnow.lifecycle.erasing import Asked
from winnow.lifecycle.folders import sweep
from winnow.models.bundle import FACTS, golden_texts, save_without
from winnow.store import Database, runs, versions

_RUN = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ANEW = re.compile(rf"{_RUN.pattern}\.{_RUN.pattern}")
_LEFT_ALONE_SECONDS = 3600.0
"""How long a folder that no version needs may belong to an erasure that is under way."""


class Bundles:
    """The bundles of a project, of which some may hold what was asked for."""

    def __init__(self, database: Database, models: Path, asked: Asked) -> None:
        self._database = database
        self._models = models
        self._asked = asked

    def affected(self) -> list[Version]:
        """The versions whose bundle holds it, in order."""
        with self._database.read() as connection:
            known = versions.every(connection, self._asked.service)
        return [version for version in known if self._holds(self._models / version.path)]

    def erase(self) -> list[Version]:
        """Write those bundles anew, and remove what nobody needs and holds it; returns the versions."""
        sweep(self._database, self._models)
        changed = self.affected()
        for version in changed:
            self._rewrite(version)
        self._remove_unneeded()
        return changed

    def _rewrite(self, version: Version) -> None:
        path = PurePosixPath(version.path)
        run = _RUN.match(path.parent.name)
        new = path.parent.with_name(f"{run[0] if run else path.parent.name}.{new_id()}") / path.name
        source, target = self._models / path, self._models / new
        try:
            bundle = save_without(source, target, self._asked.found_in)
            with self._database.write() as connection:
                self._database.lock(connection, version.service)
                moved = versions.move(connection, version, new.as_posix(), bundle.sha256, bundle.size_bytes)
        except OSError as error:
            raise StoreFailed(f"the bundle in {source} could not be written anew: {error}") from error
        _remove(source if moved else target)

    def _remove_unneeded(self) -> None:
        """Remove bundles that hold the text and that no version needs, and what erasures that died have left.

        The order of the looks matters, as in `winnow.lifecycle.folders.sweep`.
        """
        bundles = [facts.parent for facts in self._models.glob(f"*/*/*/{FACTS}")]
        anew = [folder for folder in self._models.glob("*/*.*") if _ANEW.fullmatch(folder.name)]
        with self._database.read() as connection:
            active = runs.active(connection)
        with self._database.read() as connection:
            needed = {self._models / path for path in versions.paths(connection)}
        for bundle in bundles:
            run = _RUN.match(bundle.parent.name)
            if bundle not in needed and not (run and run[0] in active) and self._holds(bundle):
                _remove(bundle)
        for folder in anew:
            if _is_old(folder) and not any(folder in bundle.parents for bundle in needed):
                _remove(folder)

    def _holds(self, folder: Path) -> bool:
        return any(map(self._asked.found_in, golden_texts(folder)))


def _is_old(folder: Path) -> bool:
    try:
        return time.time() - folder.stat().st_mtime > _LEFT_ALONE_SECONDS
    except FileNotFoundError:
        return False


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        raise StoreFailed(f"{folder} holds what was to be erased and cannot be removed: remove it by hand")
    parent = folder.parent
    if parent.is_dir() and not any(parent.iterdir()):
        shutil.rmtree(parent, ignore_errors=True)
