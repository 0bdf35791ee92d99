"""The batcher: whoever asks gets the answers to their own rows, in order, and nobody waits for a timer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.serving.toys import BREAKING, IN_A_THREAD, ON_THE_SPOT, ToyModel, answer_to, make_batcher
from winnow.domain import Outcome
from winnow.errors import ModelFailed
from winnow.serving.batcher import Answered, Batcher, Loaded

PATHS = pytest.mark.parametrize("seconds_per_char", [ON_THE_SPOT, IN_A_THREAD], ids=["on-the-spot", "in-a-thread"])


@dataclass(frozen=True)
class Arrival:
    """One caller: how many rows they send, how many turns of the loop after the one before, and if they give up."""

    rows: int
    turns: int
    gives_up: bool


ARRIVALS = st.lists(
    st.builds(Arrival, rows=st.integers(1, 9), turns=st.integers(0, 3), gives_up=st.booleans()), max_size=25
)


@PATHS
@settings(max_examples=60, deadline=None)
@given(arrivals=ARRIVALS, max_batch=st.integers(1, 12))
async def test_each_caller_gets_exactly_their_own_rows_whatever_the_pattern_of_arrivals(
    seconds_per_char: float, arrivals: list[Arrival], max_batch: int
) -> None:
    """Any number of callers, of any size, at any moment, some giving up: order and ownership hold."""
    model = ToyModel()
    batcher = make_batcher(model, seconds_per_char=seconds_per_char, max_batch=max_batch)
    waiting: list[tuple[list[str], asyncio.Future[list[Answered]]]] = []
    given_up: list[str] = []
    for number, arrival in enumerate(arrivals):
        for _ in range(arrival.turns):
            await asyncio.sleep(0)
        texts = [f"{number}.{row}" for row in range(arrival.rows)]
        future = batcher.submit(texts)
        if arrival.gives_up:
            future.cancel()
            given_up += texts
        else:
            waiting.append((texts, future))
    for texts, future in waiting:
        assert await future == [(answer_to(text), 1) for text in texts]
    batcher.close()
    assert model.seen == [text for texts, _ in waiting for text in texts], "each row once, in order of arrival"
    assert not set(given_up) & set(model.seen)
    assert all(1 <= len(batch) <= max_batch for batch in model.batches)


@PATHS
async def test_an_idle_model_starts_at_once_with_one_row(seconds_per_char: float) -> None:
    """No timer waits for company: the row alone is the first batch, and is answered without any clock moving on."""
    model = ToyModel()
    batcher = make_batcher(model, seconds_per_char=seconds_per_char)
    future = batcher.submit(["alone"])
    await asyncio.sleep(0)  # the turn of the loop in which a batch may start
    assert model.started.acquire(timeout=10)
    assert await future == [(answer_to("alone"), 1)]
    assert model.batches == [["alone"]]
    batcher.close()


async def test_callers_of_the_same_turn_share_a_batch() -> None:
    """Ten callers in one turn of the loop cost the model one call."""
    model = ToyModel()
    batcher = make_batcher(model)
    futures = [batcher.submit([str(number)]) for number in range(10)]
    await asyncio.gather(*futures)
    assert model.batches == [[str(number) for number in range(10)]]
    batcher.close()


async def test_what_arrives_while_the_model_is_busy_is_the_next_batch() -> None:
    """While the model works requests gather; all that gathered goes next, up to a batch."""
    model = ToyModel()
    batcher = make_batcher(model, seconds_per_char=IN_A_THREAD, max_batch=4)
    model.gate.clear()
    first = batcher.submit(["first"])
    await asyncio.to_thread(model.started.acquire)
    rest = [batcher.submit([str(number)]) for number in range(6)]
    model.gate.set()
    await asyncio.gather(first, *rest)
    assert model.batches == [["first"], ["0", "1", "2", "3"], ["4", "5"]]
    batcher.close()


async def test_rows_of_a_caller_who_left_while_they_waited_never_reach_the_model() -> None:
    """A caller whose time is up costs the model nothing more."""
    model = ToyModel()
    batcher = make_batcher(model, seconds_per_char=IN_A_THREAD)
    model.gate.clear()
    first = batcher.submit(["first"])
    await asyncio.to_thread(model.started.acquire)
    left, stayed = batcher.submit(["left 1", "left 2"]), batcher.submit(["stayed"])
    left.cancel()
    model.gate.set()
    assert await stayed == [(answer_to("stayed"), 1)]
    await first
    assert model.seen == ["first", "stayed"]
    batcher.close()


@PATHS
async def test_a_caller_who_leaves_while_the_model_works_on_their_row_harms_nobody(seconds_per_char: float) -> None:
    """The batch goes on, its other rows are answered, and so is whoever comes later."""
    model = ToyModel()
    batcher = make_batcher(model, seconds_per_char=seconds_per_char)
    leaves, stays = batcher.submit(["leaves"]), batcher.submit(["stays"])
    if seconds_per_char == IN_A_THREAD:
        model.gate.clear()
        await asyncio.to_thread(model.started.acquire)
    leaves.cancel()
    model.gate.set()
    assert await stays == [(answer_to("stays"), 1)]
    assert await batcher.submit(["later"]) == [(answer_to("later"), 1)]
    batcher.close()


@PATHS
@settings(max_examples=40, deadline=None)
@given(broken=st.lists(st.booleans(), min_size=1, max_size=12))
async def test_a_row_that_breaks_the_model_fails_alone(seconds_per_char: float, broken: list[bool]) -> None:
    """Its neighbours in the batch are answered as if it had not been there."""
    texts = [f"{BREAKING if breaks else ''}{number}" for number, breaks in enumerate(broken)]
    batcher = make_batcher(ToyModel(), seconds_per_char=seconds_per_char)
    outcomes = await batcher.submit(texts)
    for text, breaks, (outcome, _) in zip(texts, broken, outcomes, strict=True):
        if breaks:
            assert isinstance(outcome, ModelFailed)
            assert "ValueError" in str(outcome)
        else:
            assert outcome == answer_to(text)
    batcher.close()


class Miscounting(ToyModel):
    """Forgets the answer to the last row of a batch."""

    def answer(self, inputs: Sequence[str]) -> list[Outcome]:
        return super().answer(inputs)[: max(1, len(inputs) - 1)]


@PATHS
async def test_a_model_that_loses_count_cannot_shift_answers_or_stop_the_service(seconds_per_char: float) -> None:
    """Fewer answers than rows: each row is asked by itself then, so that none gets its neighbour's answer."""
    batcher = make_batcher(Miscounting(), seconds_per_char=seconds_per_char)
    texts = ["one", "two", "three"]
    async with asyncio.timeout(10):
        assert await batcher.submit(texts) == [(answer_to(text), 1) for text in texts]
        assert await batcher.submit(["later"]) == [(answer_to("later"), 1)]
    batcher.close()


