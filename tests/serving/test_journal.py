"""The journal: many answers in one commit, in order, and each caller told the truth about theirs."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from loguru import logger
from sqlalchemy import text

from tests.serving.toys import make_prediction
from winnow.domain import History, Prediction
from winnow.errors import StoreFailed
from winnow.monitoring.metrics import Metrics
from winnow.serving import journal as journal_module
from winnow.serving.journal import Journal
from winnow.store import Database, predictions
from winnow.store.predictions import HistoryFilter

HISTORY = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty store."""
    database = Database(f"sqlite:///{tmp_path / 'winnow.db'}")
    database.migrate()
    yield database
    database.close()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def kept(database: Database) -> list[str]:
    """Ids in the table, in the order in which they were written."""
    with database.read() as connection:
        return list(connection.scalars(text("SELECT id FROM predictions ORDER BY rowid")))


def commits(metrics: Metrics) -> float:
    return figure(metrics, "winnow_journal_commit_seconds_count")


def figure(metrics: Metrics, name: str, **labels: str) -> float:
    value = metrics._registry.get_sample_value(name, labels)
    assert value is not None
    return value


class BusyStore:
    """Another writer that has the database to itself inside the block."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._holds, self._done = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._hold)

    def _hold(self) -> None:
        with self._database.write():
            self._holds.set()
            assert self._done.wait(20)

    def __enter__(self) -> None:
        self._thread.start()
        assert self._holds.wait(20)

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()


async def test_all_that_waits_is_one_commit(database: Database, metrics: Metrics) -> None:
    """While one commit is under way everything gathers, and the next commit takes it all."""
    journal = Journal(database, History.DURABLE, metrics.of_journal())
    rows = [make_prediction(str(number)) for number in range(500)]
    with BusyStore(database):
        keeps = [asyncio.create_task(journal.keep([row])) for row in rows]
        await asyncio.sleep(0.05)
        assert not any(keep.done() for keep in keeps), "none is let go before its commit"
    await asyncio.gather(*keeps)
    await journal.close()
    assert kept(database) == [row.id for row in rows]
    assert commits(metrics) <= 3, "the first to come, then all the others"


async def test_a_group_has_a_size_limit(
    database: Database, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backlog is written in bounded transactions, and in order."""
    monkeypatch.setattr(journal_module, "MAX_GROUP", 10)
    journal = Journal(database, History.DURABLE, metrics.of_journal())
    rows = [make_prediction(str(number)) for number in range(95)]
    with BusyStore(database):
        keeps = [asyncio.create_task(journal.keep(rows[start : start + 5])) for start in range(0, 95, 5)]
        await asyncio.sleep(0.05)
    await asyncio.gather(*keeps)
    await journal.close()
    assert kept(database) == [row.id for row in rows]
    assert commits(metrics) >= 9


@HISTORY
@given(sizes=st.lists(st.integers(0, 7), max_size=20))
async def test_an_answer_that_is_let_go_is_in_the_table_already(
    database: Database, metrics: Metrics, sizes: list[int]
) -> None:
    """Durable: at the very moment that `keep` returns, another reader finds the rows."""
    journal = Journal(database, History.DURABLE, metrics.of_journal())

    async def keep_and_look(rows: list[Prediction]) -> None:
        await journal.keep(rows)
        assert {row.id for row in rows} <= set(kept(database))

    await asyncio.gather(*[keep_and_look([make_prediction() for _ in range(size)]) for size in sizes])
    await journal.close()


async def test_what_comes_back_from_the_history_is_what_was_answered(database: Database, metrics: Metrics) -> None:
    """Input, scores to the last bit, latency, moment: whatever characters the text has."""
    texts = [
        "plain",
        "naïve café",
        "\u2028\t\n\r\x1b\x7f\"'\\",
        "😀 \ufeff\uffff",
        "[1, {}]",
        "null",
        "x" * 100_000,
    ]
    rows = [make_prediction(content) for content in texts]
    journal = Journal(database, History.DURABLE, metrics.of_journal())
    await journal.keep(rows)
    await journal.close()
    with database.read() as connection:
        assert predictions.newest(connection, "toys", 100, HistoryFilter()) == sorted(
            rows, key=lambda row: row.id, reverse=True
        )


async def test_relaxed_answers_wait_for_nothing_and_a_clean_stop_loses_none(
    database: Database, metrics: Metrics
) -> None:
    """`keep` returns while the store is locked by another; closing writes what waits."""
    journal = Journal(database, History.RELAXED, metrics.of_journal())
    rows = [make_prediction(str(number)) for number in range(300)]
    with BusyStore(database):
        async with asyncio.timeout(10):
            for row in rows:
                await journal.keep([row])
        assert kept(database) == []
    await journal.close()
    assert kept(database) == [row.id for row in rows]


