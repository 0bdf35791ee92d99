"""Accounts in the store, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from winnow.accounts import passwords
from winnow.accounts.people import FIRST, People
from winnow.accounts.tokens import Tokens
from winnow.domain import Role
from winnow.errors import Conflict, InvalidInput, NotFound
from winnow.store import Database, accounts

WALK = "a long walk at dawn"


@pytest.fixture
def people(database: Database) -> People:
    return People(database)


def test_adding_and_listing(people: People) -> None:
    grace = people.invite("grace", Role.EDITOR)
    ada = people.add("ada", Role.ADMIN, WALK)
    assert [(a.name, a.role, a.one_time) for a in people.listed()] == [
        ("ada", Role.ADMIN, False),
        ("grace", Role.EDITOR, True),
    ]
    assert passwords.matches(grace.account.password, grace.password)
    assert WALK not in ada.password
    assert WALK not in repr(ada)
    with pytest.raises(Conflict, match="'ada' already"):
        people.add("ada", Role.VIEWER, WALK)
    with pytest.raises(NotFound, match="Did you mean 'grace'"):
        people.get("grece")


@pytest.mark.parametrize(
    "name", ["", "Ada", "a b", "a:b", "é", "-a", "a" * 64, "anonymous", "a\x00", "a\n", "token:x", "\ud800"]
)
def test_names_that_mean_something_else(people: People, name: str) -> None:
    with pytest.raises(InvalidInput):
        people.invite(name, Role.VIEWER)
    assert people.listed() == []


def test_the_last_admin_stays(people: People) -> None:
    people.add("ada", Role.ADMIN, WALK)
    people.add("grace", Role.EDITOR, WALK)
    with pytest.raises(Conflict, match="last admin"):
        people.remove("ada")
    with pytest.raises(Conflict, match="last admin"):
        people.set_role("ada", Role.EDITOR)
    assert people.set_role("ada", Role.ADMIN).role is Role.ADMIN
    people.set_role("grace", Role.ADMIN)
    assert people.remove("ada").name == "ada"
    with pytest.raises(Conflict, match="last admin"):
        people.remove("grace")


def test_two_admins_who_remove_each_other_at_once(people: People) -> None:
    for name in ("ada", "grace"):
        people.invite(name, Role.ADMIN)

    def remove(name: str) -> bool:
        try:
            people.remove(name)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(remove, ["ada", "grace"])) == [False, True]
    assert len(people.listed()) == 1


def test_a_password_ends_the_sessions_of_before(people: People) -> None:
    before = people.add("ada", Role.ADMIN, WALK)
    reset = people.reset_password("ada")
    assert reset.account.one_time
    own = people.set_password("ada", "a longer walk at dusk")
    assert (before.generation, reset.account.generation, own.generation) == (0, 1, 2)
    assert not own.one_time
    people.end_sessions("ada")
    assert people.get("ada").generation == 3


def test_removing_somebody_takes_their_tokens(people: People) -> None:
    people.add("ada", Role.ADMIN, WALK)
    people.add("grace", Role.EDITOR, WALK)
    tokens = Tokens(people.database)
    tokens.add("hers", Role.EDITOR, account="grace")
    tokens.add("nobody's", Role.EDITOR)
    people.remove("grace")
    assert [token.name for token in tokens.listed()] == ["nobody's"]


@pytest.mark.parametrize("change", ["set_role", "set_password", "reset_password", "end_sessions", "remove"])
def test_nobody_can_be_changed(people: People, change: str) -> None:
    more = {"set_role": (Role.ADMIN,), "set_password": (WALK,)}.get(change, ())
    with pytest.raises(NotFound):
        getattr(people, change)("nobody", *more)


def test_the_first_admin_until_the_project_is_claimed(people: People) -> None:
    assert people.unclaimed()
    first = people.first_admin()
    again = people.first_admin()
    assert first is not None
    assert again is not None
    assert again.account.name == FIRST
    assert not passwords.matches(again.account.password, first.password)
    assert passwords.matches(again.account.password, again.password)
    assert len(people.listed()) == 1
    people.set_password(FIRST, WALK)
    assert not people.unclaimed()
    assert people.first_admin() is None


def test_no_first_admin_beside_others(people: People) -> None:
    people.invite("ada", Role.VIEWER)
    assert people.first_admin() is None


def test_a_reset_does_not_open_a_claimed_project(people: People) -> None:
    people.add(FIRST, Role.ADMIN, WALK)
    people.reset_password(FIRST)
    assert people.first_admin() is None
    with people.database.read() as connection:
        assert accounts.claimed(connection)
        assert not accounts.any_own_password(connection)
