"""Measuring: live quality and drift of every champion, by one process at a time, and what gates say of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from winnow.domain import Measurement, Version, new_id, now
from winnow.lifecycle.gates import check_gates
from winnow.monitoring.live import measure_drift, measure_quality
from winnow.monitoring.profile import CHARACTERS, Profile
from winnow.project import Gates
from winnow.store import measurements, profiles, turns, versions
from winnow.tasks.base import Task
from winnow.workspace import Workspace

MOST_PREDICTIONS = 2_000
MOST_FEEDBACK = 1_000
"""How many of a version's newest predictions are looked at, and how many of those that people spoke on."""
OLDEST = timedelta(days=7)
"""What is older is no sign of what inputs look like now. What people said counts however old it is."""
KEPT = 10_000
"""Measurements of one service that are kept."""
SAME_FOR = timedelta(minutes=10)
"""After how long a measurement is written down although it says what the one before said."""


class Measuring:
    """A chore of every process that serves or works; they take turns, one round in `seconds`."""

    def __init__(self, workspace: Workspace, seconds: float) -> None:
        self._workspace = workspace
        self._database = workspace.database
        self._seconds = seconds

    async def do(self) -> None:
        """One round, where it is this process's turn."""
        await asyncio.to_thread(self._round)

    def _round(self) -> None:
        with self._database.write(lasting=False) as connection:
            if not turns.take(connection, "measure", timedelta(seconds=self._seconds)):
                return
        for service in self._workspace.project.services:
            self.measure(service)

    def measure(self, service: str) -> None:
        """Measure a service's champion, and write it down where it says something new, or once in ten minutes."""
        moment = now()
        with self._database.read() as connection:
            champion = versions.champion(connection, service)
            if champion is None:
                return
            measured = self._measure(connection, champion, moment)
            before = measurements.newest(connection, service, 1)
        if before and _same(before[0], measured):
            return
        with self._database.write(lasting=False) as connection:
            measurements.add(connection, measured)
            measurements.prune(connection, service, KEPT)

    def _measure(self, connection: Connection, champion: Version, moment: datetime) -> Measurement:
        service, number = champion.service, champion.number
        task = self._workspace.tasks[service]
        read = 0 if task.reads_files else CHARACTERS
        since = moment - OLDEST
        sample = measurements.sample(connection, service, number, MOST_PREDICTIONS, since, characters=read)
        judged = measurements.judged(connection, service, number, MOST_FEEDBACK)
        known = profiles.find(connection, service, number)
        quality = measure_quality(task, judged)
        return Measurement(
            id=new_id(),
            service=service,
            version=number,
            rows=len(sample.answers),
            feedback=len(judged.targets),
            figures={
                **quality,
                **measure_drift(None if known is None else Profile.from_json(known), sample),
                "gates": judge(self._workspace.config(service).gates, quality),
            },
            created_at=moment,
        )


def judge(gates: Gates, quality: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What each gate says that can be put to live figures: accuracy, f1_macro and recall, where there is a figure.

    In the shape of `winnow.lifecycle.gates.GateResult`.
    """
    recalls = quality["recall"] or {}
    measurable = gates.model_copy(
        update={
            "accuracy": None if quality["accuracy"] is None else gates.accuracy,
            "f1_macro": None if quality["f1_macro"] is None else gates.f1_macro,
            "recall": {label: requirement for label, requirement in gates.recall.items() if label in recalls},
            "latency_p95_ms": None,
            "size_mb": None,
        }
    )
    figures = {
        "accuracy": quality["accuracy"],
        "f1_macro": quality["f1_macro"],
        "labels": {label: {"recall": recall} for label, recall in recalls.items()},
    }
    return [result.to_json() for result in check_gates(measurable, figures) if result.gate != "regression"]


def quality_of(
    connection: Connection, task: Task, service: str, version: int, since: datetime | None = None
) -> tuple[int, int]:
    """How many of a version's newest predictions that people spoke on were right, and how many there are.

    The newest thousand; with `since`, only those that were answered from that moment on.
    """
    judged = measurements.judged(connection, service, version, MOST_FEEDBACK, since)
    return sum(task.correct(judged.targets, judged.answers)), len(judged.targets)


def _same(before: Measurement, measured: Measurement) -> bool:
    """Whether a measurement is not worth writing down beside the one before."""
    facts = [(entry.version, entry.rows, entry.feedback, dict(entry.figures)) for entry in (before, measured)]
    return facts[0] == facts[1] and measured.created_at - before.created_at < SAME_FOR
