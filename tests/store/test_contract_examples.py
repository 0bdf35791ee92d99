"""What the store promises of examples: batches, snapshots, and the newest target."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import func, select, update

from winnow.domain import Example, Target, now
from winnow.store import Database, examples
from winnow.store.schema import batches
from winnow.store.schema import examples as table

HARD = 'Émoji 😀, "quoted"\n\\u0041\t\u2028 日本 %_'


def accept(database: Database, rows: Sequence[tuple[str, Target]], service: str = "shop") -> int:
    with database.write() as connection:
        batch = examples.open_batch(connection, service, "upload:rows.csv")
        keyed = [
            (examples.digest(text), Example(text, target, line))
            for line, (text, target) in enumerate(rows, start=2)
        ]
        examples.add(connection, service, batch, keyed)
        database.lock(connection, "batches")
        return examples.accept(connection, batch, len(rows))


def dataset(database: Database, snapshot: int, service: str = "shop") -> list[tuple[str, Target]]:
    with database.read() as connection:
        return list(examples.dataset(connection, service, snapshot))


def stored(database: Database) -> int:
    with database.read() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def test_rows_come_back_as_they_were_added(database: Database) -> None:
    rows: list[tuple[str, Target]] = [(HARD, 'la"bel'), ("b", ["été", "é\\"]), ("c", []), (" d ", "null")]
    assert dataset(database, accept(database, rows)) == rows


def test_ids_rise_in_step_with_rows(database: Database) -> None:
    with database.write() as connection:
        batch = examples.open_batch(connection, "shop", "api")
        ids = examples.add(connection, "shop", batch, [(str(i), Example(str(i), "a", i)) for i in range(500)])
        found = connection.execute(select(table.c.id, table.c.line).order_by(table.c.id)).all()
    assert [(row.id, row.line) for row in found] == list(zip(ids, range(500), strict=True))


def test_adding_nothing_adds_nothing(database: Database) -> None:
    with database.write() as connection:
        batch = examples.open_batch(connection, "shop", "api")
        assert examples.add(connection, "shop", batch, []) == []
    assert stored(database) == 0


def test_a_batch_is_seen_once_it_is_accepted(database: Database) -> None:
    with database.write() as connection:
        batch = examples.open_batch(connection, "shop", "api")
        examples.add(connection, "shop", batch, [("k", Example("text", "a"))])
    with database.read() as connection:
        assert examples.latest_snapshot(connection, "shop") is None
        assert examples.count(connection, "shop") == 0
        assert examples.page(connection, "shop", 10) == []
        assert list(examples.dataset(connection, "shop", 10**6)) == []
    with database.write() as connection:
        database.lock(connection, "batches")
        number = examples.accept(connection, batch, 1)
    with database.read() as connection:
        assert examples.latest_snapshot(connection, "shop") == number
        assert examples.count(connection, "shop") == 1
        assert [row["input"] for row in examples.page(connection, "shop", 10)] == ["text"]


def test_a_discarded_batch_takes_its_rows_along(database: Database) -> None:
    with database.write() as connection:
        batch = examples.open_batch(connection, "shop", "api")
        examples.add(connection, "shop", batch, [(str(i), Example(str(i), "a")) for i in range(5)])
    with database.write() as connection:
        assert examples.discard_rows(connection, batch, 3) == 3
        assert examples.discard_rows(connection, batch, 3) == 2
        examples.discard(connection, batch)
        assert connection.execute(select(batches)).all() == []
    assert stored(database) == 0


def test_an_accepted_batch_is_never_discarded(database: Database) -> None:
    accept(database, [("a", "x")])
    with database.write() as connection:
        batch = connection.scalars(select(batches.c.id)).one()
        examples.discard(connection, batch)
        assert examples.discard_rows(connection, batch, 10) == 0
        assert examples.abandoned(connection, timedelta(days=-1)) == []
    assert stored(database) == 1


def test_only_old_batches_count_as_abandoned(database: Database) -> None:
    with database.write() as connection:
        for age in (timedelta(0), timedelta(days=2)):
            batch = examples.open_batch(connection, "shop", "api")
            examples.add(connection, "shop", batch, [("k", Example("text", "a"))])
            born = update(batches).where(batches.c.id == batch).values(created_at=now() - age)
            connection.execute(born)
        assert examples.abandoned(connection, timedelta(days=1)) == [batch]


def test_the_newest_target_of_an_input_counts(database: Database) -> None:
    accept(database, [("a", "x"), ("b", "x"), ("a", "y")])
    second = accept(database, [("b", "z"), ("c", "x")])
    assert dataset(database, second) == [("a", "y"), ("b", "z"), ("c", "x")]


def test_a_snapshot_stays_as_it_was(database: Database) -> None:
    first = accept(database, [("a", "x"), ("b", "x")])
    accept(database, [("a", "y"), ("c", "y")])
    assert dataset(database, first) == [("a", "x"), ("b", "x")]


def test_services_do_not_see_each_other(database: Database) -> None:
    accept(database, [("a", "x")])
    other = accept(database, [("a", "y")], service="books")
    assert dataset(database, other) == [("a", "x")]
    assert dataset(database, other, service="books") == [("a", "y")]
    with database.read() as connection:
        assert examples.count(connection, "books") == 1
        assert examples.known_targets(connection, "books", None, [examples.digest("a")]) == {
            (examples.digest("a"), '"y"')
        }


def test_concurrent_accepts_get_distinct_numbers(database: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda i: accept(database, [(str(i), "x")], service=f"s{i % 3}"), range(24)))
    assert sorted(numbers) == list(range(1, 25))


def test_known_targets_are_those_of_accepted_batches_and_ones_own(database: Database) -> None:
    accept(database, [(HARD, ["b", "é"])])
    digests = [examples.digest(text) for text in (HARD, "mine", "another's", "absent")]
    with database.write() as connection:
        mine = examples.open_batch(connection, "shop", "api")
        another = examples.open_batch(connection, "shop", "api")
        examples.add(connection, "shop", mine, [(digests[1], Example("mine", "a"))])
        examples.add(connection, "shop", another, [(digests[2], Example("another's", "a"))])
    accepted = (digests[0], examples.target_key(["b", "é"]))
    with database.read() as connection:
        assert examples.known_targets(connection, "shop", None, digests) == {accepted}
        assert examples.known_targets(connection, "shop", mine, digests) == {accepted, (digests[1], '"a"')}
        assert examples.known_targets(connection, "shop", mine, []) == set()


def test_the_current_target_is_the_newest(database: Database) -> None:
    accept(database, [("a", "x"), ("a", "y")])
    with database.write() as connection:
        assert examples.current_target(connection, "shop", "a") == "y"
        assert examples.current_target(connection, "shop", "b") is None
        examples.open_batch(connection, "shop", "api")
        database.lock(connection, "batches")
        examples.add_one(connection, "shop", Example("a", ["p", "q"]), "feedback")
        assert examples.current_target(connection, "shop", "a") == ["p", "q"]


def test_pages_show_the_newest_first_and_miss_nothing(database: Database) -> None:
    accept(database, [(str(i), "x") for i in range(7)])
    seen: list[str] = []
    before = None
    with database.read() as connection:
        while page := examples.page(connection, "shop", 3, examples.ExampleFilter(before=before)):
            seen += [row["input"] for row in page]
            before = page[-1]["id"]
    assert seen == ["6", "5", "4", "3", "2", "1", "0"]
    assert {"id", "input", "target", "source", "created_at"} == set(page[0] if page else _first(database))


def _first(database: Database) -> dict[str, object]:
    with database.read() as connection:
        return dict(examples.page(connection, "shop", 1)[0])
