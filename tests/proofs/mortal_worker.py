"""A real worker that can be told where to die: `python -m tests.proofs.mortal_worker done:3`.

It works on the jobs of the project that the environment names until SIGTERM, as `winnow worker` does. Told of a
fate, it sends itself SIGKILL, or another signal (`done:3:SIGSTOP`), the third time that it comes to a window:

- leased: it holds jobs, and has not begun them
- working: its model is in the middle of a batch
- done: the work is done, and nothing of it is saved
- telling: a chunk of a file is about to be committed
- saved: it is committed, and the worker does not know yet
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

from sqlalchemy import Connection

from winnow.domain import Input, Outcome, Prediction
from winnow.errors import ModelFailed
from winnow.jobs.queue import Queue
from winnow.models.base import Model
from winnow.runtime import Runtime
from winnow.settings import Settings, load_settings
from winnow.store import Database, jobs
from winnow.store.jobs import Ending, Lease

BREAKING = "break "
"""The model breaks on texts that begin so."""


class Fate:
    """Where this process ends: a window, and which pass through it. Without words it does not."""

    def __init__(self, words: str = "") -> None:
        window, count, name = ([*words.split(":"), "", ""])[:3]
        self._window = window
        self._left = int(count or 1)
        self._signal = signal.Signals[name or "SIGKILL"]
        self._lock = threading.Lock()
        self.alone = threading.Lock()
        """Held by whoever writes: a process that is stopped is not in the middle of another transaction."""

    def pass_through(self, window: str) -> None:
        """Say where the process is. It may not come back from here."""
        if window != self._window:
            return
        with self._lock:
            self._left -= 1
            if self._left == 0:
                # to this very thread: sent to the process, it may let this one go on for a while
                signal.pthread_kill(threading.get_ident(), self._signal)


class MortalQueue:
    """A queue at whose doors the worker may die. Everything else is the queue's own."""

    def __init__(self, queue: Queue, fate: Fate) -> None:
        self._queue = queue
        self._fate = fate

    def __getattr__(self, name: str) -> Any:
        return getattr(self._queue, name)

    def lease(self, *args: Any, **kwargs: Any) -> list[Lease]:
        leases = self._queue.lease(*args, **kwargs)
        if leases:
            self._fate.pass_through("leased")
        return leases

    def settle(self, endings: Sequence[Ending], predictions: Sequence[Prediction] = ()) -> set[str]:
        with self._fate.alone:
            self._fate.pass_through("done")
        settled = self._queue.settle(endings, predictions)
        self._fate.pass_through("saved")
        print(f"settled {len(settled)} of {len(endings)}", flush=True)  # noqa: T201  (the log is this one's own)
        return settled


class MortalModel:
    """A model that may take its process down half-way through a batch, and breaks on some texts."""

    def __init__(self, model: Model, fate: Fate) -> None:
        self._model = model
        self._fate = fate

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def answer(self, inputs: Sequence[Input]) -> list[Outcome]:
        if any(isinstance(value, str) and value.startswith(BREAKING) for value in inputs):
            raise ModelFailed("the model broke, as it was told to")
        half = self._model.answer(inputs[: len(inputs) // 2])
        self._fate.pass_through("working")
        return [*half, *self._model.answer(inputs[len(inputs) // 2 :])]


async def work(settings: Settings, fate: Fate) -> None:
    """Work until SIGTERM, or until one's fate."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with Runtime(settings) as runtime:
        runtime._queue = cast("Queue", MortalQueue(runtime._queue, fate))
        loaded = runtime.loader._loaded
        for service, current in loaded.items():
            loaded[service] = replace(current, model=cast("Model", MortalModel(current.model, fate)))
        _watch_chunks(fate)
        _watch_writers(runtime.workspace.database, fate)
        async with runtime.worker():
            print("it works", flush=True)  # noqa: T201
            await stopped.wait()


def _watch_chunks(fate: Fate) -> None:
    tell = jobs.tell

    def told(*args: Any, **kwargs: Any) -> bool:
        held = tell(*args, **kwargs)
        fate.pass_through("telling")
        return held

    jobs.tell = told


def _watch_writers(database: Database, fate: Fate) -> None:
    write = database.write

    @contextmanager
    def written(*, lasting: bool = True) -> Iterator[Connection]:
        with fate.alone, write(lasting=lasting) as connection:
            yield connection

    database.write = written  # type: ignore[method-assign]


if __name__ == "__main__":
    asyncio.run(work(load_settings(), Fate(*sys.argv[1:])))
