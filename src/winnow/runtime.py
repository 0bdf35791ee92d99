"""The composition root: opens a project at work, hands out its services and its desk, and closes all in order."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from winnow.accounts.authenticator import Authenticator
from winnow.domain import JobKind
from winnow.errors import NotFound, nearest
from winnow.jobs import courier, messenger, presence, retention
from winnow.jobs.alerting import Alerting
from winnow.jobs.chores import Chore, Chores
from winnow.jobs.courier import Courier
from winnow.jobs.desk import Desk
from winnow.jobs.filing import Filing
from winnow.jobs.intake import Intake
from winnow.jobs.measuring import Measuring
from winnow.jobs.messenger import Messenger
from winnow.jobs.opening import open_queue
from winnow.jobs.predicting import Predicting
from winnow.jobs.presence import Presence
from winnow.jobs.retention import Retention
from winnow.jobs.rollback import Rollback
from winnow.jobs.schedule import Schedule
from winnow.jobs.training import Training
from winnow.jobs.watch import Watch
from winnow.jobs.worker import Doer, Worker, worker_name
from winnow.monitoring import traffic
from winnow.monitoring.metrics import Metrics
from winnow.monitoring.notifiers.base import open_notifiers
from winnow.monitoring.traffic import Traffic
from winnow.serving.journal import Journal
from winnow.serving.loader import Loader
from winnow.serving.service import Service
from winnow.settings import Settings
from winnow.workspace import Workspace


class Runtime:
    """A project at work in this process. Use it as an asynchronous context.

    async with Runtime(load_settings(project=folder)) as runtime:
        predictions = await runtime.service("sentiment").answer(["Lovely."], caller)
    """

    desk: Desk
    """Where jobs are handed in and asked for, once the context is entered."""
    intake: Intake
    """Hands jobs in at the desk, many in one commit."""
    watch: Watch
    """Waits for news of jobs."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.workspace = Workspace(settings)
        self.metrics = Metrics()
        self._notifiers = open_notifiers(settings)
        self.traffic = Traffic(self.workspace.database)
        self.authenticator = Authenticator(self.workspace.database, settings)
        self.loader = Loader(
            self.workspace.database,
            self.workspace.models,
            {name: task.sample for name, task in self.workspace.tasks.items()},
            self.metrics,
        )
        self._services: dict[str, Service] = {}

    def service(self, name: str) -> Service:
        """What answers for a service; `NotFound` with the nearest name otherwise."""
        try:
            return self._services[name]
        except KeyError:
            raise NotFound(f"there is no service '{name}'.{nearest(name, self._services)}") from None

    def worker(self, *services: str) -> Worker:
        """Works on jobs while its context is open; on those of all services, or of these."""
        for name in services:
            self.service(name)
        database = self.workspace.database
        doers: dict[JobKind, Doer] = {
            JobKind.PREDICT: Predicting(database, self.service, self.settings),
            JobKind.FILE: Filing(database, self.service, self.settings),
            JobKind.TRAIN: Training(self.workspace, self.settings),
        }
        chores = [
            Chore(retention.EVERY_SECONDS, Retention(database).do),
            Chore(courier.EVERY_SECONDS, Courier(database, self.settings).do),
        ]
        served = services or tuple(self._services)
        name = worker_name()
        known = Presence(database, name, served)
        chores.append(Chore(presence.EVERY_SECONDS, known.beat, known.leave))
        metrics = self.metrics.of_jobs()
        return Worker(self._queue, doers, served, self._bells, self.settings, metrics, chores, name)

    async def __aenter__(self) -> Self:
        """Open the store, load every champion, and be ready to answer."""
        self.workspace.open()
        self._bells, self._queue = open_queue(self.workspace.database, self.settings)
        self._journal = Journal(self.workspace.database, self.settings.history, self.metrics.of_journal())
        for name, config in self.workspace.project.services.items():
            reader = self.workspace.readers[name]
            tally = self.traffic.of(name)
            self._services[name] = Service(name, config, reader, self.loader, self._journal, self.metrics, tally)
        self.desk = Desk(self.workspace.database, self._queue, self.workspace.readers, self.settings)
        self.intake = Intake(self.desk)
        self.watch = Watch(self.workspace.database, self._bells)
        await self.loader.start()
        self._chores = Chores(self._list_chores())
        self._chores.start()
        return self

    def _list_chores(self) -> list[Chore]:
        """What every process that serves or works sees to; what one of them does for all is done in turns."""
        database, services = self.workspace.database, self.workspace.project.services
        seconds = self.settings.monitor_seconds
        return [
            Chore(min(seconds, traffic.EVERY_SECONDS), self.traffic.write),
            Chore(seconds, Measuring(self.workspace, seconds).do),
            Chore(seconds, Schedule(database, self.desk, services, seconds).do),
            Chore(seconds, Rollback(self.workspace, seconds, self.metrics).do),
            Chore(seconds, Alerting(self.workspace, self.settings, self.loader.problem).do),
            *self._list_messages(),
        ]

    def _list_messages(self) -> list[Chore]:
        """Where there is somebody to tell."""
        if not self._notifiers:
            return []
        project, url = self.workspace.project.name, self.settings.public_url
        page = None if url is None else f"{url.rstrip('/')}/ui"
        told = Messenger(self.workspace.database, project, self._notifiers, page)
        return [Chore(messenger.EVERY_SECONDS, told.do)]

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the chores, stop watching, let batches end, write what intake and journal hold, close the store."""
        await self._chores.stop()
        await self.watch.close()
        await self.loader.close()
        for service in self._services.values():
            service.close()
        await self.intake.close()
        await self._journal.close()
        await self.traffic.close()
        self._bells.close()
        self.authenticator.close()
        self.workspace.close()
