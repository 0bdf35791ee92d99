"""A real `Service` (admission, batcher, journal, store) in front of a toy model whose pace the test sets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.serving.toys import IN_A_THREAD, ToyModel
from winnow.domain import History
from winnow.monitoring.metrics import Metrics
from winnow.monitoring.traffic import Tally
from winnow.project import ServiceConfig
from winnow.serving.batcher import Loaded
from winnow.serving.journal import Journal
from winnow.serving.loader import Loader
from winnow.serving.reader import Reader
from winnow.serving.service import Caller, Service
from winnow.store import Database
from winnow.tasks.text_classification import TextClassification


@asynccontextmanager
async def toy_service(folder: Path, model: ToyModel, **serving: int) -> AsyncIterator[Service]:
    """The toy as champion of the service `toys`, with these bounds in its winnow.toml."""
    config = ServiceConfig.model_validate({"task": "text-classification", "serving": serving})
    database, metrics = Database(f"sqlite:///{folder / 'winnow.db'}"), Metrics()
    database.migrate()
    loader = Loader(database, folder, {"toys": TextClassification.sample}, metrics)
    loader._loaded["toys"] = Loaded(model, 1, IN_A_THREAD)
    journal = Journal(database, History.DURABLE, metrics.of_journal())
    service = Service("toys", config, Reader(TextClassification(config)), loader, journal, metrics, Tally())
    try:
        yield service
    finally:
        model.gate.set()
        service.close()
        await journal.close()
        database.close()


def caller(timeout: float | None = None) -> Caller:
    return Caller(request_id="request", client="proof", timeout=timeout)
