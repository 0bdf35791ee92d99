"""What counting traffic costs on the hot path: `Service.answer` with it and without it, in turns, in one process.

    python benchmarks/live.py

prints what a request takes both ways at its best, the ratio of the two, and what one count costs by itself.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from serving import REVIEWS
from winnow.monitoring.traffic import Tally
from winnow.runtime import Runtime
from winnow.serving.service import Caller, Service
from winnow.settings import load_settings

PROJECT = """
[project]
name = "bench"

[services.sentiment]
task = "text-classification"
label = "label"
labels = ["negative", "positive"]
candidates = ["linear-svm"]
"""
SERVICE = "sentiment"
CALLER = Caller("request", "bench")
TEXT = "It arrived late and the box was open, but what was in it works as it should."


class NoTally(Tally):
    """Counts nothing."""

    def answered(self, inputs: int, milliseconds: float | None = None) -> None:
        """Nothing."""


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--requests", type=int, default=3000, help="in each round, each way")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="winnow-bench-") as name:
        asyncio.run(_measure(Path(name), arguments.rounds, arguments.requests))


async def _measure(folder: Path, rounds: int, requests: int) -> None:
    (folder / "winnow.toml").write_text(PROJECT)
    async with Runtime(load_settings(project=folder, history="off", monitor_seconds=86_400)) as runtime:
        await asyncio.to_thread(_train, runtime)
        await runtime.loader.refresh()
        both = {tally: _service(runtime, tally) for tally in (Tally(), NoTally())}
        seconds: dict[Tally, list[float]] = {tally: [] for tally in both}
        for _ in range(rounds):
            for tally, service in both.items():
                seconds[tally].append(await _ask(service, requests))
        counted, uncounted = (min(entries) / requests * 1e6 for entries in seconds.values())  # undisturbed
        print(f"a request in process: {counted:.1f} us counted, {uncounted:.1f} us not")
        print(f"ratio: {counted / uncounted:.3f}")
        print(f"one count by itself: {_count_alone():.2f} us")


def _train(runtime: Runtime) -> None:
    runtime.workspace.load(SERVICE, REVIEWS, name=REVIEWS.name)
    run = runtime.workspace.start_run(SERVICE)
    runtime.workspace.watch_run(SERVICE, run.id, lambda _progress: None)


def _service(runtime: Runtime, tally: Tally) -> Service:
    """The runtime's own service once more, but for what counts its traffic."""
    config, reader = runtime.workspace.config(SERVICE), runtime.workspace.readers[SERVICE]
    journal = runtime._journal  # noqa: SLF001  (the very one that serving has)
    return Service(SERVICE, config, reader, runtime.loader, journal, runtime.metrics, tally)


async def _ask(service: Service, requests: int) -> float:
    began = time.perf_counter()
    for _ in range(requests):
        await service.answer([TEXT], CALLER)
    return time.perf_counter() - began


def _count_alone(times: int = 200_000) -> float:
    """Microseconds."""
    tally = Tally()
    began = time.perf_counter()
    for _ in range(times):
        tally.answered(1, 1.7)
    return (time.perf_counter() - began) / times * 1e6


if __name__ == "__main__":
    main()
