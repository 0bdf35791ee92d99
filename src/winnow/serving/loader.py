"""The loader: sees a new champion, loads it beside the old, warms and tests it, then switches.

The old model answers until the new one has passed its self-test, and ends with the last batch that holds it. A
champion that cannot be loaded leaves the old one where it is.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Mapping
from math import inf
from pathlib import Path

from loguru import logger

from winnow.domain import Input, Version
from winnow.errors import NotReady, WinnowError
from winnow.models.base import Model
from winnow.models.bundle import load_bundle
from winnow.monitoring.metrics import Metrics
from winnow.serving.batcher import Loaded
from winnow.store import Database, versions

POLL_SECONDS = 0.1
"""How often the store is asked for champions: each process sees a promotion well within a second."""
RETRY_SECONDS = 30.0
"""How long a champion that could not be loaded is left alone."""
MAX_OTHERS = 4
"""Versions beside the champions that stay in memory once somebody has asked for them."""


class Loader:
    """Holds the champion of each service in memory and keeps it current; other versions when they are asked for.

    `samples` has an ordinary input for each service, to warm its models up with.
    """

    def __init__(self, database: Database, models: Path, samples: Mapping[str, Input], metrics: Metrics) -> None:
        self._database = database
        self._models = models
        self._samples = samples
        self._metrics = metrics
        self._loaded: dict[str, Loaded] = {}
        self._others: dict[tuple[str, int], asyncio.Task[Loaded]] = {}
        self._problems: dict[str, str] = {}
        self._refused: dict[tuple[str, int], float] = {}
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Load every champion, then go on watching for new ones."""
        await self.refresh()
        self._watching = asyncio.create_task(self._watch())

    async def close(self) -> None:
        """Stop watching."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)

    def of(self, service: str) -> Callable[[], Loaded]:
        """What gives the champion that is in memory now; `NotReady` where there is none."""

        def current() -> Loaded:
            loaded = self._loaded.get(service)
            if loaded is None:
                reason = self._problems.get(service, f"train it with `winnow train {service}`")
                raise NotReady(f"service '{service}' has no champion yet: {reason}")
            return loaded

        return current

    async def chosen(self, service: str, version: int | str) -> Loaded:
        """The version with this number, or the newest of the candidate with this name; `NotFound` for neither.

        It is loaded where it is not in memory. `BundleRefused` where it cannot be.
        """
        number = version if isinstance(version, int) else await asyncio.to_thread(self._named, service, version)
        champion = self._loaded.get(service)
        if champion is not None and champion.version == number:
            return champion
        key = service, number
        if key not in self._others or _broke(self._others[key]):
            self._others[key] = asyncio.ensure_future(asyncio.to_thread(self._load, service, number))
        loading = self._others[key] = self._others.pop(key)  # the last to be forgotten
        while len(self._others) > MAX_OTHERS:
            self._others.pop(next(iter(self._others)))
        return await asyncio.shield(loading)  # others may wait for it too

    def version(self, service: str) -> int | None:
        """The version that answers in this process."""
        loaded = self._loaded.get(service)
        return None if loaded is None else loaded.version

    def problem(self, service: str) -> str | None:
        """Why the newest champion does not answer, where it does not."""
        return self._problems.get(service)

    async def refresh(self) -> None:
        """Take over every champion that the store has and this process has not."""
        champions = await asyncio.to_thread(self._champions)
        new = [entry for entry in champions.items() if entry[0] in self._samples and self._wanted(*entry)]
        await asyncio.gather(*(self._take_over(*entry) for entry in new))

    def _wanted(self, service: str, number: int) -> bool:
        if number == self.version(service):
            self._problems.pop(service, None)
            return False
        return time.monotonic() >= self._refused.get((service, number), 0.0)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                await self.refresh()
            except Exception as error:  # noqa: BLE001  (whatever it was, the next look may succeed)
                logger.error("champions could not be looked up: {!r}", error)

    async def _take_over(self, service: str, number: int) -> None:
        old = self.version(service)
        try:
            loaded = await asyncio.to_thread(self._load, service, number)
        except Exception as error:  # noqa: BLE001  (a family may be anybody's code; the old model answers on)
            known = isinstance(error, WinnowError)
            self._problems[service] = str(error) if known else f"version {number} broke: {error!r}"
            self._refused[service, number] = time.monotonic() + RETRY_SECONDS
            self._metrics.swaps.labels(service, "refused").inc()
            logger.opt(exception=None if known else error).error(
                "version {} of '{}' cannot take over: {}", number, service, self._problems[service]
            )
            return
        self._loaded[service] = loaded
        _spare_the_collector(replaced=old is not None)
        self._problems.pop(service, None)
        self._metrics.swaps.labels(service, "loaded").inc()
        logger.info("version {} of '{}' answers now (before: {})", number, service, old or "none")

    def _champions(self) -> Mapping[str, int]:
        with self._database.read() as connection:
            return versions.champions(connection)

    def _load(self, service: str, number: int) -> Loaded:
        with self._database.read() as connection:
            version: Version = versions.get(connection, service, number)
        model = load_bundle(self._models / version.path, version.sha256)
        return Loaded(model, number, _warm_up(model, self._samples[service]))

    def _named(self, service: str, candidate: str) -> int:
        with self._database.read() as connection:
            return versions.newest_of(connection, service, candidate).number


def _broke(loading: asyncio.Task[Loaded]) -> bool:
    return loading.done() and (loading.cancelled() or loading.exception() is not None)


def _spare_the_collector(*, replaced: bool) -> None:
    """Keep the collector from walking through vocabularies that live long, again and again.

    A model that was replaced may hold itself in circles, and frozen ones are never seen: thaw, collect, freeze.
    """
    if replaced:
        gc.unfreeze()
        gc.collect()
    gc.freeze()


def _warm_up(model: Model, sample: Input) -> float:
    """Seconds for a character, once the model's first-call costs are paid; the best of three.

    What a file costs does not follow from its size: infinitely many, so that it is never answered on the spot.
    """
    model.answer([sample])
    if not isinstance(sample, str):
        return inf
    times = []
    for _ in range(3):
        started = time.perf_counter()
        model.answer([sample])
        times.append(time.perf_counter() - started)
    return min(times) / len(sample)
