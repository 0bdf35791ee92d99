"""The messenger: each alert's opening and end is told to each address, until it is heard, and in order."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from tests.alerts.making import WRONG, settle
from winnow.domain import now
from winnow.jobs import messenger
from winnow.jobs.messenger import ATTEMPTS, Messenger
from winnow.monitoring import alerts as life
from winnow.monitoring.notifiers.base import Note, NotTold
from winnow.store import Database
from winnow.store.schema import alerts, notifications

KEY = ("gates-missed", "sentiment")


@dataclass
class Listener:
    """A notifier that remembers, and fails so often first."""

    failures: int = 0
    error: Callable[[], Exception] = field(default=lambda: NotTold("it was busy"))
    heard: list[str] = field(default_factory=list)
    attempts: int = 0

    def tell(self, note: Note) -> None:
        self.attempts += 1
        if self.failures:
            self.failures -= 1
            raise self.error()
        self.heard.append(note.title)


def messenger_of(database: Database, *listeners: Listener) -> Messenger:
    named = {f"{place:064d}": listener for place, listener in enumerate(listeners)}
    return Messenger(database, "shop", named, first_pause=timedelta(0))


def look(database: Database, *keys: tuple[str, str]) -> None:
    """A round of this moment."""
    with database.write() as connection:
        database.lock(connection, life.LOCK)
        life.settle(connection, dict.fromkeys(keys, WRONG), now(), timedelta())


async def test_opening_and_end_are_told_once_to_each(database: Database) -> None:
    first, second = Listener(), Listener()
    told = messenger_of(database, first, second)
    await told.do()
    assert first.heard == []
    look(database, KEY)
    await told.do()
    await told.do()
    assert first.heard == second.heard == ["[shop] gates-missed on sentiment"]
    look(database)
    await told.do()
    await told.do()
    assert (
        first.heard
        == second.heard
        == [
            "[shop] gates-missed on sentiment",
            "[shop] gates-missed on sentiment is resolved",
        ]
    )


async def test_an_alert_that_ended_before_anybody_looked_is_told_in_order(database: Database) -> None:
    listener = Listener(failures=2)
    look(database, KEY)
    look(database)
    await messenger_of(database, listener).do()
    assert listener.heard == ["[shop] gates-missed on sentiment", "[shop] gates-missed on sentiment is resolved"]


async def test_pending_alerts_are_nobodys_business(database: Database) -> None:
    listener = Listener()
    settle(database, 0, ("drift", "sentiment"))
    await messenger_of(database, listener).do()
    assert listener.attempts == 0


async def test_a_message_is_told_until_it_is_heard(database: Database) -> None:
    deaf, fine = Listener(failures=3), Listener()
    look(database, KEY)
    await messenger_of(database, deaf, fine).do()
    assert (deaf.attempts, len(deaf.heard)) == (4, 1)
    assert (fine.attempts, len(fine.heard)) == (1, 1)


async def test_pauses_double_and_end(database: Database) -> None:
    listener = Listener(failures=99)
    told = Messenger(database, "shop", {"0" * 64: listener}, first_pause=timedelta(seconds=40))
    look(database, KEY)
    pauses = []
    for _ in range(ATTEMPTS + 2):
        await told.do()
        with database.write() as connection:
            due = connection.scalar(select(notifications.c.due_at))
            if due is not None:
                pauses.append(round((due - now()).total_seconds()))
                connection.execute(update(notifications).values(due_at=now()))
    assert pauses == [40 * 2**n for n in range(ATTEMPTS - 1)]
    assert 22 * 3600 < sum(pauses) < 24 * 3600
    assert listener.attempts == ATTEMPTS
    look(database)
    await told.do()
    assert listener.attempts == ATTEMPTS  # who never heard of it is not told of its end


async def test_an_end_is_dropped_where_its_beginning_was_given_up(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messenger, "ATTEMPTS", 2)
    listener = Listener(failures=99)
    look(database, KEY)
    look(database)
    await messenger_of(database, listener).do()
    assert listener.attempts == 2
    await messenger_of(database, listener).do()
    assert listener.heard == []
    assert listener.attempts == 2


async def test_a_notifier_that_breaks_is_a_failed_attempt_without_its_words(database: Database) -> None:
    listener = Listener(failures=1, error=lambda: RuntimeError("https://secret"))
    look(database, KEY)
    told = Messenger(database, "shop", {"0" * 64: listener})
    await told.do()
    with database.read() as connection:
        error = connection.scalar(select(notifications.c.error))
    assert error == "the notifier broke: RuntimeError"


async def test_one_that_hangs_is_left_and_told_again(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messenger, "SECONDS", 0.1)
    hanging = threading.Event()

    class Hanging(Listener):
        def tell(self, note: Note) -> None:
            if not self.attempts:
                self.attempts = 1
                hanging.wait(30)
            super().tell(note)

    listener = Hanging()
    look(database, KEY)
    await messenger_of(database, listener).do()
    assert len(listener.heard) == 1
    hanging.set()


async def test_a_process_that_died_amid_telling_leaves_it_to_others(database: Database) -> None:
    """As it is after `kill -9`: taken, and nothing more is heard of it until its time is up."""
    listener = Listener()
    told = messenger_of(database, listener)
    look(database, KEY)
    assert len(told._take()) == 1
    await told.do()
    assert listener.heard == []
    with database.write() as connection:
        connection.execute(update(notifications).values(due_at=now() - timedelta(seconds=1)))
    await told.do()
    await told.do()
    assert len(listener.heard) == 1


async def test_two_processes_tell_each_thing_once(database: Database) -> None:
    listener = Listener()
    keys = [KEY, ("drift", "sentiment"), ("disk", "")]
    look(database, *keys)
    both = [messenger_of(database, listener), messenger_of(database, listener)]
    threads = [threading.Thread(target=_drain, args=(one,)) for one in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(listener.heard) == sorted(
        ["[shop] gates-missed on sentiment", "[shop] drift on sentiment", "[shop] disk"]
    )


def _drain(one: Messenger) -> None:
    asyncio.run(one.do())


async def test_somebody_new_is_told_what_is_open_and_not_what_is_over(database: Database) -> None:
    look(database, ("disk", ""))
    look(database)
    look(database, KEY)
    with database.write() as connection:
        old = now() - timedelta(hours=1)
        connection.execute(update(alerts).where(alerts.c.rule == "disk").values(opened_at=old, resolved_at=old))
    listener = Listener()
    await messenger_of(database, listener).do()
    assert listener.heard == ["[shop] gates-missed on sentiment"]


async def test_a_rollback_is_told_and_its_end_is_not(database: Database) -> None:
    listener = Listener()
    with database.write() as connection:
        alert = life.report(connection, "sentiment", WRONG, now())
    await messenger_of(database, listener).do()
    life.acknowledge(database, alert.id, "ada")
    await messenger_of(database, listener).do()
    assert listener.heard == ["[shop] rolled-back on sentiment"]


def test_a_message_says_all_in_sentences(sqlite: Database) -> None:
    notes: list[Note] = []

    class Keeping(Listener):
        def tell(self, note: Note) -> None:
            notes.append(note)

    look(sqlite, KEY)
    _drain(Messenger(sqlite, "shop", {"0" * 64: Keeping()}, "https://w.example/ui"))
    look(sqlite)
    _drain(Messenger(sqlite, "shop", {"0" * 64: Keeping()}))
    opened, resolved = notes
    lines: Sequence[str] = opened.body.splitlines()
    assert lines[:2] == ["The labels are not what they were.", "0.3, and <= 0.25 is required."]
    assert lines[2].startswith("Since 20")
    assert lines[2].endswith(" UTC.")
    assert (opened.link, opened.good) == ("https://w.example/ui", False)
    assert resolved.good
    assert resolved.body.startswith("It is over.")
