"""Opens the queue that the settings name, with the bells that go with it."""

from __future__ import annotations

from winnow.jobs.bells import Bells, make_bells
from winnow.jobs.queue import Queue
from winnow.jobs.sql_queue import SqlQueue, Terms
from winnow.settings import Settings
from winnow.store import Database


def open_queue(database: Database, settings: Settings) -> tuple[Bells, Queue]:
    """The bells must be closed before the database is."""
    bells = make_bells(database)
    return bells, SqlQueue(database, Terms.of(settings), bells)
