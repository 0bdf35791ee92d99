"""The hot path.

`Service.answer` is the one way to a prediction: for HTTP, dialects and the command line. Workers come in one step
later, at `Service.predict`, and keep the predictions together with the results of their jobs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from winnow.domain import Input, Prediction, most_probable, new_ids, now
from winnow.errors import DeadlineExceeded, InvalidInput, Overloaded, StoreFailed, WinnowError
from winnow.monitoring.metrics import Metrics
from winnow.monitoring.traffic import Tally
from winnow.project import ServiceConfig
from winnow.serving.admission import Admission
from winnow.serving.batcher import Answered, Batcher, Loaded
from winnow.serving.journal import Journal
from winnow.serving.loader import MAX_OTHERS, Loader
from winnow.serving.reader import Reader
from winnow.store.blobs import reference


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the id of the request, a name for the history, and the seconds that they wait at most.

    `timeout` None means as winnow.toml says. `ticket` is that of the job that the answers are for.
    """

    request_id: str
    client: str
    timeout: float | None = None
    ticket: str | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """How to answer. `version` is a number, or a candidate's name for its newest version; None is the champion.

    `top_k` is how many of the most probable labels an answer carries, most probable first; None is as winnow.toml
    says.
    """

    version: int | str | None = None
    top_k: int | None = None


AS_USUAL = Options()


