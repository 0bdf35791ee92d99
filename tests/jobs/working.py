"""A project at work within the test's own process: jobs are handed in, and a real worker does them.

async with at_work(project) as runtime:
    job = await ended(runtime, hand_in(runtime, runtime.desk.predict(...)))
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from winnow.domain import Job
from winnow.jobs.desk import Order
from winnow.runtime import Runtime
from winnow.settings import load_settings
from winnow.store.jobs import NewJob

ORDER = Order("request", "127.0.0.1")


@asynccontextmanager
async def opened(project: Path, **settings: object) -> AsyncIterator[Runtime]:
    """The project at work, without a worker yet."""
    async with Runtime(load_settings(project=project, retry_seconds=0.05, **settings)) as runtime:
        yield runtime


@asynccontextmanager
async def at_work(project: Path, **settings: object) -> AsyncIterator[Runtime]:
    """The project at work, with a worker."""
    async with opened(project, **settings) as runtime, runtime.worker():
        yield runtime


def hand_in(runtime: Runtime, job: NewJob) -> str:
    """Put a job; returns its ticket."""
    (put,) = runtime.desk.put([job])
    assert isinstance(put, Job)
    return put.id


async def ended(runtime: Runtime, ticket: str) -> Job:
    """The job, once it has ended."""
    await eventually(lambda: runtime.desk.job(ticket).status.final)
    return runtime.desk.job(ticket)


async def eventually(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Return as soon as the condition holds; fail where it does not within so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not so after {seconds} s"
        await asyncio.sleep(0.02)