async def test_relaxed_answers_wait_where_the_writer_is_too_far_behind(
    database: Database, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits for the writer is bounded: memory never pays for a slow disk."""
    monkeypatch.setattr(journal_module, "MAX_BEHIND", 5 * len("12345"))
    journal = Journal(database, History.RELAXED, metrics.of_journal())
    with BusyStore(database):
        for _ in range(5):
            await journal.keep([make_prediction("12345")])
        sixth = asyncio.create_task(journal.keep([make_prediction("1")]))
        await asyncio.sleep(0.05)
        assert not sixth.done()
    await sixth
    assert len(kept(database)) == 6
    await journal.close()


async def test_off_keeps_none(database: Database, metrics: Metrics) -> None:
    """And touches the store not once."""
    journal = Journal(database, History.OFF, metrics.of_journal())
    with BusyStore(database):
        async with asyncio.timeout(10):
            await journal.keep([make_prediction()])
    await journal.close()
    assert kept(database) == []
    assert commits(metrics) == 0


async def test_a_failed_commit_tells_every_caller_and_the_next_one_works(tmp_path: Path, metrics: Metrics) -> None:
    """Nobody is told that an answer is kept when it is not; the writer lives on."""
    database = Database(f"sqlite:///{tmp_path / 'no-tables-yet.db'}")
    journal = Journal(database, History.DURABLE, metrics.of_journal())
    lost = await asyncio.gather(*[journal.keep([make_prediction()]) for _ in range(20)], return_exceptions=True)
    assert [type(error) for error in lost] == [StoreFailed] * 20
    database.migrate()
    row = make_prediction()
    await journal.keep([row])
    await journal.close()
    assert kept(database) == [row.id]
    assert figure(metrics, "winnow_journal_rows_total", outcome="lost") == 20
    assert figure(metrics, "winnow_journal_rows_total", outcome="kept") == 1
    database.close()


@pytest.mark.parametrize(
    "poison",
    [{"input": "half \ud800"}, {"answer": {"label": "positive", "scores": {"positive": float("nan")}}}],
    ids=["lone-surrogate", "not-a-number"],
)
async def test_a_row_that_no_store_can_hold_fails_alone(
    database: Database, metrics: Metrics, poison: dict[str, object]
) -> None:
    """Its neighbours in the commit, who may be of other services even, are kept."""
    journal = Journal(database, History.DURABLE, metrics.of_journal())
    bad = dataclasses.replace(make_prediction(), **poison)  # type: ignore[arg-type]
    good = [make_prediction(str(number)) for number in range(6)]
    with BusyStore(database):
        keeps = [asyncio.create_task(journal.keep([row])) for row in [*good[:3], bad, *good[3:]]]
        await asyncio.sleep(0.05)
    results = await asyncio.gather(*keeps, return_exceptions=True)
    await journal.close()
    assert [type(result) for result in results] == [type(None)] * 3 + [StoreFailed] + [type(None)] * 3
    assert kept(database) == [row.id for row in good]


async def test_the_log_of_a_failed_commit_has_its_reason_and_nothing_that_users_sent(
    tmp_path: Path, metrics: Metrics
) -> None:
    """What the database says of a statement would show the inputs in it."""
    database = Database(f"sqlite:///{tmp_path / 'no-tables.db'}")
    journal = Journal(database, History.DURABLE, metrics.of_journal())
    said: list[str] = []
    sink = logger.add(said.append, backtrace=False, diagnose=False)  # as in the product's own logs
    with pytest.raises(StoreFailed):
        await journal.keep([make_prediction("confidential")])
    logger.remove(sink)
    await journal.close()
    database.close()
    assert "no such table" in said[0]
    assert "confidential" not in "".join(said)


async def test_a_caller_who_left_does_not_stop_the_writer(database: Database, metrics: Metrics) -> None:
    """Time is up while the commit waits: the row is kept all the same, and so are later ones."""
    journal = Journal(database, History.DURABLE, metrics.of_journal())
    left, later = make_prediction("left"), make_prediction("later")
    with BusyStore(database):
        waiting = asyncio.create_task(journal.keep([left]))
        await asyncio.sleep(0.02)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    await journal.keep([later])
    await journal.close()
    assert kept(database) == [left.id, later.id]
