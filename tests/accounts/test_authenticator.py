"""From credentials to who sent them."""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from winnow.accounts import passwords
from winnow.accounts.authenticator import Authenticator
from winnow.accounts.people import People
from winnow.accounts.remembered import MOST, Remembered
from winnow.accounts.sessions import Sessions
from winnow.accounts.throttle import WRONG_BY_NAME
from winnow.accounts.tokens import PREFIX, Tokens, digest
from winnow.domain import Identity, Role, Token, new_id, now
from winnow.errors import Conflict, InvalidInput, NotFound, Overloaded, Unauthenticated
from winnow.settings import load_settings
from winnow.store import Database, accounts, keys, tokens

WALK = "a long walk at dawn"
HERE = "192.0.2.1"


@pytest.fixture
def people(database: Database) -> People:
    return People(database)


@pytest.fixture
def authenticator(database: Database) -> Iterator[Authenticator]:
    made = Authenticator(database, load_settings())
    yield made
    made.close()


def basic(name: str, password: str) -> bytes:
    return b"Basic " + b64encode(f"{name}:{password}".encode())


def bearer(value: str) -> bytes:
    return f"Bearer {value}".encode()


async def test_a_name_and_a_password(authenticator: Authenticator, people: People) -> None:
    people.add("ada", Role.EDITOR, "a:b \N{SNOWMAN} long enough")
    identity = await authenticator.identify(basic("ada", "a:b \N{SNOWMAN} long enough"), HERE)
    assert identity == Identity("ada", Role.EDITOR, "account", account="ada")
    assert await authenticator.identify(basic("Ada", "a:b \N{SNOWMAN} long enough"), HERE) == identity


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"Basic",
        b"Basic !!!!",
        b"Basic YWRh",
        b"Basic " + b64encode(b"ada\xff:x"),
        b"Basic " + b64encode(b"ada:" + b"x" * 300),
        b"Bearer",
        b"Bearer \xc3\xa9",
        b"Bearer wnw_",
        b"Bearer " + b"x" * 5000,
        b"Bearer a.b.c",
        b"Bearer .eJwDAAAAAAE.a.b",
        b"Digest username=ada",
        basic("ada", WALK + "!"),
        basic("nobody", WALK),
        basic("ada\x00", WALK),
        basic("", ""),
    ],
    ids=range(17),
)
async def test_what_nobody_sends(authenticator: Authenticator, people: People, header: bytes) -> None:
    people.add("ada", Role.EDITOR, WALK)
    with pytest.raises(Unauthenticated) as refusal:
        await authenticator.identify(header, HERE)
    assert WALK not in str(refusal.value)


async def test_unknown_names_and_wrong_passwords_are_refused_alike(
    authenticator: Authenticator, people: People
) -> None:
    people.add("ada", Role.EDITOR, WALK)
    sentences = set()
    for name in ("ada", "grace", "Not A Name"):
        with pytest.raises(Unauthenticated) as refusal:
            await authenticator.sign_in(name, "wrong password", HERE)
        sentences.add(str(refusal.value))
    assert len(sentences) == 1


