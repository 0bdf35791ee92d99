"""The hot path.

`Service.answer` is the one way to a prediction: for HTTP, dialects, the command line and workers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from winnow.domain import Prediction, new_id, now
from winnow.errors import DeadlineExceeded, InvalidInput, Overloaded, WinnowError
from winnow.monitoring.metrics import Metrics
from winnow.project import ServiceConfig
from winnow.serving.admission import Admission
from winnow.serving.batcher import Answered, Batcher
from winnow.serving.journal import Journal
from winnow.serving.loader import Loader
from winnow.tasks.base import Task


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the id of the request, a name for the history, and the seconds that they wait at most.

    `timeout` None means as winnow.toml says.
    """

    request_id: str
    client: str
    timeout: float | None = None


class Service:
    """One question, answered by its champion. Used from one event loop."""

    def __init__(
        self, name: str, config: ServiceConfig, task: Task, loader: Loader, journal: Journal, metrics: Metrics
    ) -> None:
        self.name = name
        self.config = config
        self.task = task
        self.admission = Admission(name, config.serving.max_queue)
        self._current = loader.of(name)
        self._batcher = Batcher(self._current, config.serving.max_batch, metrics.of_batches(name))
        self._journal = journal
        self._timeout = config.serving.timeout_ms / 1000
        self._answered = metrics.predictions.labels(name, "answered")
        self._refused = metrics.predictions.labels(name, "refused")
        self._failed = metrics.predictions.labels(name, "failed")
        self._overloaded = metrics.refusals.labels(name, "overloaded")
        self._late = metrics.refusals.labels(name, "deadline")

    async def answer(self, inputs: Sequence[object], caller: Caller) -> list[Prediction | WinnowError]:
        """One prediction for each input, or that row's own error, in order.

        `Overloaded` and `NotReady` before any work, `DeadlineExceeded` when the caller's time is up,
        `StoreFailed` where the history is durable and could not be written.
        """
        started = time.perf_counter()
        self.check_open(len(inputs))
        self.admission.enter(len(inputs))
        try:
            async with asyncio.timeout(caller.timeout or self._timeout):
                rows = [self._read(value) for value in inputs]
                outcomes = await self._ask([row for row in rows if isinstance(row, str)])
                predictions = self._predictions(rows, outcomes, caller, started)
                await self._journal.keep([row for row in predictions if isinstance(row, Prediction)])
        except TimeoutError as error:
            self._late.inc()
            waited = (time.perf_counter() - started) * 1000
            raise DeadlineExceeded(f"service '{self.name}' had no answer after {waited:.0f} ms") from error
        finally:
            self.admission.leave(len(inputs))
        self._count(predictions)
        return predictions

    def check_open(self, rows: int = 1) -> None:
        """Raise what `answer` would raise before any work. Call it before reading a body."""
        self._current()
        try:
            self.admission.check(rows)
        except Overloaded:
            self._overloaded.inc()
            raise

    def close(self) -> None:
        """Let the batch under way end."""
        self._batcher.close()

    def _count(self, outcomes: Sequence[Prediction | WinnowError]) -> None:
        """Count what the caller will receive: an answer that could not be kept is none."""
        for outcome in outcomes:
            if isinstance(outcome, Prediction):
                self._answered.inc()
            elif isinstance(outcome, InvalidInput):
                self._refused.inc()
            else:
                self._failed.inc()

    def _read(self, value: object) -> str | InvalidInput:
        try:
            return self.task.read_input(value)
        except InvalidInput as error:
            return error

    async def _ask(self, inputs: Sequence[str]) -> list[Answered]:
        return await self._batcher.submit(inputs) if inputs else []

    def _predictions(
        self, rows: Sequence[str | InvalidInput], outcomes: Sequence[Answered], caller: Caller, started: float
    ) -> list[Prediction | WinnowError]:
        """Put the outcomes back beside the rows that were not readable, worded as predictions."""
        latency_ms = (time.perf_counter() - started) * 1000
        answered = iter(outcomes)
        predictions: list[Prediction | WinnowError] = []
        for row in rows:
            if isinstance(row, InvalidInput):
                predictions.append(row)
                continue
            outcome, version = next(answered)
            if isinstance(outcome, WinnowError):
                predictions.append(outcome)
                continue
            predictions.append(
                Prediction(
                    id=new_id(),
                    service=self.name,
                    version=version,
                    input=row,
                    answer=outcome,
                    latency_ms=latency_ms,
                    request_id=caller.request_id,
                    client=caller.client,
                    created_at=now(),
                )
            )
        return predictions
