"""A project on a real SQLite file, for the tests of training to work in."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from winnow.domain import Example, PromoteMode, Promotion, Run, Target, Version
from winnow.lifecycle.report import Report
from winnow.lifecycle.training import train
from winnow.project import Project, load_project
from winnow.settings import Settings
from winnow.store import Database, examples, runs, versions

TOYS = Path(__file__).parent / "toys"


class Room:
    """A project folder with its database: what the tests of training work in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.settings = Settings(project=folder)
        self.models = self.settings.folder / "models"
        self.database = Database(self.settings.database_url)
        self.database.migrate()
        self._lines = itertools.count(1)

    def configure(
        self, service: str = "mood", *, candidates: Sequence[Any] = ("toy-words",), more: str = ""
    ) -> Project:
        """Write winnow.toml with this service. `candidates` are names or tables; `more` is TOML for the service."""
        tables = "\n".join(_table(service, candidate) for candidate in candidates)
        (self.folder / "winnow.toml").write_text(
            f'[project]\nname = "room"\n[services.{service}]\ntask = "text-classification"\n{more}\n{tables}\n'
        )
        return load_project(self.folder)

    def add(self, rows: Sequence[tuple[str, Target]], service: str = "mood") -> None:
        """Add examples in one batch."""
        with self.database.write() as connection:
            self.database.lock(connection, "batches")
            batch = examples.open_batch(connection, service, "test")
            values = [(examples.digest(text), Example(text, target, next(self._lines))) for text, target in rows]
            examples.add(connection, service, batch, values)
            examples.accept(connection, batch, len(rows))

    def queue(self, service: str = "mood", promote: PromoteMode | None = None) -> Run:
        """Queue a run that nobody carries out yet."""
        with self.database.write() as connection:
            return runs.create(connection, service, promote)

    def train(
        self, project: Project, service: str = "mood", promote: PromoteMode | None = None, **options: Any
    ) -> Report:
        """Queue a run and carry it out in this process."""
        return train(self.database, project, service, self.queue(service, promote).id, self.models, **options)

    def run(self, run_id: str, service: str = "mood") -> Run:
        """A run as the store has it."""
        with self.database.read() as connection:
            return runs.get(connection, service, run_id)

    def versions(self, service: str = "mood") -> list[Version]:
        """What is registered, oldest first."""
        with self.database.read() as connection:
            return versions.newest(connection, service, 100)[::-1]

    def champion(self, service: str = "mood") -> int | None:
        """The number of the version that answers users."""
        with self.database.read() as connection:
            return versions.champions(connection).get(service)

    def promotions(self, service: str = "mood") -> list[Promotion]:
        """Every change of champion, oldest first."""
        with self.database.read() as connection:
            return versions.promotions_of(connection, service, 100)[::-1]

    def folders(self, service: str = "mood") -> list[str]:
        """What lies in the service's folder of models."""
        folder = self.models / service
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def _table(service: str, candidate: Any) -> str:
    content = {"family": candidate} if isinstance(candidate, str) else candidate
    lines = [f"{key} = {json.dumps(value)}" for key, value in content.items()]
    return "\n".join([f"[[services.{service}.candidates]]", *lines])


def make_moods(count: int, seed: int = 0) -> list[tuple[str, Target]]:
    """Distinct texts with a label that their words give away, most of the time."""
    chance = random.Random(seed)
    words = {"happy": ["sun", "smile", "joy"], "sad": ["rain", "tears", "grief"]}
    rows: list[tuple[str, Target]] = []
    for number in range(count):
        label = ("happy", "sad")[number % 2]
        told = label if chance.random() < 0.9 else {"happy": "sad", "sad": "happy"}[label]
        rows.append((f"{chance.choice(words[told])} {chance.choice(words[told])} number {number}", label))
    return rows