class Service:
    """One question, answered by its champion, or by another version when asked to. Used from one event loop."""

    def __init__(
        self,
        name: str,
        config: ServiceConfig,
        reader: Reader,
        loader: Loader,
        journal: Journal,
        metrics: Metrics,
        tally: Tally,
    ) -> None:
        self.name = name
        self.config = config
        self.reader = reader
        self.admission = Admission(name, config.serving.max_queue)
        self._loader = loader
        self._current = loader.of(name)
        self._metrics = metrics
        self._tally = tally
        self._batcher = self._make_batcher(self._current)
        self._others: dict[int, Batcher] = {}
        self._journal = journal
        self._timeout = config.serving.timeout_ms / 1000
        self._top_k = config.serving.top_k
        self._answered = metrics.predictions.labels(name, "answered")
        self._refused = metrics.predictions.labels(name, "refused")
        self._failed = metrics.predictions.labels(name, "failed")
        self._overloaded = metrics.refusals.labels(name, "overloaded")
        self._late = metrics.refusals.labels(name, "deadline")

    async def answer(
        self, inputs: Sequence[object], caller: Caller, options: Options = AS_USUAL
    ) -> list[Prediction | WinnowError]:
        """One prediction for each input, or that row's own error, in order.

        `Overloaded` and `NotReady` before any work, `DeadlineExceeded` when the caller's time is up,
        `NotFound` for a version that there is not, `StoreFailed` where the history is durable and could not be
        written.
        """
        started = time.perf_counter()
        self.check_open(len(inputs), options)
        self.admission.enter(len(inputs))
        try:
            async with asyncio.timeout(caller.timeout or self._timeout):
                rows = await self.read(inputs)
                predictions = await self._predict(rows, caller, options, started)
                await self._journal.keep([row for row in predictions if isinstance(row, Prediction)])
        except TimeoutError as error:
            self._late.inc()
            self._tally.late(len(inputs))
            waited = (time.perf_counter() - started) * 1000
            raise DeadlineExceeded(f"service '{self.name}' had no answer after {waited:.0f} ms") from error
        except StoreFailed:
            self._tally.failed(len(inputs))
            raise
        finally:
            self.admission.leave(len(inputs))
        self._count(predictions, (time.perf_counter() - started) * 1000)
        return predictions

    async def predict(
        self, inputs: Sequence[Input], caller: Caller, options: Options = AS_USUAL
    ) -> list[Prediction | WinnowError]:
        """One prediction for each input that was read before, or that row's own error, in order. None is kept.

        There is no admission and no deadline: the caller bounds what it asks. A batch at a time is put to the
        model, so that requests come in between. `NotReady`, `NotFound` as `answer`.
        """
        predictions = await self.rehearse(inputs, caller, options)
        self._count(predictions)
        return predictions

    async def rehearse(
        self, inputs: Sequence[Input], caller: Caller, options: Options = AS_USUAL
    ) -> list[Prediction | WinnowError]:
        """As `predict`, for answers that no user asked for: they are counted nowhere."""
        if options.version is None:
            self._current()
        predictions: list[Prediction | WinnowError] = []
        for begin in range(0, len(inputs), self.config.serving.max_batch):
            batch = inputs[begin : begin + self.config.serving.max_batch]
            predictions += await self._predict(batch, caller, options, time.perf_counter())
        return predictions

    async def chosen(self, options: Options) -> Loaded:
        """The model that would answer. `NotReady`, `NotFound` as `answer`."""
        if options.version is None:
            return self._current()
        return await self._loader.chosen(self.name, options.version)

    async def keep(self, predictions: Sequence[Prediction]) -> None:
        """Keep what `predict` returned in the history, as `answer` does."""
        await self._journal.keep(predictions)

    async def read(self, values: Sequence[object]) -> list[Input | InvalidInput]:
        """The inputs that a request holds, or what is wrong with each. Files are read beside the event loop."""
        if self.reader.files:
            return await asyncio.to_thread(self.reader.read_all, values)
        return self.reader.read_all(values)

    def check_open(self, rows: int = 1, options: Options = AS_USUAL) -> None:
        """Raise what `answer` would raise before any work: no champion to answer, or no room."""
        if options.version is None:
            self._current()
        self.check_room(rows)

    def check_room(self, rows: int = 1) -> None:
        """`Overloaded` where so many rows would be refused. Call it before reading a body."""
        try:
            self.admission.check(rows)
        except Overloaded:
            self._overloaded.inc()
            self._tally.overloaded(rows)
            raise

    def close(self) -> None:
        """Let the batches under way end."""
        for batcher in (self._batcher, *self._others.values()):
            batcher.close()

    def _count(self, outcomes: Sequence[Prediction | WinnowError], latency_ms: float | None = None) -> None:
        """Count what the caller will receive: an answer that could not be kept is none. None: nobody waited."""
        answered = refused = 0
        for outcome in outcomes:
            if isinstance(outcome, Prediction):
                answered += 1
            elif isinstance(outcome, InvalidInput):
                refused += 1
        if answered:
            self._answered.inc(answered)
            self._tally.answered(answered, latency_ms)
        if answered < len(outcomes):
            self._count_errors(refused, len(outcomes) - answered - refused)

    def _count_errors(self, refused: int, failed: int) -> None:
        if refused:
            self._refused.inc(refused)
            self._tally.refused(refused)
        if failed:
            self._failed.inc(failed)
            self._tally.failed(failed)

    async def _predict(
        self, rows: Sequence[Input | InvalidInput], caller: Caller, options: Options, started: float
    ) -> list[Prediction | WinnowError]:
        inputs = [row for row in rows if not isinstance(row, InvalidInput)]
        batcher = self._batcher if options.version is None else await self._batcher_of(options.version)
        outcomes = await batcher.submit(inputs) if inputs else []
        return self._predictions(rows, outcomes, caller, options.top_k, started)

    async def _batcher_of(self, version: int | str) -> Batcher:
        """The batcher of a version other than the champion, made when it is first asked for."""
        loaded = await self._loader.chosen(self.name, version)
        batcher = self._others.pop(loaded.version, None) or self._make_batcher(lambda: loaded)
        self._others[loaded.version] = batcher  # the last to be forgotten
        while len(self._others) > MAX_OTHERS:
            self._others.pop(next(iter(self._others))).retire()
        return batcher

    def _make_batcher(self, current: Callable[[], Loaded]) -> Batcher:
        return Batcher(current, self.config.serving.max_batch, self._metrics.of_batches(self.name))

    def _predictions(
        self,
        rows: Sequence[Input | InvalidInput],
        outcomes: Sequence[Answered],
        caller: Caller,
        top_k: int | None,
        started: float,
    ) -> list[Prediction | WinnowError]:
        """Put the outcomes back beside the rows that were not readable, worded as predictions."""
        latency_ms = (time.perf_counter() - started) * 1000
        answered = iter(outcomes)
        ids = iter(new_ids(len(outcomes)))
        moment = now()
        predictions: list[Prediction | WinnowError] = []
        for row in rows:
            if isinstance(row, InvalidInput):
                predictions.append(row)
                continue
            outcome, version = next(answered)
            if isinstance(outcome, WinnowError):
                predictions.append(outcome)
                continue
            if top_k is not None or len(outcome["scores"]) > self._top_k:
                outcome = most_probable(outcome, top_k or self._top_k)
            is_text = isinstance(row, str)
            predictions.append(
                Prediction(
                    id=next(ids),
                    service=self.name,
                    version=version,
                    input=row if is_text else reference(row),
                    answer=outcome,
                    latency_ms=latency_ms,
                    request_id=caller.request_id,
                    client=caller.client,
                    created_at=moment,
                    ticket=caller.ticket,
                    blob=None if is_text else row,
                )
            )
        return predictions
