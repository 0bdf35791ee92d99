"""Ids and other plain words."""

from __future__ import annotations

import time
from uuid import RFC_4122, UUID

from winnow.domain import Examples, Status, age_of, new_id, new_ids, now


def test_ids_are_uuids_of_version_7() -> None:
    before = time.time_ns() // 1_000_000
    ids = [new_id() for _ in range(1000)]
    after = time.time_ns() // 1_000_000
    for text in ids:
        parsed = UUID(text)
        assert str(parsed) == text
        assert (parsed.version, parsed.variant) == (7, RFC_4122)
        assert before <= parsed.int >> 80 <= after


def test_ids_are_unique() -> None:
    assert len({new_id() for _ in range(50_000)}) == 50_000


def test_ids_sort_by_the_millisecond_in_which_they_were_made() -> None:
    ids = []
    for _ in range(5):
        ids.append(new_id())
        time.sleep(0.002)
    assert ids == sorted(ids)


def test_every_free_bit_of_an_id_varies() -> None:
    fixed = 0xF << 76 | 0x3 << 62
    ids = [UUID(new_id()).int & ~fixed & (1 << 80) - 1 for _ in range(500)]
    ones = zeros = 0
    for value in ids:
        ones |= value
        zeros |= ~value
    free = (1 << 80) - 1 & ~fixed
    assert ones & free == free
    assert zeros & free == free


def test_the_present_is_in_utc() -> None:
    offset = now().utcoffset()
    assert offset is not None
    assert not offset


def test_final_statuses() -> None:
    assert [status.value for status in Status if status.final] == ["finished", "failed", "cancelled"]


def test_examples_are_taken_in_the_order_asked_for() -> None:
    taken = Examples(["a", "b", "c"], ["x", ["y"], "z"]).take([2, 0])
    assert (taken.inputs, taken.targets, len(taken)) == (["c", "a"], ["z", "x"], 2)


def test_many_ids_are_as_good_as_one_by_one() -> None:
    ids = new_ids(1000)
    assert len(set(ids)) == 1000
    assert [UUID(entry).version for entry in ids] == [7] * 1000
    assert [entry[:18] for entry in ids] == sorted(entry[:18] for entry in ids)
    assert new_ids(0) == []


def test_an_id_tells_its_age() -> None:
    assert 0 <= age_of(new_id()) < 60
    assert age_of("0" * 8 + new_id()[8:]) > 1_000_000_000
    assert age_of("f" * 8 + new_id()[8:]) == 0
