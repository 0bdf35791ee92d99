"""Sessions: what somebody sends after signing in. A signed text, which nothing is kept of.

It names the account and its generation. Who may do what is read from the store at each use.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer

from winnow.domain import Account, now
from winnow.errors import Unauthenticated
from winnow.settings import Settings
from winnow.store import Database, keys

KEY = "sessions"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a session says."""

    name: str
    generation: int


class Sessions:
    """Makes sessions and reads them. Methods may ask the store, at the first need."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._life = timedelta(hours=settings.session_hours)
        self._signer: URLSafeTimedSerializer | None = None

    def make(self, account: Account) -> tuple[str, datetime]:
        """A session of this account, and when it ends."""
        expires_at = now() + self._life
        text = self._signing().dumps([account.name, account.generation])
        return str(text), expires_at

    def read(self, text: str) -> Claim:
        """What a session says; `Unauthenticated` where it was not made here, was altered, or is over."""
        try:
            name, generation = self._signing().loads(text, max_age=int(self._life.total_seconds()))
        except SignatureExpired:
            raise Unauthenticated("this session has run out: sign in again") from None
        except (BadData, ValueError, TypeError):
            raise Unauthenticated("neither a token nor a session of this project: sign in again") from None
        return Claim(str(name), int(generation))

    def _signing(self) -> URLSafeTimedSerializer:
        if self._signer is None:
            with self._database.read() as connection:
                key = keys.find(connection, KEY)
            if key is None:
                with self._database.write() as connection:
                    self._database.lock(connection, "keys")
                    key = keys.obtain(connection, KEY)
            self._signer = URLSafeTimedSerializer(
                key, salt="winnow.session", signer_kwargs={"digest_method": hashlib.sha256}
            )
        return self._signer
