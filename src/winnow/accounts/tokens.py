"""Tokens: what programs sign in with. Each is shown once; the store has its SHA-256 only."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from winnow.domain import Role, Token, new_id, now
from winnow.errors import Conflict, InvalidInput
from winnow.store import Database, accounts, tokens

PREFIX = "wnw_"
"""How every token begins, so that one that is found where it should not be is known for what it is."""
LONGEST_NAME = 63
LONGEST_DAYS = 3650
_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a project. Methods block for as long as the store takes."""

    database: Database

    def add(
        self, name: str, role: Role, *, account: str | None = None, days: float | None = None
    ) -> tuple[Token, str]:
        """Make a token, for an account or for nobody in particular; returns it with its secret.

        It may do what both its role and its account's role allow. `days` is for how long; None for ever.
        """
        check_name(name)
        if days is not None and not 0 < days <= LONGEST_DAYS:
            raise InvalidInput(f"a token lives for more than 0 and at most {LONGEST_DAYS} days, not {days:g}")
        secret = PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
        expires_at = None if days is None else now() + timedelta(days=days)
        token = Token(new_id(), name, role, account, now(), expires_at=expires_at)
        with self.database.write() as connection:
            if account is not None:
                accounts.get(connection, account)
            tokens.add(connection, token, digest(secret))
        return token, secret

    def listed(self, account: str | None = None) -> list[Token]:
        """All tokens, or those of one account, newest first."""
        with self.database.read() as connection:
            return tokens.newest(connection, account)

    def get(self, token_id: str) -> Token:
        """One token; `NotFound` otherwise."""
        with self.database.read() as connection:
            return tokens.get(connection, token_id)

    def named(self, name_or_id: str) -> Token:
        """One token by its id or, where only one has it, by its name."""
        found = [token for token in self.listed() if token.name == name_or_id]
        if len(found) > 1:
            raise Conflict(f"{len(found)} tokens are called '{name_or_id}': name one by its id")
        return found[0] if found else self.get(name_or_id)

    def revoke(self, token_id: str) -> Token:
        """Make a token void, and return what it was."""
        with self.database.write() as connection:
            token = tokens.get(connection, token_id)
            tokens.revoke(connection, token_id)
        return token


def digest(secret: str) -> str:
    """What the store keeps of a token. It has 256 bits of chance: nobody finds it by trying, salt or no salt."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def check_name(name: str) -> None:
    """Refuse a name that the audit trail could not show."""
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable() or name != name.strip():
        raise InvalidInput(f"a token's name has 1 to {LONGEST_NAME} characters that can be printed")
