"""What the store promises of versions: numbers, one champion, and the way back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from winnow.domain import Status, Version, now
from winnow.errors import Conflict, NotFound
from winnow.store import Database, runs, versions


def register(database: Database, service: str = "shop") -> Version:
    with database.write() as connection:
        database.lock(connection, service)
        run = runs.create(connection, service)
        runs.end(connection, run.id, Status.FINISHED)
        number = versions.next_number(connection, service)
        version = Version(
            service=service,
            number=number,
            run_id=run.id,
            candidate="nb-é",
            parameters={"alpha": 0.1, "ngrams": [1, 2], "text": None},
            metrics={"f1_macro": 0.1 + 0.2, "labels": {"z": 1, "a": 2}},
            gates=[{"name": "accuracy", "met": True}],
            path=f"{service}/{number}",
            sha256="0" * 64,
            size_bytes=2**40,
            champion=False,
            created_at=now(),
        )
        versions.add(connection, version)
    return version


def promote(database: Database, number: int, kind: str = "promote", service: str = "shop") -> None:
    with database.write() as connection:
        database.lock(connection, service)
        versions.promote(connection, service, number, reasons=["because é"], kind=kind)


def rollback(database: Database) -> int:
    with database.read() as connection:
        number = versions.predecessor(connection, "shop")
    promote(database, number, "rollback")
    return number


def champion(database: Database) -> int | None:
    with database.read() as connection:
        found = versions.champion(connection, "shop")
    return None if found is None else found.number


def test_a_version_comes_back_as_it_was_registered(database: Database) -> None:
    version = register(database)
    with database.read() as connection:
        found = versions.get(connection, "shop", 1)
        assert found == version
        assert list(found.metrics["labels"]) == ["z", "a"]
        assert versions.paths(connection) == {"shop/1"}


def test_each_service_numbers_its_own_versions(database: Database) -> None:
    assert [register(database).number for _ in range(3)] == [1, 2, 3]
    assert register(database, "books").number == 1
    with database.read() as connection:
        assert [version.number for version in versions.newest(connection, "shop", 2)] == [3, 2]


def test_an_unknown_version_is_not_found(database: Database) -> None:
    register(database)
    with database.read() as connection, pytest.raises(NotFound, match="service 'shop' has no version 7"):
        versions.get(connection, "shop", 7)
    with pytest.raises(NotFound):
        promote(database, 7)
    assert champion(database) is None


def test_promotion_replaces_the_champion_and_keeps_its_reasons(database: Database) -> None:
    for number in (1, 2):
        register(database)
        promote(database, number)
    assert champion(database) == 2
    with database.read() as connection:
        newest, first = versions.promotions_of(connection, "shop", 10)
        assert versions.champions(connection) == {"shop": 2}
        assert not versions.get(connection, "shop", 1).champion
    assert (newest.version, newest.previous, newest.kind, list(newest.reasons)) == (2, 1, "promote", ["because é"])
    assert first.previous is None


def test_a_rollback_goes_back_to_the_champion_before(database: Database) -> None:
    for number in (1, 2, 3):
        register(database)
        promote(database, number)
    assert rollback(database) == 2
    assert rollback(database) == 1
    assert champion(database) == 1
    with pytest.raises(Conflict, match="version 1 of 'shop' took over from no other: nothing to roll back to"):
        rollback(database)


def test_rollbacks_never_go_forth_again(database: Database) -> None:
    """Version 1 was champion twice: from its second time the way leads to 2, to its first time, and ends."""
    for _ in range(2):
        register(database)
    for number in (1, 2, 1):
        promote(database, number)
    assert rollback(database) == 2
    assert rollback(database) == 1
    with pytest.raises(Conflict, match="nothing to roll back to"):
        rollback(database)


def test_a_promotion_after_a_rollback_leads_back_to_where_it_began(database: Database) -> None:
    for number in (1, 2, 3):
        register(database)
        promote(database, number)
    rollback(database)
    promote(database, 3)
    assert rollback(database) == 2
    assert rollback(database) == 1


def test_without_a_champion_there_is_no_way_back(database: Database) -> None:
    with pytest.raises(Conflict, match="service 'shop' has no champion to roll back from"):
        rollback(database)


def test_concurrent_promotions_leave_one_champion(database: Database) -> None:
    for _ in range(4):
        register(database)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: promote(database, number), [1, 2, 3, 4] * 3))
    with database.read() as connection:
        history = versions.promotions_of(connection, "shop", 100)
        champions = [version.number for version in versions.newest(connection, "shop", 10) if version.champion]
    assert len(history) == 12
    assert champions == [history[0].version]
