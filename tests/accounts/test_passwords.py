"""Passwords: which ones will do, and how they are compared."""

from __future__ import annotations

import time
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.accounts import passwords
from winnow.errors import InvalidInput


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("", "at least 10"),
        ("nine char", "at least 10"),
        ("x" * 257, "at most 256"),
        ("aaaaaaaaaaaa", "more than one character"),
        ("ada.lovelace", "own name"),
        ("ADA.lovelace", "own name"),
    ],
    ids=["empty", "short", "long", "one-letter", "name", "name-in-capitals"],
)
def test_what_will_not_do(password: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason) as refusal:
        passwords.check_new(password, "ada.lovelace")
    assert not password or password not in str(refusal.value)


@settings(max_examples=5, deadline=None)
@given(st.text(min_size=1, max_size=40), st.text(min_size=1, max_size=40))
def test_only_the_same_password_matches(password: str, other: str) -> None:
    """Half of a surrogate pair, NUL and all."""
    kept = passwords.hashed(password)
    assert passwords.matches(kept, password)
    assert kept.startswith("$argon2id$")
    if passwords._bytes(other) != passwords._bytes(password):
        assert not passwords.matches(kept, other)


def test_keyboards_that_compose_letters_otherwise_type_the_same_password() -> None:
    assert passwords.matches(passwords.hashed("déjà vu partout"), "de\u0301ja\u0300 vu partout")


def test_a_damaged_hash_matches_nothing() -> None:
    assert not passwords.matches("$argon2id$nonsense", "a long walk at dawn")


def test_nobody_takes_as_long_as_somebody() -> None:
    kept = passwords.hashed("a long walk at dawn")

    def seconds(whose: str | None) -> float:
        began = time.perf_counter()
        assert not passwords.matches(whose, "another walk")
        return time.perf_counter() - began

    passwords.matches(None, "the first time makes the hash of nobody")
    pairs = [(seconds(kept), seconds(None)) for _ in range(9)]
    ratio = median(nobody / somebody for somebody, nobody in pairs)
    assert 0.5 < ratio < 2


def test_one_time_passwords_differ_and_will_do() -> None:
    made = {passwords.make() for _ in range(100)}
    assert len(made) == 100
    for password in made:
        passwords.check_new(password, "ada")
