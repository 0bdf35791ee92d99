"""The end of a process: whoever waits for long is let go before the server waits for them."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def told_to_stop(let_go: Callable[[], None]) -> Iterator[None]:
    """Call `let_go` in the event loop when the process is asked to stop, as well as whoever else is told.

    The server first waits for requests under way and closes the application then: too late for those that wait for
    something.
    """
    if threading.current_thread() is not threading.main_thread():  # there are no signals elsewhere
        yield
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def stop(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(let_go)
        others = before[signal.Signals(number)]
        if callable(others):
            others(number, frame)

    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, others in before.items():
            if signal.getsignal(number) is stop:
                signal.signal(number, others)
