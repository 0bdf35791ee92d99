"""Jobs for proofs: handing them in, and accounting for each of them afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Row, func, select

from tests.projects import wait_until
from winnow.domain import Job, Status, new_id
from winnow.errors import WinnowError
from winnow.jobs import opening
from winnow.jobs.desk import Desk, Order
from winnow.models.bundle import load_bundle
from winnow.settings import Settings
from winnow.store import Database, versions
from winnow.store.jobs import FINAL
from winnow.store.schema import jobs, predictions
from winnow.workspace import Workspace

SERVICE = "sentiment"
_SECONDS = 60.0
"""Nobody waits so long, unless jobs are lost."""

Tickets = dict[str, str]
"""Ticket → the input that it was given for."""

_NOTED = ", ".join(f"'{status}'" for status in FINAL)
_NOTE_SQLITE = (
    "CREATE TABLE endings (ticket TEXT, status TEXT)",
    (
        f"CREATE TRIGGER note AFTER UPDATE OF status ON jobs WHEN NEW.status IN ({_NOTED}) "
        "BEGIN INSERT INTO endings VALUES (NEW.id, NEW.status); END"
    ),
)
_NOTE_POSTGRESQL = (
    "CREATE TABLE endings (ticket TEXT, status TEXT)",
    (
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN INSERT INTO endings VALUES (NEW.id, NEW.status); RETURN NEW; END'"
    ),
    (
        f"CREATE TRIGGER note AFTER UPDATE OF status ON jobs FOR EACH ROW WHEN (NEW.status IN ({_NOTED})) "
        "EXECUTE FUNCTION note()"
    ),
)


@contextmanager
def open_database(settings: Settings) -> Iterator[Database]:
    database = Database(settings.database_url)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def open_desk(settings: Settings) -> Iterator[Desk]:
    """A desk in this process, which works on nothing."""
    with Workspace(settings) as workspace, opening.open_desk(workspace) as (desk, _):
        yield desk


def note_endings(settings: Settings) -> None:
    """From now on, let the database itself write down every change of a job to a final state."""
    with open_database(settings) as database, database.write() as connection:
        for statement in _NOTE_SQLITE if database.embedded else _NOTE_POSTGRESQL:
            connection.exec_driver_sql(statement)


def submit(desk: Desk, texts: Sequence[str], at_once: int = 100) -> Tickets:
    """One job for each text. All of them are accepted."""
    tickets = {}
    for start in range(0, len(texts), at_once):
        some = texts[start : start + at_once]
        orders = [desk.predict(SERVICE, [text], several=False, order=Order("proof", "proof")) for text in some]
        for text, job in zip(some, desk.put(orders), strict=True):
            assert isinstance(job, Job)
            tickets[job.id] = text
    return tickets


def submit_once(desk: Desk, text: str, key: str | None = None) -> str:
    """The ticket of one job. With a key it may be tried again and again, and is one job."""
    order = Order("proof", "proof", idempotency_key=key or new_id())
    (job,) = desk.put([desk.predict(SERVICE, [text], several=False, order=order)])
    assert isinstance(job, Job)
    return job.id


def count(database: Database, *statuses: Status) -> int:
    """How many jobs are in one of these states."""
    with database.read() as connection:
        query = select(func.count()).select_from(jobs).where(jobs.c.status.in_(statuses))
        return connection.scalar(query) or 0


def wait_until_ended(settings: Settings, number: int) -> None:
    """Return once so many jobs, or more, have ended, however they did."""
    with open_database(settings) as database:
        wait_until(lambda: count(database, *FINAL) >= number, _SECONDS)


def rows(database: Database) -> dict[str, Row[Any]]:
    """The whole table of jobs, by ticket."""
    with database.read() as connection:
        return {row.id: row for row in connection.execute(select(jobs))}


def accepted(settings: Settings) -> Tickets:
    """Every job that the store has, with the only input that it was given for."""
    with open_database(settings) as database:
        return {ticket: row.payload["inputs"][0] for ticket, row in rows(database).items()}


def kept(database: Database) -> list[Row[Any]]:
    """The whole history, in the order in which it was answered."""
    with database.read() as connection:
        return list(connection.execute(select(predictions).order_by(predictions.c.id)))


def answers(settings: Settings, texts: Sequence[str]) -> list[dict[str, Any]]:
    """What the champion says to these texts when nothing goes wrong."""
    with open_database(settings) as database, database.read() as connection:
        version = versions.get(connection, SERVICE, versions.champions(connection)[SERVICE])
    outcomes = load_bundle(settings.folder / "models" / version.path, version.sha256).answer(texts)
    return [dict(outcome) for outcome in outcomes if not isinstance(outcome, WinnowError)]


def assert_each_done_once(settings: Settings, tickets: Mapping[str, str]) -> None:
    """None lost: these tickets and no others are there, finished, each with the right answer to its own input.

    None saved twice: each was finished once, and the history has one prediction for it, which is its result.
    `note_endings` must have been called before the work began.
    """
    with open_database(settings) as database:
        table, history = rows(database), kept(database)
        with database.read() as connection:
            noted = [tuple(row) for row in connection.exec_driver_sql("SELECT ticket, status FROM endings")]
    assert table.keys() == tickets.keys()
    assert {row.status for row in table.values()} == {Status.FINISHED}
    assert sorted(noted) == sorted((ticket, "finished") for ticket in tickets)
    assert sorted(row.ticket for row in history) == sorted(tickets)
    of_ticket = {row.ticket: row for row in history}
    right = dict(zip(tickets, answers(settings, list(tickets.values())), strict=True))
    for ticket, text in tickets.items():
        entry, result = of_ticket[ticket], table[ticket].result
        assert (entry.input, entry.answer) == (text, right[ticket])
        assert result == {"id": entry.id, **right[ticket], "version": entry.version}
