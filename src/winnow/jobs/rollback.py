"""Automatic rollback: a champion that people correct far more often than the one before gives its place back.

Only services whose winnow.toml says so. A chore of every process; they take turns.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from loguru import logger
from sqlalchemy import Connection

from winnow.domain import Promotion, now
from winnow.jobs.measuring import quality_of
from winnow.lifecycle import registry
from winnow.monitoring import alerts as life
from winnow.monitoring.drift import significantly_lower
from winnow.monitoring.metrics import Metrics
from winnow.monitoring.rules import Finding
from winnow.store import turns, versions
from winnow.workspace import Workspace

CHANCE = 0.01
"""How likely it may be, at most, that a champion which is as good as the one before looks so much worse."""
_TURN = "rollback"


@dataclass(frozen=True, slots=True)
class Contest:
    """A promotion, and how often each of the two versions was right by what people said."""

    promotion: Promotion
    previous: int
    right: int
    rows: int
    previous_right: int
    previous_rows: int

    @property
    def accuracy(self) -> float:
        """The champion's, since its promotion."""
        return self.right / self.rows

    @property
    def previous_accuracy(self) -> float:
        """That of the version before."""
        return self.previous_right / self.previous_rows

    @property
    def chance(self) -> float:
        """How likely the champion would look so bad if it were as good."""
        return significantly_lower(self.right, self.rows, self.previous_right, self.previous_rows)

    def describe(self) -> str:
        """The figures in a sentence."""
        return (
            f"people found version {self.promotion.version} right in {self.right} of {self.rows} predictions since "
            f"its promotion ({self.accuracy:.3f}), and version {self.previous} in {self.previous_right} of "
            f"{self.previous_rows} ({self.previous_accuracy:.3f}); by chance alone that would happen with a "
            f"probability of {self.chance:.2g}"
        )


class Rollback:
    """The chore, once in `seconds` in all processes together."""

    def __init__(self, workspace: Workspace, seconds: float, metrics: Metrics) -> None:
        self._workspace = workspace
        self._database = workspace.database
        self._every = timedelta(seconds=0.9 * seconds)  # a clock set back costs no round
        self._metrics = metrics
        services = workspace.project.services
        self._watched = [name for name, config in services.items() if config.retrain.rollback == "automatic"]

    async def do(self) -> None:
        """Look at each service that is to be rolled back by itself."""
        if self._watched:
            await asyncio.to_thread(self._take_turn)

    def _take_turn(self) -> None:
        with self._database.write(lasting=False) as connection:
            if not turns.take(connection, _TURN, self._every):
                return
        for service in self._watched:
            self.look_at(service)

    def look_at(self, service: str) -> Promotion | None:
        """Roll a service back where its champion is significantly worse, and return that change of champion."""
        with self._database.read() as connection:
            contest = self._contest(connection, service)
        if contest is None or contest.chance >= CHANCE:
            return None
        return self._give_back(service, contest)

    def _contest(self, connection: Connection, service: str) -> Contest | None:
        """The champion against the one before; None where it took over from none, or too few people spoke."""
        newest = versions.promotions_of(connection, service, 1)
        if not newest or newest[0].kind != "promote" or newest[0].previous is None:
            return None
        promotion, previous = newest[0], newest[0].previous
        task, enough = self._workspace.tasks[service], self._workspace.config(service).alerts.feedback
        right, rows = quality_of(connection, task, service, promotion.version, promotion.created_at)
        previous_right, previous_rows = quality_of(connection, task, service, previous)
        if rows < enough or previous_rows < enough:
            return None
        return Contest(promotion, previous, right, rows, previous_right, previous_rows)

    def _give_back(self, service: str, contest: Contest) -> Promotion | None:
        """Roll back and open the alert, in one transaction; None where the champion is another one by now."""
        told = contest.describe()
        with self._database.write() as connection:
            self._database.lock(connection, service)
            newest = versions.promotions_of(connection, service, 1)
            if newest[0].id != contest.promotion.id:
                return None
            promotion = registry.give_back(connection, service, [f"by itself: {told}"])
            self._database.lock(connection, life.LOCK)
            required = f"not significantly below {contest.previous_accuracy:.4g}"
            detail = f"version {promotion.version} is the champion again: {told}"
            finding = Finding(contest.accuracy, required, detail)
            life.report(connection, service, finding, now())
        self._metrics.rollbacks.labels(service).inc()
        logger.warning("'{}' was rolled back to version {} by itself", service, promotion.version)
        return promotion
