"""The split: stable, without leaks, with every label on both sides."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.domain import Examples, Target
from winnow.lifecycle.splitting import key, split

LABELS = ["a", "b", "c"]
ROWS = st.lists(
    st.tuples(st.text(max_size=8), st.sampled_from(LABELS)), unique_by=lambda row: key(row[0]), max_size=60
)
SEVERAL = st.lists(
    st.tuples(st.text(max_size=8), st.lists(st.sampled_from(LABELS), unique=True)),
    unique_by=lambda row: key(row[0]),
    max_size=60,
)


def as_examples(rows: list[tuple[str, Target]]) -> Examples:
    return Examples([text for text, _ in rows], [target for _, target in rows])


def in_test(rows: list[tuple[str, Target]]) -> set[str]:
    return {rows[row][0] for row in split(as_examples(rows)).test}


@settings(deadline=None)
@given(ROWS)
def test_every_row_is_on_one_side_in_order(rows: list[tuple[str, Target]]) -> None:
    parts = split(as_examples(rows))
    assert sorted([*parts.train, *parts.test]) == list(range(len(rows)))
    assert list(parts.train) == sorted(parts.train)
    assert list(parts.test) == sorted(parts.test)


@settings(deadline=None)
@given(ROWS)
def test_a_label_with_two_rows_is_on_both_sides(rows: list[tuple[str, Target]]) -> None:
    parts = split(as_examples(rows))
    for label in LABELS:
        sides = {side: [row for row in getattr(parts, side) if rows[row][1] == label] for side in ("train", "test")}
        if len(sides["train"]) + len(sides["test"]) >= 2:
            assert sides["train"]
            assert sides["test"]
        else:
            assert not sides["test"]


@settings(deadline=None)
@given(SEVERAL)
def test_a_label_among_several_is_always_learned(rows: list[tuple[str, Target]]) -> None:
    parts = split(as_examples(rows))
    learned = {label for row in parts.train for label in rows[row][1]}
    assert learned == {label for _, target in rows for label in target}


@settings(deadline=None)
@given(st.one_of(ROWS, SEVERAL), st.integers(0, 60))
def test_no_row_moves_from_train_to_test_as_data_grow(rows: list[tuple[str, Target]], before: int) -> None:
    earlier, later = rows[:before], rows
    assert in_test(later) & {text for text, _ in earlier} <= in_test(earlier)


@settings(deadline=None)
@given(ROWS, st.integers(0, 60))
def test_unrelated_data_move_nothing(rows: list[tuple[str, Target]], before: int) -> None:
    others = [row for row in rows[before:] if row[1] != "a"]
    mine = [row for row in rows[:before] if row[1] == "a"]
    assert in_test(mine) == in_test([*mine, *others]) & {text for text, _ in mine}


@settings(deadline=None)
@given(ROWS)
def test_trivial_variants_stay_together(rows: list[tuple[str, Target]]) -> None:
    variants: list[tuple[str, Target]] = [(f"  {text.upper()}\n", target) for text, target in rows]
    kept = [row for row, variant in zip(rows, variants, strict=True) if key(row[0]) == key(variant[0])]
    both = [*kept, *((f"  {text.upper()}\n", target) for text, target in kept)]
    side = in_test(both)
    assert all((text in side) == (f"  {text.upper()}\n" in side) for text, _ in kept)


def test_a_fifth_is_for_testing() -> None:
    rows: list[tuple[str, Target]] = [(f"text number {number}", LABELS[number % 3]) for number in range(10_000)]
    assert abs(len(split(as_examples(rows)).test) / len(rows) - 0.2) < 0.015


def test_the_split_is_what_it_has_always_been() -> None:
    """Another hash or salt would silently turn every test row of the past into one that was learned."""
    rows: list[tuple[str, Target]] = [(f"text number {number}", "a") for number in range(30)]
    assert split(as_examples(rows)).test == [17, 23, 25]
