"""Erasures: goes through the texts that are kept, a page at a time, and forgets those that are to be erased."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, Table, delete, func, select, update

from winnow.domain import Status
from winnow.store import blobs, job_files
from winnow.store import jobs as stored_jobs
from winnow.store.database import Database
from winnow.store.listed import listed
from winnow.store.schema import batches, examples, feedback, jobs, predictions

PAGE = 1_000
JOBS_PAGE = 50
"""Rows that are looked at, or forgotten, in one transaction. A job may have thousands of inputs."""

_ERASED = {"kind": "erased", "detail": "erased on request"}


def inputs(
    database: Database, table: Table, service: str | None, exact: str | None
) -> Iterator[list[tuple[str, str]]]:
    """Pages of (id, input) of the examples or the predictions; where `exact`, only of inputs that equal it."""
    query = select(table.c.id, table.c.input)
    if exact is not None:
        query = query.where(table.c.input == exact)
    for page in _pages(database, query, table, service, PAGE):
        yield [(row["id"], row["input"]) for row in page]


def pending_jobs(database: Database, service: str | None) -> Iterator[list[RowMapping]]:
    """Pages of jobs whose payload is still kept, with whatever in them may hold a text."""
    columns = (jobs.c.id, jobs.c.service, jobs.c.kind, jobs.c.status, jobs.c.payload, jobs.c.result, jobs.c.error)
    query = select(*columns).where(jobs.c.payload.is_not(None))
    yield from _pages(database, query, jobs, service, JOBS_PAGE)


def _pages(
    database: Database, query: Select[Any], table: Table, service: str | None, size: int
) -> Iterator[list[RowMapping]]:
    """Rows in order of their ids, each page in a transaction of its own: nobody waits for the whole."""
    if service is not None:
        query = query.where(table.c.service == service)
    ordered, after = query.order_by(table.c.id).limit(size), ""
    while True:
        with database.read() as connection:
            page = list(connection.execute(ordered.where(table.c.id > after)).mappings())
        if not page:
            return
        yield page
        after = page[-1]["id"]


def feedback_on(connection: Connection, ids: Collection[str]) -> int:
    """How many of these predictions people spoke on."""
    of_these = feedback.c.prediction_id.in_(listed(connection, ids))
    return connection.scalar(select(func.count()).select_from(feedback).where(of_these)) or 0


def forget_predictions(connection: Connection, ids: Collection[str]) -> tuple[int, int]:
    """Forget predictions, and what people said of them; returns how many of each."""
    of_these = feedback.c.prediction_id.in_(listed(connection, ids))
    spoken = connection.execute(delete(feedback).where(of_these)).rowcount
    gone = connection.execute(delete(predictions).where(predictions.c.id.in_(listed(connection, ids)))).rowcount
    return gone, spoken


def forget_examples(connection: Connection, ids: Collection[str]) -> tuple[int, int]:
    """Forget examples, and the feedback that made them; batches have so many rows less. Returns how many of each.

    Call it under the lock named "batches".
    """
    chosen = examples.c.id.in_(listed(connection, ids))
    spoken = connection.execute(delete(feedback).where(feedback.c.example_id.in_(listed(connection, ids)))).rowcount
    of_batches = Counter(connection.scalars(select(examples.c.batch_id).where(chosen)))
    for batch, count in of_batches.items():
        fewer = batches.c.rows - count
        connection.execute(update(batches).where(batches.c.id == batch).values(rows=fewer))
    return connection.execute(delete(examples).where(chosen)).rowcount, spoken


def forget_job(connection: Connection, ticket: str, *, said: bool) -> None:
    """Forget what a job was asked and what it found, and cancel it where it has not ended.

    The job itself stays, as one whose result has expired. `said` is whether its error holds the text too.
    """
    going = select(jobs.c.status).where(jobs.c.id == ticket).with_for_update()
    if Status(connection.scalar(going) or Status.FINISHED) not in stored_jobs.FINAL:
        stored_jobs.cancel(connection, ticket, timedelta(0))
    gone: dict[str, Any] = {"payload": None, "result": None, "progress": None}
    if said:
        gone["error"] = _ERASED
    connection.execute(update(jobs).where(jobs.c.id == ticket).values(gone))
    job_files.discard(connection, ticket)
    blobs.release(connection, [ticket])


def in_batches(ids: list[str], forget: Callable[[list[str]], tuple[int, int]]) -> tuple[int, int]:
    """Forget so many at a time that others can write in between; returns the sums."""
    sums = (0, 0)
    for start in range(0, len(ids), PAGE):
        first, second = forget(ids[start : start + PAGE])
        sums = sums[0] + first, sums[1] + second
    return sums


def texts_of(job: RowMapping | Mapping[str, Any]) -> list[Any]:
    """The inputs that a job was asked about; none of a file, whose rows are elsewhere."""
    return list((job["payload"] or {}).get("inputs", []))
