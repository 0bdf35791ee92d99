"""Uploads: files of examples as they were sent, in parts of about a megabyte, under the batch that they made.

Parts are stored while nobody sees the batch; the row that says the file is there is written in the transaction that
accepts it. So a file that was refused, or whose loading died, leaves nothing.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, delete, insert, select, union_all, update

from winnow.domain import now
from winnow.errors import Expired, NotFound
from winnow.store.database import Database
from winnow.store.schema import batches, upload_parts, uploads

PART_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Upload:
    """A kept file. `erased_at` is when something of it was erased: since then it is not as it was sent."""

    batch_id: str
    service: str
    name: str
    size_bytes: int
    sha256: str
    erased_at: datetime | None = None


def add_part(connection: Connection, batch: str, number: int, content: bytes) -> None:
    """Append a part; numbers count from 0, and all parts but the last have `PART_BYTES`."""
    connection.execute(insert(upload_parts).values(batch_id=batch, number=number, content=content))


def keep(connection: Connection, upload: Upload) -> None:
    """Say that a file is there, once all of its parts are."""
    values = {name: getattr(upload, name) for name in ("batch_id", "service", "name", "size_bytes", "sha256")}
    connection.execute(insert(uploads).values(values))


def get(connection: Connection, service: str, number: int) -> Upload:
    """The file that made a snapshot. `NotFound` where there is none, `Expired` where all of it was erased."""
    query = select(uploads).join(batches).where(uploads.c.service == service, batches.c.number == number)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFound(f"service '{service}' has no snapshot {number} whose file was kept")
    upload = _upload(row)
    if upload.size_bytes == 0:
        raise Expired(f"the file of snapshot {number} of '{service}' was erased on request")
    return upload


def some(connection: Connection, service: str | None) -> list[Upload]:
    """The files that are kept, of one service or of all, in order of arrival."""
    query = select(uploads).where(uploads.c.size_bytes > 0).order_by(uploads.c.batch_id)
    if service is not None:
        query = query.where(uploads.c.service == service)
    return [_upload(row) for row in connection.execute(query).mappings()]


def part(connection: Connection, batch: str, number: int) -> bytes | None:
    """One part; None behind the last."""
    of_part = (upload_parts.c.batch_id == batch, upload_parts.c.number == number)
    content: bytes | None = connection.scalar(select(upload_parts.c.content).where(*of_part))
    return content


def parts(database: Database, batch: str) -> Iterator[bytes]:
    """The parts in order, each in a transaction of its own: a download may take as long as it likes."""
    number = 0
    while True:
        with database.read() as connection:
            content = part(connection, batch, number)
        if content is None:
            return
        yield content
        number += 1


def replace_part(connection: Connection, batch: str, number: int, content: bytes) -> None:
    """Put other bytes, of the same number, in a part's place, and note that the file is not as it was sent."""
    of_part = (upload_parts.c.batch_id == batch, upload_parts.c.number == number)
    connection.execute(update(upload_parts).where(*of_part).values(content=content))
    connection.execute(update(uploads).where(uploads.c.batch_id == batch).values(erased_at=now()))


def erase(connection: Connection, batch: str) -> None:
    """Let a file go; that there was one stays known. Its parts are then for `discard_parts` to forget."""
    gone = {"size_bytes": 0, "name": "", "erased_at": now()}
    connection.execute(update(uploads).where(uploads.c.batch_id == batch).values(gone))


def discard_parts(connection: Connection, batch: str, limit: int) -> int:
    """Forget some parts of a file that was erased, or whose batch was not accepted.

    Returns how many, and fewer than `limit` at the end.
    """
    waiting = select(batches.c.id).where(batches.c.id == batch, batches.c.number.is_(None))
    erased = select(uploads.c.batch_id).where(uploads.c.batch_id == batch, uploads.c.size_bytes == 0)
    of_batch = upload_parts.c.batch_id.in_(union_all(waiting, erased))
    numbers = connection.scalars(select(upload_parts.c.number).where(of_batch).limit(limit)).all()
    connection.execute(delete(upload_parts).where(of_batch, upload_parts.c.number.in_(numbers)))
    return len(numbers)


def of_erased(connection: Connection) -> list[str]:
    """Batches whose file was erased, and parts of it are still there: who erased it died."""
    parts_left = select(upload_parts.c.batch_id).distinct()
    query = select(uploads.c.batch_id).where(uploads.c.size_bytes == 0, uploads.c.batch_id.in_(parts_left))
    return list(connection.scalars(query))


class StoredUpload(io.RawIOBase):
    """A kept file to be read and sought in, one part in memory. Wrap it in `io.BufferedReader`."""

    def __init__(self, database: Database, upload: Upload) -> None:
        super().__init__()
        self._database = database
        self._upload = upload
        self._at = 0
        self._number = -1
        self._part = b""

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place; returns it."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._upload.size_bytes}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """The place at which it is read next."""
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Read up to the end of a part at most."""
        number, start = divmod(self._at, PART_BYTES)
        if number != self._number:
            with self._database.read() as connection:
                self._part = part(connection, self._upload.batch_id, number) or b""
            self._number = number
        content = self._part[start : start + len(buffer)]
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)


def _upload(row: RowMapping) -> Upload:
    return Upload(**row)
