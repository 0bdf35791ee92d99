"""What the store promises of a dataset seen from afar: filters, counts, disagreements, snapshots."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from winnow.domain import Example, Target
from winnow.errors import NotFound
from winnow.store import Database, example_counts, examples
from winnow.store.examples import ExampleFilter
from winnow.store.schema import batches

SHOP = "shop"


def upload(
    database: Database, rows: Sequence[tuple[str, Target]], source: str = "upload:rows.csv", service: str = SHOP
) -> int:
    with database.write() as connection:
        batch = examples.open_batch(connection, service, source, "ada")
        numbered = [Example(text, target, line) for line, (text, target) in enumerate(rows, start=2)]
        keyed = [(examples.digest(example.input), example) for example in numbered]
        examples.add(connection, service, batch, keyed)
        database.lock(connection, "batches")
        return examples.accept(connection, batch, len(rows))


def unseen(database: Database, rows: Sequence[tuple[str, Target]]) -> None:
    """Rows of a batch that is not accepted."""
    with database.write() as connection:
        batch = examples.open_batch(connection, SHOP, "upload:unseen.csv")
        examples.add(
            connection, SHOP, batch, [(examples.digest(text), Example(text, label)) for text, label in rows]
        )


def found(database: Database, **only: str) -> list[str]:
    with database.read() as connection:
        chosen = ExampleFilter(**only)
        page = [row["input"] for row in examples.page(connection, SHOP, 100, chosen)]
        assert examples.count_those(connection, SHOP, chosen) == len(page)
        return page


def test_filters_narrow_each_other(database: Database) -> None:
    upload(database, [("100 % Wool", "good"), ("wool_2", "bad"), ("silk", ["good", "warm"]), ("none", [])])
    upload(database, [("by hand", "good")], source="api")
    upload(database, [("other", "good")], source="upload:rows_csv")
    upload(database, [("elsewhere", "good")], service="books")
    unseen(database, [("unseen wool", "good")])
    assert found(database, text="WOOL") == ["wool_2", "100 % Wool"]
    assert found(database, text="%") == ["100 % Wool"]
    assert found(database, text="_") == ["wool_2"]
    assert found(database, label="good") == ["other", "by hand", "silk", "100 % Wool"]
    assert found(database, label="warm") == ["silk"]
    assert found(database, label="go") == []
    assert found(database, source="upload") == ["other", "none", "silk", "wool_2", "100 % Wool"]
    assert found(database, source="upload:rows.csv") == ["none", "silk", "wool_2", "100 % Wool"]
    assert found(database, source="api") == ["by hand"]
    assert found(database, source="up") == []
    assert found(database, source="upload", label="good", text="o") == ["other", "100 % Wool"]


def test_counts_say_how_the_dataset_grew(database: Database) -> None:
    first = upload(database, [("a", "good"), ("b", "bad"), ("a", "bad")])
    upload(database, [("c", ["good", "warm"]), ("d", [])])
    upload(database, [("e", "good")], source="feedback")
    unseen(database, [("f", "good")])
    with database.write() as connection:  # half past eleven in the evening, in UTC
        late = datetime(2026, 7, 1, 23, 30, tzinfo=UTC)
        connection.execute(update(batches).where(batches.c.number == first).values(created_at=late))
        later = datetime(2026, 7, 2, 0, 30, tzinfo=UTC)
        connection.execute(update(batches).where(batches.c.number > first).values(created_at=later))
    with database.read() as connection:
        counts = [(str(day), *rest) for day, *rest in example_counts.by_day(connection, SHOP)]
        assert example_counts.inputs(connection, SHOP) == 5
        assert examples.count(connection, SHOP) == 6
    assert counts == [
        ("2026-07-01", "upload", "bad", 2),
        ("2026-07-01", "upload", "good", 1),
        ("2026-07-02", "feedback", "good", 1),
        ("2026-07-02", "upload", "good", 1),
        ("2026-07-02", "upload", "warm", 1),
    ]


def disputed(database: Database, limit: int = 50) -> tuple[int, list[tuple[str, list[Target]]]]:
    with database.read() as connection:
        count, rows = example_counts.disagreements(connection, SHOP, limit)
    return count, [(row.input, [opinion.target for opinion in row.opinions]) for row in rows]


def test_disagreements_are_inputs_with_several_targets(database: Database) -> None:
    upload(database, [("a", "good"), ("b", "bad"), ("c", ["x", "y"]), ("d", "good")])
    assert disputed(database) == (0, [])
    upload(database, [("c", ["x"]), ("d", "good")])
    upload(database, [("a", "bad")], source="feedback")
    upload(database, [("b", "good")], service="books")
    unseen(database, [("b", "good")])
    assert disputed(database) == (2, [("a", ["bad", "good"]), ("c", [["x"], ["x", "y"]])])
    assert disputed(database, 1) == (2, [("a", ["bad", "good"])])


def test_who_chooses_settles_a_disagreement(database: Database) -> None:
    upload(database, [("a", "good"), ("a", "bad")])
    upload(database, [("a", "bad")], source="api")
    assert disputed(database) == (0, [])
    with database.read() as connection:
        assert not example_counts.is_disputed(connection, SHOP, examples.digest("a"))
    upload(database, [("a", "good")])
    assert disputed(database) == (1, [("a", ["good", "bad", "bad", "good"])])


def test_opinions_are_bounded(database: Database) -> None:
    upload(database, [("a", "good" if line % 2 else "bad") for line in range(200)])
    count, [(_, targets)] = disputed(database)
    assert (count, len(targets), targets[0]) == (1, example_counts.MOST_OPINIONS, "good")


@pytest.mark.slow
def test_a_large_dataset_is_looked_through_quickly(database: Database) -> None:
    upload(database, [(f"text {number % 17_000} {'long ' * 40}", str(number % 5 + 1)) for number in range(17_000)])
    upload(database, [(f"text {number} {'long ' * 40}", "other") for number in range(203)])
    taken = []
    for _ in range(5):
        started = time.perf_counter()
        count, _ = disputed(database)
        taken.append(time.perf_counter() - started)
        assert count == 203
    assert min(taken) < 0.3, "100 ms on an idle machine"


def test_snapshots_come_newest_first(database: Database) -> None:
    numbers = [upload(database, [(str(turn), "x")] * (turn + 1), source=f"upload:{turn}") for turn in range(4)]
    upload(database, [("else", "x")], service="books")
    unseen(database, [("u", "x")])
    with database.read() as connection:
        page = example_counts.snapshots(connection, SHOP, 3)
        assert [snapshot.number for snapshot in page] == numbers[:0:-1]
        assert (page[0].source, page[0].rows, page[0].account, page[0].upload) == ("upload:3", 4, "ada", False)
        rest = example_counts.snapshots(connection, SHOP, 3, before=page[-1].number)
        assert [snapshot.number for snapshot in rest] == numbers[:1]
        assert example_counts.snapshot_at(connection, SHOP) == numbers[-1]
        assert example_counts.snapshot_at(connection, SHOP, numbers[0]) == numbers[0]
        for service, number in ((SHOP, numbers[-1] + 1), ("nothing", None), ("books", numbers[0])):
            with pytest.raises(NotFound):
                example_counts.snapshot_at(connection, service, number)
