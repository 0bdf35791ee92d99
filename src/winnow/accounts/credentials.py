"""Credentials: what the header `Authorization` holds."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as NotBase64
from dataclasses import dataclass, field

from winnow.accounts.passwords import LONGEST
from winnow.errors import Unauthenticated

MAX_BYTES = 4_096
"""Longer than any token, session or password."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token or a session."""

    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Basic:
    """A name and its password."""

    name: str
    password: str = field(repr=False)


def read_credentials(header: bytes) -> Bearer | Basic:
    """What a header says; `Unauthenticated` where it cannot be read. What it holds is never quoted."""
    scheme, _, value = header.partition(b" ")
    value = value.strip()
    if len(header) > MAX_BYTES:
        raise Unauthenticated(f"the header Authorization is longer than {MAX_BYTES} bytes")
    match scheme.lower():
        case b"bearer" if value.isascii():
            return Bearer(value.decode("ascii"))
        case b"basic":
            return _basic(value)
        case _:
            raise Unauthenticated("the header Authorization should be 'Bearer' and a token, or 'Basic'")


def _basic(value: bytes) -> Basic:
    try:
        name, colon, password = b64decode(value, validate=True).decode().partition(":")
    except (NotBase64, UnicodeDecodeError):
        raise Unauthenticated("Basic credentials should be name:password in UTF-8, in base64") from None
    if not colon or len(password) > LONGEST:
        raise Unauthenticated(f"Basic credentials should be name:password, of at most {LONGEST} characters")
    return Basic(name, password)
