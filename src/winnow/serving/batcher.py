"""The batcher: greedy micro-batching, with no timer.

An idle model starts at once with whatever waits. While it is busy, requests gather, and all that gathered is the
next batch. So one caller alone never waits for others, and many callers share the model's fixed cost.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from loguru import logger

from winnow.domain import Input, Outcome
from winnow.errors import ModelFailed
from winnow.models.base import Model
from winnow.monitoring.metrics import BatchMetrics

ON_THE_SPOT_SECONDS = 0.002
"""A batch that will take less is answered in the event loop's own thread: handing it over would cost more."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model in memory: its version, and how long it takes for a character (measured when it was warmed up)."""

    model: Model
    version: int
    seconds_per_char: float


Answered = tuple[Outcome, int]
"""An outcome with the version that it is of."""


class _Request:
    """The rows of one caller: their outcomes come in one by one, and the future is done with the last."""

    __slots__ = ("future", "missing", "outcomes", "waiting_since")

    def __init__(self, rows: int, future: asyncio.Future[list[Answered]]) -> None:
        self.outcomes: list[Answered | None] = [None] * rows
        self.missing = rows
        self.future = future
        self.waiting_since = time.perf_counter()

    def deliver(self, index: int, answered: Answered) -> None:
        self.outcomes[index] = answered
        self.missing -= 1
        if self.missing == 0 and not self.future.done():
            self.future.set_result(self.outcomes)  # type: ignore[arg-type]  # none is missing


_Row = tuple[_Request, int, Input]

_SWEEP_FROM = 1024
"""Rows that wait before those are looked for whose callers have left."""


class Batcher:
    """Gathers the rows of one service into batches for its model. Used from the event loop's thread only."""

    def __init__(self, current: Callable[[], Loaded], max_batch: int, metrics: BatchMetrics) -> None:
        self._current = current
        self._max_batch = max_batch
        self._metrics = metrics
        self._waiting: deque[_Row] = deque()
        self._sweep_at = _SWEEP_FROM
        self._busy = False
        self._retired = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="winnow-model")

    def submit(self, inputs: Sequence[Input]) -> asyncio.Future[list[Answered]]:
        """One outcome for each input, each with its version. Rows of a cancelled future are never worked on."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[Answered]] = loop.create_future()
        request = _Request(len(inputs), future)
        for index, value in enumerate(inputs):
            self._waiting.append((request, index, value))
        if len(self._waiting) >= self._sweep_at:
            self._sweep()
        if not self._busy:
            self._busy = True
            loop.call_soon(self._start_batch)  # what else arrives in this turn of the loop comes along
        return future

    def close(self) -> None:
        """Let the batch under way end, and take no more."""
        self._thread.shutdown()

    def retire(self) -> None:
        """Take no more, and let the thread go once those who came before have been answered."""
        self._retired = True
        if not self._busy:
            self._thread.shutdown(wait=False)

    def _start_batch(self) -> None:
        rows = self._take()
        if not rows:
            self._busy = False
            if self._retired:
                self._thread.shutdown(wait=False)
            return
        loop = asyncio.get_running_loop()
        loaded = self._current()
        inputs = [value for _, _, value in rows]
        self._metrics.started(len(rows), time.perf_counter() - rows[0][0].waiting_since)
        if loaded.seconds_per_char * sum(map(len, inputs)) < ON_THE_SPOT_SECONDS:
            self._deliver(rows, loaded, _answer(loaded.model, inputs))
            loop.call_soon(self._start_batch)
        else:
            work = loop.run_in_executor(self._thread, _answer, loaded.model, inputs)
            work.add_done_callback(lambda done: self._after_thread(rows, loaded, done))

    def _sweep(self) -> None:
        """Forget rows whose callers have left: while a model hangs, callers come and go, and nothing is taken."""
        self._waiting = deque(row for row in self._waiting if not row[0].future.done())
        self._sweep_at = _SWEEP_FROM + 2 * len(self._waiting)

    def _take(self) -> list[_Row]:
        """Up to a batch of the rows whose callers still wait."""
        rows: list[_Row] = []
        while self._waiting and len(rows) < self._max_batch:
            row = self._waiting.popleft()
            if not row[0].future.done():
                rows.append(row)
        return rows

    def _after_thread(
        self, rows: list[_Row], loaded: Loaded, done: asyncio.Future[tuple[list[Outcome], float]]
    ) -> None:
        self._deliver(rows, loaded, done.result())
        self._start_batch()

    def _deliver(self, rows: list[_Row], loaded: Loaded, answered: tuple[list[Outcome], float]) -> None:
        outcomes, seconds = answered
        self._metrics.finished(seconds)
        for (request, index, _), outcome in zip(rows, outcomes, strict=True):
            request.deliver(index, (outcome, loaded.version))


def _answer(model: Model, inputs: Sequence[Input]) -> tuple[list[Outcome], float]:
    """The model's outcomes and the seconds that they took. Where a batch breaks, its rows are tried one by one."""
    started = time.perf_counter()
    try:
        outcomes = model.answer(inputs)
    except Exception:  # noqa: BLE001  (a model may break in any way; one bad row must fail alone)
        outcomes = []
    if len(outcomes) != len(inputs):  # it broke, or lost count: then nobody knows whose answer is whose
        outcomes = [_answer_alone(model, value) for value in inputs]
    return outcomes, time.perf_counter() - started


def _answer_alone(model: Model, value: Input) -> Outcome:
    try:
        (outcome,) = model.answer([value])
    except ModelFailed as error:
        return error
    except Exception as error:  # noqa: BLE001  (as above)
        logger.opt(exception=error).error("the model '{}' broke on an input of length {}", model.family, len(value))
        return ModelFailed(f"the model broke on this input: {type(error).__name__}")
    return outcome