async def test_a_password_is_compared_once_for_many_requests(
    authenticator: Authenticator, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.add("ada", Role.EDITOR, WALK)
    compared = []
    matches = passwords.matches

    def counting(kept: str | None, password: str) -> bool:
        compared.append(password)
        return matches(kept, password)

    monkeypatch.setattr(passwords, "matches", counting)
    header = basic("ada", WALK)
    assert authenticator.remembered(header) is None
    await asyncio.gather(*(authenticator.identify(header, HERE) for _ in range(50)))
    remembered = authenticator.remembered(header)
    assert remembered is not None
    assert remembered.name == "ada"
    authenticator.forget()
    assert authenticator.remembered(header) is None
    await authenticator.identify(header, HERE)
    assert compared == [WALK]


async def test_comparing_a_password_does_not_hold_up_the_loop(authenticator: Authenticator, people: People) -> None:
    people.add("ada", Role.EDITOR, WALK)
    comparing = asyncio.create_task(authenticator.sign_in("ada", WALK, HERE))
    turns = 0
    while not comparing.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 10


async def test_guessing_is_slowed_down_and_locks_nobody_out_who_was_right(
    authenticator: Authenticator, people: People
) -> None:
    for name in ("ada", "grace", "eve"):
        people.add(name, Role.EDITOR, WALK)
    await authenticator.sign_in("grace", WALK, HERE)
    for name in ("ada", "grace"):
        for _ in range(WRONG_BY_NAME):
            with pytest.raises(Unauthenticated):
                await authenticator.sign_in(name, "wrong password", HERE)
        with pytest.raises(Overloaded):
            await authenticator.sign_in(name, "wrong password", HERE)
    with pytest.raises(Overloaded):  # this process cannot know that it is right
        await authenticator.sign_in("ada", WALK, HERE)
    assert (await authenticator.sign_in("grace", WALK, HERE)).identity.name == "grace"
    assert (await authenticator.sign_in("eve", WALK, HERE)).identity.name == "eve"


async def test_a_session(authenticator: Authenticator, people: People) -> None:
    people.add("ada", Role.VIEWER, WALK)
    begun = await authenticator.sign_in("ada", WALK, HERE)
    assert begun.identity == await authenticator.identify(bearer(begun.session), HERE)
    assert timedelta(hours=11) < begun.expires_at - now() <= timedelta(hours=12)
    people.set_role("ada", Role.EDITOR)
    authenticator.forget()
    assert (await authenticator.identify(bearer(begun.session), HERE)).role is Role.EDITOR  # it is the store's
    people.end_sessions("ada")
    authenticator.forget()
    with pytest.raises(Unauthenticated, match="over"):
        await authenticator.identify(bearer(begun.session), HERE)


async def test_a_session_of_somebody_who_was_removed(authenticator: Authenticator, people: People) -> None:
    people.add("ada", Role.VIEWER, WALK)
    begun = await authenticator.sign_in("ada", WALK, HERE)
    people.remove("ada")
    with pytest.raises(Unauthenticated):
        await authenticator.identify(bearer(begun.session), HERE)


async def test_sessions_that_were_not_made_here(
    authenticator: Authenticator, people: People, database: Database
) -> None:
    ada = people.add("ada", Role.ADMIN, WALK)
    session, _ = Sessions(database, load_settings()).make(ada)
    assert (await authenticator.identify(bearer(session), HERE)).name == "ada"  # another process has the same key
    payload, moment, signature = session.split(".")
    forged = [f"{payload}.{moment}.{signature[:-2]}AA", f"{payload}x.{moment}.{signature}", f"{payload}.{moment}"]
    for text in forged:
        with pytest.raises(Unauthenticated):
            await authenticator.identify(bearer(text), HERE)


def test_a_session_runs_out(database: Database, people: People) -> None:
    ada = people.add("ada", Role.ADMIN, WALK)
    sessions = Sessions(database, load_settings(session_hours=1 / 3600))
    session, expires_at = sessions.make(ada)
    assert sessions.read(session).name == "ada"
    time.sleep(max(0.0, (expires_at - now()).total_seconds()) + 1.1)
    with pytest.raises(Unauthenticated, match="run out"):
        sessions.read(session)


def test_the_key_is_made_once(database: Database, people: People) -> None:
    ada = people.add("ada", Role.ADMIN, WALK)
    every = [Sessions(database, load_settings()) for _ in range(4)]
    for one in every:
        session, _ = one.make(ada)
        assert all(other.read(session).name == "ada" for other in every)
    with database.read() as connection:
        assert len(keys.find(connection, "sessions") or b"") == keys.KEY_BYTES


async def test_a_changed_password(authenticator: Authenticator, people: People) -> None:
    new = people.invite("ada", Role.ADMIN)
    begun = await authenticator.sign_in("ada", new.password, HERE)
    assert begun.identity.one_time
    for wrong, reason in ((new.password, "another one"), ("short", "at least 10"), ("ada", "at least 10")):
        with pytest.raises(InvalidInput, match=reason):
            await authenticator.change_password("ada", new.password, wrong, address=HERE, request_id="1")
    with pytest.raises(Unauthenticated):
        await authenticator.change_password("ada", "wrong password", WALK, address=HERE, request_id="1")
    done = await authenticator.change_password("ada", new.password, WALK, address=HERE, request_id="1")
    assert not done.identity.one_time
    assert (await authenticator.identify(bearer(done.session), HERE)).role is Role.ADMIN
    for void in (bearer(begun.session), basic("ada", new.password)):
        with pytest.raises(Unauthenticated):
            await authenticator.identify(void, HERE)


async def test_a_token(authenticator: Authenticator, database: Database, people: People) -> None:
    people.add("ada", Role.EDITOR, WALK)
    kept = Tokens(database)
    token, secret = kept.add("nightly", Role.ADMIN, account="ada")
    assert secret.startswith(PREFIX)
    assert len(secret) >= 43
    identity = await authenticator.identify(bearer(secret), HERE)
    assert identity == Identity("token:nightly", Role.EDITOR, "token", account="ada")  # at most its owner's role
    used = kept.get(token.id).last_used_at
    assert used is not None
    assert used.second == used.microsecond == 0
    people.set_role("ada", Role.VIEWER)
    authenticator.forget()
    assert (await authenticator.identify(bearer(secret), HERE)).role is Role.VIEWER
    kept.revoke(token.id)
    authenticator.forget()
    with pytest.raises(Unauthenticated, match="revoked"):
        await authenticator.identify(bearer(secret), HERE)


async def test_what_changed_in_another_process_is_seen_in_seconds(
    authenticator: Authenticator, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("winnow.accounts.remembered.SECONDS", 0.2)
    token, secret = Tokens(database).add("nightly", Role.VIEWER)
    await authenticator.identify(bearer(secret), HERE)
    Tokens(database).revoke(token.id)
    assert authenticator.remembered(bearer(secret)) is not None
    await asyncio.sleep(0.25)
    assert authenticator.remembered(bearer(secret)) is None


async def test_a_token_that_has_run_out(authenticator: Authenticator, database: Database) -> None:
    past = now() - timedelta(days=1)
    with database.write() as connection:
        tokens.add(connection, Token(new_id(), "old", Role.ADMIN, None, past, expires_at=past), digest("wnw_old"))
    with pytest.raises(Unauthenticated, match="'old' has run out"):
        await authenticator.identify(bearer("wnw_old"), HERE)


def test_the_store_has_no_secret(database: Database) -> None:
    kept = Tokens(database)
    _, secret = kept.add("nightly", Role.VIEWER, days=1)
    with database.read() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM tokens").fetchall()
        assert secret not in str(rows)
        assert secret.removeprefix(PREFIX) not in str(rows)
    assert len({kept.add("nightly", Role.VIEWER)[1] for _ in range(20)}) == 20
    with pytest.raises(Conflict, match="21 tokens"):
        kept.named("nightly")


@pytest.mark.parametrize(
    ("name", "days"), [("", None), (" a", None), ("a\nb", None), ("a" * 64, None), ("a", 0), ("a", 4000)]
)
def test_tokens_that_are_not_made(database: Database, name: str, days: float | None) -> None:
    with pytest.raises(InvalidInput):
        Tokens(database).add(name, Role.VIEWER, days=days)
    with pytest.raises(NotFound):
        Tokens(database).add("hers", Role.VIEWER, account="nobody")


async def test_an_open_project_closes_once_it_is_claimed(
    database: Database, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("winnow.accounts.anonymous.SECONDS", 0.2)
    authenticator = Authenticator(database, load_settings())
    assert (await authenticator.anonymous()).role is Role.VIEWER
    people.invite("ada", Role.ADMIN)  # nobody has a password of their own yet
    await asyncio.sleep(0.25)
    assert (await authenticator.anonymous()).role is Role.VIEWER
    people.set_password("ada", WALK)
    await asyncio.sleep(0.25)
    assert (await authenticator.anonymous()).role is None
    with database.write() as connection:
        accounts.remove(connection, "ada")
    await asyncio.sleep(0.25)
    assert (await authenticator.anonymous()).role is None  # it never opens again
    authenticator.close()


@pytest.mark.parametrize(
    ("host", "anonymous", "role"),
    [
        ("127.0.0.1", "auto", Role.VIEWER),
        ("::1", "auto", Role.VIEWER),
        ("localhost", "auto", Role.VIEWER),
        ("127.0.0.1", "editor", Role.EDITOR),
        ("127.0.0.1", "nobody", None),
        ("0.0.0.0", "auto", None),
        ("", "auto", None),
        ("192.0.2.1", "admin", None),
    ],
)
async def test_what_callers_without_credentials_may_do(
    sqlite: Database, host: str, anonymous: str, role: Role | None
) -> None:
    authenticator = Authenticator(sqlite, load_settings(host=host, anonymous=anonymous))
    assert (await authenticator.anonymous()).role is role
    authenticator.close()


async def test_many_strangers_cost_one_question(sqlite: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    claimed = accounts.claimed

    def counting(connection: Connection) -> bool:
        asked.append(connection)
        return claimed(connection)

    monkeypatch.setattr(accounts, "claimed", counting)
    authenticator = Authenticator(sqlite, load_settings())
    await asyncio.gather(*(authenticator.anonymous() for _ in range(100)))
    await authenticator.anonymous()
    assert len(asked) == 1
    authenticator.close()


def test_what_is_remembered_is_bounded_and_of_one_epoch() -> None:
    remembered = Remembered()
    identity = Identity("ada", Role.VIEWER, "account")
    stale = remembered.epoch
    for number in range(MOST + 10):
        remembered.put(remembered.key(b"%d" % number), identity, stale)
    assert len(remembered._known) == MOST
    assert remembered.get(remembered.key(b"0")) is None
    remembered.forget()
    remembered.put(remembered.key(b"late"), identity, stale)
    assert remembered.get(remembered.key(b"late")) is None
    assert all(b"late" not in key for key in remembered._known)
