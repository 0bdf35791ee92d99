"""Blobs: the bytes of images, under the digest of their content. Equal images are kept once.

Examples, predictions and jobs hold the digest in place of a text. A blob is kept in the transaction that names it,
and forgotten by a sweep once nobody uses it any more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import overload

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from winnow.domain import Input, now
from winnow.errors import NotFound, StoreFailed
from winnow.store.database import Database
from winnow.store.listed import listed
from winnow.store.schema import blob_uses, blobs

PREFIX = "sha256:"


def reference(value: Input) -> str:
    """What the store has in place of an input: the text itself, or the digest of a file's bytes."""
    return value if isinstance(value, str) else f"{PREFIX}{hashlib.sha256(value).hexdigest()}"


def keep(connection: Connection, used: Collection[tuple[str, bytes]]) -> None:
    """Keep blobs, given as (id of who uses it, its bytes), where they are not kept already."""
    if not used:
        return
    moment = now()
    digests = [(user, reference(content), content) for user, content in used]
    new = {digest: content for _, digest, content in digests}
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    kept = dialect.insert(blobs)
    # Handed in again counts as kept just now: no sweep takes it before it is known to be used.
    connection.execute(
        kept.on_conflict_do_update(index_elements=["digest"], set_={"kept_at": kept.excluded.kept_at}),
        [{"digest": digest, "content": new[digest], "kept_at": moment} for digest in sorted(new)],
    )
    connection.execute(
        dialect.insert(blob_uses).on_conflict_do_nothing(),
        [{"digest": digest, "used_by": user} for user, digest, _ in digests],
    )


def use(connection: Connection, digest: str, user: str) -> None:
    """Say that one more needs a blob that is there."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    connection.execute(dialect.insert(blob_uses).on_conflict_do_nothing(), [{"digest": digest, "used_by": user}])


def get(connection: Connection, digest: str) -> bytes:
    """The bytes that were kept under this digest; `NotFound` otherwise."""
    found: bytes | None = connection.scalar(select(blobs.c.content).where(blobs.c.digest == digest))
    if found is None:
        raise NotFound(f"there is no image '{digest[:80]}'")
    return found


def release(connection: Connection, users: Collection[str]) -> None:
    """Forget what these used. The next sweep looks at it."""
    of_users = blob_uses.c.used_by.in_(listed(connection, users))
    digests = set(connection.scalars(select(blob_uses.c.digest).where(of_users)))
    if not digests:
        return
    connection.execute(delete(blob_uses).where(of_users))
    let_go = blobs.c.digest.in_(listed(connection, digests))
    # Locked in the order in which `keep` locks them: nobody waits in a circle.
    connection.execute(select(blobs.c.digest).where(let_go).order_by(blobs.c.digest).with_for_update()).all()
    connection.execute(update(blobs).where(let_go).values(kept_at=now()))


def sweep(connection: Connection, older_than: timedelta, limit: int) -> int:
    """Forget blobs that nobody uses; returns how many were looked at, `limit` at most.

    Those are looked at that were handed in or let go, and that so long ago; each of them once.
    """
    idle = select(blobs.c.digest).where(blobs.c.kept_at < now() - older_than).limit(limit)
    seen = set(connection.scalars(idle.with_for_update(skip_locked=True)))  # locked: nobody begins to use them now
    used = select(blob_uses.c.digest).where(blob_uses.c.digest.in_(listed(connection, seen))).distinct()
    kept = set(connection.scalars(used))
    connection.execute(update(blobs).where(blobs.c.digest.in_(listed(connection, kept))).values(kept_at=None))
    connection.execute(delete(blobs).where(blobs.c.digest.in_(listed(connection, seen - kept))))
    return len(seen)


class StoredFiles(Sequence[bytes]):
    """The bytes behind references, each read when it is asked for: a dataset of images is never in memory whole."""

    def __init__(self, database: Database, references: Sequence[str]) -> None:
        self._database = database
        self._references = references

    def __len__(self) -> int:
        return len(self._references)

    @overload
    def __getitem__(self, place: int) -> bytes: ...
    @overload
    def __getitem__(self, place: slice) -> StoredFiles: ...
    def __getitem__(self, place: int | slice) -> bytes | StoredFiles:
        if isinstance(place, slice):
            return StoredFiles(self._database, self._references[place])
        try:
            with self._database.read() as connection:
                return get(connection, self._references[place])
        except NotFound as error:
            raise StoreFailed(f"an image of the dataset is gone from the store: {error}") from error
