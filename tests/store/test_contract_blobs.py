"""What the store promises of blobs: kept once, for as long as somebody uses them, and never lost to a sweep."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from winnow.domain import new_id, now
from winnow.errors import NotFound, StoreFailed
from winnow.store import Database, blobs
from winnow.store.blobs import StoredFiles, reference
from winnow.store.schema import blobs as table

DAY = timedelta(days=1)


def keep(database: Database, *contents: bytes, user: str | None = None) -> str:
    user = user or new_id()
    with database.write() as connection:
        blobs.keep(connection, [(user, content) for content in contents])
    return user


def release(database: Database, *users: str) -> None:
    with database.write() as connection:
        blobs.release(connection, users)


def sweep(database: Database, older_than: timedelta = -DAY, limit: int = 100) -> int:
    """Sweep; without a limit of age, whatever its age is."""
    with database.write() as connection:
        return blobs.sweep(connection, older_than, limit)


def kept(database: Database) -> set[bytes]:
    with database.read() as connection:
        return set(connection.scalars(select(table.c.content)))


def test_a_text_stands_for_itself_and_bytes_for_their_digest() -> None:
    assert reference("text") == "text"
    assert reference(b"image") == f"sha256:{hashlib.sha256(b'image').hexdigest()}"


def test_bytes_come_back_and_equal_ones_are_kept_once(database: Database) -> None:
    large = bytes(range(256)) * 10_000
    keep(database, b"", b"one", large, b"one")
    keep(database, b"one")
    with database.read() as connection:
        for content in (b"", b"one", large):
            assert blobs.get(connection, reference(content)) == content
        with pytest.raises(NotFound, match="no image 'sha256:nothing'"):
            blobs.get(connection, "sha256:nothing")
        assert connection.scalar(select(func.count()).select_from(table)) == 3


def test_a_blob_stays_as_long_as_somebody_uses_it(database: Database) -> None:
    first, second = keep(database, b"one", b"two"), keep(database, b"two")
    third = new_id()
    with database.write() as connection:
        blobs.use(connection, reference(b"two"), third)
        blobs.use(connection, reference(b"two"), third)
    expected = {b"one", b"two"}
    for user, left in ((first, {b"two"}), (second, {b"two"}), (third, set())):
        sweep(database)
        assert kept(database) == expected
        release(database, user)
        expected = left
    sweep(database)
    assert kept(database) == set()


def test_a_sweep_leaves_alone_what_was_handed_in_or_let_go_just_now(database: Database) -> None:
    user = keep(database, b"one")
    release(database, user)
    assert sweep(database, DAY) == 0
    with database.write() as connection:
        connection.execute(update(table).values(kept_at=now() - 2 * DAY))
    keep(database, b"one", user=user)
    release(database, user)
    assert sweep(database, DAY) == 0
    with database.write() as connection:
        connection.execute(update(table).values(kept_at=now() - 2 * DAY))
    assert sweep(database, DAY) == 1
    assert kept(database) == set()


def test_what_is_in_use_is_looked_at_once(database: Database) -> None:
    user = keep(database, *(b"%d" % number for number in range(5)))
    assert [sweep(database, limit=3) for _ in range(3)] == [3, 2, 0]
    assert len(kept(database)) == 5
    release(database, user)
    assert [sweep(database, limit=3) for _ in range(3)] == [3, 2, 0]
    assert kept(database) == set()


def test_keeping_and_sweeping_at_the_same_time_loses_nothing(database: Database) -> None:
    def hand_in(turn: int) -> None:
        for number in range(15):
            contents = [b"%d" % ((number + place) % 7) for place in range(4)]
            user = keep(database, *(contents if turn % 2 else contents[::-1]))
            with database.read() as connection:
                for content in contents:
                    assert blobs.get(connection, reference(content)) == content
            release(database, user)

    def clean(_: int) -> None:
        for _ in range(30):
            sweep(database)

    with ThreadPoolExecutor(4) as threads:
        for done in [
            threads.submit(hand_in, 0),
            threads.submit(hand_in, 1),
            *(threads.submit(clean, i) for i in (0, 1)),
        ]:
            done.result()
    sweep(database)
    assert kept(database) == set()


def test_a_dataset_of_files_is_read_one_at_a_time(database: Database) -> None:
    contents = [b"a", b"b", b"c"]
    keep(database, *contents)
    files = StoredFiles(database, [reference(content) for content in contents])
    assert len(files) == 3
    assert list(files) == contents
    assert list(files[1:]) == contents[1:]
    assert files[-1] == b"c"
    with pytest.raises(StoreFailed, match="gone from the store"):
        StoredFiles(database, ["sha256:nothing"])[0]
