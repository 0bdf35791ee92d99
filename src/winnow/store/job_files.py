"""Files of jobs: what was handed in to be answered, and what came of it, in parts of about a megabyte.

They live in the one database, so that a worker on any machine finds them, and a part of the result is committed
together with how far the job is.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Literal

from sqlalchemy import Connection, and_, delete, func, insert, select

from winnow.domain import now
from winnow.store.database import Database
from winnow.store.listed import listed
from winnow.store.schema import job_files, jobs

Name = Literal["input", "result"]


def add_part(connection: Connection, ticket: str, name: Name, number: int, content: bytes) -> None:
    """Append a part; numbers count from 0. A part that is there already is an IntegrityError."""
    row = {"job_id": ticket, "name": name, "number": number, "content": content, "created_at": now()}
    connection.execute(insert(job_files).values(row))


def parts(database: Database, ticket: str, name: Name) -> Iterator[bytes]:
    """The parts in order, each in a transaction of its own: a download may take as long as it likes."""
    number = 0
    while True:
        with database.read() as connection:
            of_part = (job_files.c.job_id == ticket, job_files.c.name == name, job_files.c.number == number)
            content: bytes | None = connection.scalar(select(job_files.c.content).where(*of_part))
        if content is None:
            return
        yield content
        number += 1


def size(connection: Connection, ticket: str, name: Name) -> int:
    """Bytes of all parts."""
    total = select(func.coalesce(func.sum(func.length(job_files.c.content)), 0))
    return int(connection.scalar(total.where(job_files.c.job_id == ticket, job_files.c.name == name)) or 0)


def discard(connection: Connection, ticket: str) -> None:
    """Forget the files of a job."""
    connection.execute(delete(job_files).where(job_files.c.job_id == ticket))


def discard_abandoned(connection: Connection, older_than: timedelta, limit: int) -> int:
    """Forget files that arrived so long ago and whose job never did; returns of how many jobs, up to `limit`."""
    known = select(jobs.c.id).where(jobs.c.id == job_files.c.job_id).exists()
    old = and_(job_files.c.created_at < now() - older_than, job_files.c.number == 0)
    tickets = set(connection.scalars(select(job_files.c.job_id).where(old, ~known).limit(limit)))
    connection.execute(delete(job_files).where(job_files.c.job_id.in_(listed(connection, tickets))))
    return len(tickets)
