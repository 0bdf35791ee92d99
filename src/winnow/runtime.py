"""The composition root: opens a project for serving, hands out its services, and closes everything in order."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from winnow.errors import NotFound, nearest
from winnow.monitoring.metrics import Metrics
from winnow.serving.journal import Journal
from winnow.serving.loader import Loader
from winnow.serving.service import Service
from winnow.settings import Settings
from winnow.workspace import Workspace


class Runtime:
    """A project being served by this process. Use it as an asynchronous context.

    async with Runtime(load_settings(project=folder)) as runtime:
        predictions = await runtime.service("sentiment").answer(["Lovely."], caller)
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.workspace = Workspace(settings)
        self.metrics = Metrics()
        self.loader = Loader(
            self.workspace.database, self.workspace.models, tuple(self.workspace.project.services), self.metrics
        )
        self._services: dict[str, Service] = {}

    def service(self, name: str) -> Service:
        """What answers for a service; `NotFound` with the nearest name otherwise."""
        try:
            return self._services[name]
        except KeyError:
            raise NotFound(f"there is no service '{name}'.{nearest(name, self._services)}") from None

    async def __aenter__(self) -> Self:
        """Open the store, load every champion, and be ready to answer."""
        self.workspace.open()
        self._journal = Journal(self.workspace.database, self.settings.history, self.metrics.of_journal())
        for name, config in self.workspace.project.services.items():
            task = self.workspace.tasks[name]
            self._services[name] = Service(name, config, task, self.loader, self._journal, self.metrics)
        await self.loader.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop watching, let batches end, write what the journal holds, close the store."""
        await self.loader.close()
        for service in self._services.values():
            service.close()
        await self._journal.close()
        self.workspace.close()
