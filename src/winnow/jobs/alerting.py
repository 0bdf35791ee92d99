"""Alerting: looks at every rule, and brings the alerts in line. A chore of every process; they take turns."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from datetime import timedelta

from loguru import logger
from sqlalchemy import Connection

from winnow.domain import Alert, AlertState, Measurement, Run, now
from winnow.monitoring import alerts as life
from winnow.monitoring.rules import (
    PROJECT_RULES,
    SERVICE_RULES,
    Finding,
    ProjectFacts,
    ServiceFacts,
)
from winnow.settings import Settings
from winnow.store import alerts, job_counts, measurements, runs, traffic, turns, versions, workers
from winnow.workspace import Workspace

WINDOW = timedelta(minutes=5)
"""The last minutes, of which error rate and latency are."""
FORGOTTEN_AFTER = timedelta(days=1)
"""After how long a worker that never came back is forgotten, and its alert ends."""
_TURN = "alerts"


class Alerting:
    """The chore. `problem_of` says why a service's newest champion does not answer in this process."""

    def __init__(self, workspace: Workspace, settings: Settings, problem_of: Callable[[str], str | None]) -> None:
        self._workspace = workspace
        self._database = workspace.database
        self._folder = settings.folder
        self._every = timedelta(seconds=0.9 * settings.monitor_seconds)  # a clock set back costs no round
        self._hold = timedelta(minutes=workspace.project.alerts.hold_minutes)
        self._problem_of = problem_of
        self._runs: dict[str, Run] = {}

    async def do(self) -> None:
        """One round, where it is this process's turn."""
        await asyncio.to_thread(self._take_turn)

    def _take_turn(self) -> None:
        with self._database.write(lasting=False) as connection:
            if not turns.take(connection, _TURN, self._every):
                return
            workers.forget_silent(connection, FORGOTTEN_AFTER)
            alerts.forget(connection, now() - life.KEPT_FOR)
        self.look()

    def look(self) -> list[Alert]:
        """Put every rule to the facts of this moment, and return the alerts that opened or were resolved by it."""
        findings = self._find()
        with self._database.write() as connection:
            self._database.lock(connection, life.LOCK)
            changed = life.settle(connection, findings, now(), self._hold)
        for alert in changed:
            _log(alert)
        return changed

    def _find(self) -> life.Findings:
        found: dict[tuple[str, str], Finding] = {}
        with self._database.read() as connection:
            for service in self._workspace.project.services:
                facts = self._of_service(connection, service)
                for rule in SERVICE_RULES:
                    if (finding := rule.find(facts)) is not None:
                        found[rule.name, service] = finding
            whole = self._of_project(connection)
        for project_rule in PROJECT_RULES:
            if (finding := project_rule.find(whole)) is not None:
                found[project_rule.name, ""] = finding
        return found

    def _of_service(self, connection: Connection, service: str) -> ServiceFacts:
        return ServiceFacts(
            config=self._workspace.config(service),
            run=self._newest_run(connection, service),
            measurement=_of_champion(connection, service),
            traffic=traffic.recent(connection, service, now() - WINDOW),
            problem=self._problem_of(service),
        )

    def _newest_run(self, connection: Connection, service: str) -> Run | None:
        """The newest run that ended by itself. Its report, which is large, is read once."""
        run_id = runs.latest_ended(connection, service)
        if run_id is None:
            return None
        known = self._runs.get(service)
        if known is None or known.id != run_id:
            known = self._runs[service] = runs.get(connection, service, run_id)
        return known

    def _of_project(self, connection: Connection) -> ProjectFacts:
        moment = now()
        due_since = job_counts.due_since(connection)
        silent = {worker.name: moment - worker.seen_at for worker in workers.known(connection)}
        return ProjectFacts(
            requirements=self._workspace.project.alerts,
            waiting_s=None if due_since is None else (moment - due_since).total_seconds(),
            silent_s={name: silence.total_seconds() for name, silence in silent.items()},
            free_gb=shutil.disk_usage(self._folder).free / 1e9,
        )


def _of_champion(connection: Connection, service: str) -> Measurement | None:
    """The newest measurement, where it is of the version that answers now."""
    champion = versions.champion(connection, service)
    newest = measurements.newest(connection, service, 1)
    if champion is None or not newest or newest[0].version != champion.number:
        return None
    return newest[0]


def _log(alert: Alert) -> None:
    """Name what opened or ended. The sentence, which may quote a label, is in the store."""
    where = f"'{alert.service}'" if alert.service else "the project"
    if alert.state is AlertState.OPEN:
        logger.warning("alert {} on {} opened: {} is required", alert.rule, where, alert.requirement)
    else:
        logger.info("alert {} on {} is resolved", alert.rule, where)
