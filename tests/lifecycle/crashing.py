"""Kills training at every boundary between two steps, and looks at what is left. Run by `test_crash.py`.

    python tests/lifecycle/crashing.py PATTERN SCRATCH STRIDE

PATTERN is a project folder whose service `mood` has a champion. Again and again the folder is copied, and a forked
process trains it and kills itself with SIGKILL at its n-th boundary: n is every STRIDE-th, and at the run's end,
where versions are registered and the best is promoted, every other one at least. A boundary is before and after
each SQL statement and commit, each change to the file system, and each call of a function in the modules that carry
a run out.

This process has one thread, so that it may fork. It writes how many deaths ended in nothing and in everything.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

from winnow.domain import Status
from winnow.lifecycle import conclusion, folders, training
from winnow.lifecycle.registry import load_version
from winnow.lifecycle.training import train
from winnow.models import bundle
from winnow.project import load_project
from winnow.settings import Settings
from winnow.store import Database, runs, versions

STEPS = {module.__file__ for module in (training, conclusion, folders, runs, versions, bundle)}
THE_END = 70  # boundaries, from before the models are put in place
CALLS = {"execute", "commit", "fsync", "rename", "mkdir", "rmdir", "unlink"}


class Killer:
    """Counts boundaries, and kills this process at the n-th."""

    def __init__(self, at: int) -> None:
        self._at = at
        self.passed = 0

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        compiled = event.startswith("c_")
        if argument.__name__ in CALLS if compiled else frame.f_code.co_filename in STEPS:
            self.passed += 1
            if self.passed == self._at:
                os.kill(os.getpid(), signal.SIGKILL)


def train_here(folder: Path, run_id: str | None = None) -> str:
    """Train the project in this folder; returns the run's id."""
    settings = Settings(project=folder)
    database = Database(settings.database_url)
    if run_id is None:
        run_id = queue(folder)
    train(database, load_project(folder), "mood", run_id, settings.folder / "models")
    database.close()
    return run_id


def queue(folder: Path) -> str:
    database = Database(Settings(project=folder).database_url)
    with database.write() as connection:
        run = runs.create(connection, "mood")
    database.close()
    return run.id


def killed_at(boundary: int, folder: Path, run_id: str) -> bool:
    """Train in a process of its own; whether it was killed before it came through."""
    child = os.fork()
    if child == 0:
        sys.setprofile(Killer(boundary))
        train_here(folder, run_id)
        sys.setprofile(None)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, f"boundary {boundary}: training failed"
    return os.WIFSIGNALED(status)


def all_or_nothing(folder: Path, run_id: str) -> bool:
    """Whether everything of the run is there. Fails where it is neither everything nor nothing."""
    settings = Settings(project=folder)
    database = Database(settings.database_url)
    with database.read() as connection:
        run = runs.get(connection, "mood", run_id)
        numbers = [version.number for version in versions.newest(connection, "mood", 10)]
        promotions = [promotion.version for promotion in versions.promotions_of(connection, "mood", 10)]
        champion = versions.champions(connection)["mood"]
    for number in numbers:
        load_version(database, settings.folder / "models", "mood", number)
    database.close()
    found = (run.status, run.report is not None, numbers, promotions, champion)
    everything = (Status.FINISHED, True, [3, 2, 1], [2, 1], 2)
    nothing = [(status, False, [1], [1], 1) for status in (Status.QUEUED, Status.STARTED)]
    assert found == everything or found in nothing, f"neither everything nor nothing: {found}"
    return found == everything


def recovers(folder: Path, run_id: str, *, kept: bool) -> None:
    """The service can be trained again, and then nothing is left of what died."""
    settings = Settings(project=folder)
    database = Database(settings.database_url)
    with database.write() as connection:
        runs.fail_silent(connection, timedelta(seconds=-1))
        ended = runs.get(connection, "mood", run_id).status
    assert ended is (Status.FINISHED if kept else Status.FAILED)
    next_run = train_here(folder)
    with database.read() as connection:
        needed = {path.split("/")[1] for path in versions.paths(connection)}
        newest = versions.champions(connection)["mood"]
    database.close()
    assert newest == (4 if kept else 2)
    assert {path.name for path in (settings.folder / "models" / "mood").iterdir()} == needed
    assert next_run in needed
    assert (run_id in needed) == kept


def count_boundaries(folder: Path) -> int:
    """How many boundaries a run that nobody kills passes. It also imports all that the children will need."""
    run_id = queue(folder)
    train_here(folder, run_id)
    killer = Killer(0)
    run_id = queue(folder)
    sys.setprofile(killer)
    train_here(folder, run_id)
    sys.setprofile(None)
    return killer.passed


def main() -> None:
    pattern, scratch, stride = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    shutil.copytree(pattern, scratch / "unharmed")
    boundaries = count_boundaries(scratch / "unharmed")
    the_end = max(1, boundaries - THE_END)
    ended = {"nothing": 0, "everything": 0, "unharmed": 0}
    for turn, boundary in enumerate([*range(1, the_end, stride), *range(the_end, boundaries + 5, min(stride, 2))]):
        folder = scratch / str(boundary)
        shutil.copytree(pattern, folder)
        run_id = queue(folder)
        killed = killed_at(boundary, folder, run_id)
        kept = all_or_nothing(folder, run_id)
        assert kept or killed, "the run that was not killed did not end well"
        if turn % 5 == 0:
            recovers(folder, run_id, kept=kept)
        ended["unharmed" if not killed else "everything" if kept else "nothing"] += 1
        shutil.rmtree(folder)
    sys.stdout.write(json.dumps(ended))


if __name__ == "__main__":
    main()
