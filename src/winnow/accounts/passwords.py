"""Passwords: what they have to be, and how they are kept and compared.

Hashing takes some 25 ms of a core on purpose. Never call it in an event loop.
"""

from __future__ import annotations

import secrets
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from winnow.errors import InvalidInput

SHORTEST = 10
LONGEST = 256

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # without those that are read as others
_GROUPS, _GROUP = 4, 5


def check_new(password: str, name: str) -> None:
    """Refuse a password that is too short, absurdly long, or the name of who chooses it."""
    if len(password) < SHORTEST:
        raise InvalidInput(f"a password needs at least {SHORTEST} characters: a few words make a good one")
    if len(password) > LONGEST:
        raise InvalidInput(f"a password has at most {LONGEST} characters")
    if len(set(password)) == 1:
        raise InvalidInput("a password needs more than one character over and over")
    if password.casefold() == name.casefold():
        raise InvalidInput("a password must not be the account's own name")


def make() -> str:
    """A one-time password: 99 bits of chance, easy to read and to type."""
    groups = ["".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS)]
    return "-".join(groups)


def hashed(password: str) -> str:
    """What is kept of a password."""
    return _hasher().hash(_bytes(password))


def matches(kept: str | None, password: str) -> bool:
    """Whether this is the password that was kept. Without one, as of nobody, it takes as long to say no."""
    try:
        return _hasher().verify(kept if kept is not None else _of_nobody(), _bytes(password)) and kept is not None
    except (Argon2Error, InvalidHashError):
        return False


@cache
def _hasher() -> PasswordHasher:
    """argon2id in 19 MiB and two passes, as OWASP advises: several at once must fit beside models."""
    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


@cache
def _of_nobody() -> str:
    return hashed(secrets.token_urlsafe())


def _bytes(password: str) -> bytes:
    """The same bytes for the same characters, however the keyboard composes them."""
    return unicodedata.normalize("NFKC", password).encode(errors="surrogatepass")