async def test_five_hundred_at_once_are_answered_as_one_after_the_other() -> None:
    """Concurrency changes speed, never answers."""
    texts = [f"text {number}" for number in range(500)]
    batcher = make_batcher(ToyModel())
    one_by_one = [await batcher.submit([text]) for text in texts]
    assert await asyncio.gather(*[batcher.submit([text]) for text in texts]) == one_by_one
    batcher.close()


@PATHS
async def test_every_row_of_a_batch_is_of_one_version_and_the_swap_takes_the_next(seconds_per_char: float) -> None:
    """A new champion answers from the next batch on; the batch under way ends with the old one."""
    old, new = ToyModel(), ToyModel()
    current = [Loaded(old, 1, seconds_per_char)]
    template = make_batcher(old)
    batcher = Batcher(lambda: current[0], 64, template._metrics)
    if seconds_per_char == IN_A_THREAD:
        old.gate.clear()
    before = batcher.submit(["a", "b"])
    await asyncio.to_thread(old.started.acquire) if seconds_per_char == IN_A_THREAD else await before
    current[0] = Loaded(new, 2, seconds_per_char)
    after = batcher.submit(["c"])
    old.gate.set()
    assert [version for _, version in await before] == [1, 1]
    assert [version for _, version in await after] == [2]
    assert (old.seen, new.seen) == (["a", "b"], ["c"])
    batcher.close()
    template.close()


async def test_a_model_that_hangs_does_not_let_those_who_gave_up_pile_up() -> None:
    """Callers come, wait, give up and come again while the model is stuck: what they left behind is let go."""
    model = ToyModel()
    batcher = make_batcher(model, seconds_per_char=IN_A_THREAD, max_batch=4)
    model.gate.clear()
    first = batcher.submit(["first"])
    await asyncio.to_thread(model.started.acquire)
    for round_number in range(1000):
        futures = [batcher.submit([f"{round_number}.{row}"]) for row in range(8)]
        for future in futures:
            future.cancel()
        await asyncio.sleep(0)
    assert len(batcher._waiting) < 2000, "8,000 rows came and left"
    stayed = batcher.submit(["stayed"])
    model.gate.set()
    assert await stayed == [(answer_to("stayed"), 1)]
    await first
    assert model.seen == ["first", "stayed"]
    batcher.close()
