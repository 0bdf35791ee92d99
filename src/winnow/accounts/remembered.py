"""What is remembered of credentials that were right: a program sends them with each request."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time

from winnow.domain import Identity

SECONDS = 5.0
"""For how long a change that another process made may go unseen."""
MOST = 10_000


class Proven:
    """Passwords that were found right: for each hash that is kept, a digest keyed with chance of this process.

    Who was right once is not slowed down again, nor locked out by others who guess at the same name. A password
    that was replaced has another hash, so nothing here outlives it.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._known: dict[str, bytes] = {}

    def holds(self, kept: str, password: str) -> bool:
        """Whether this password was right for this hash before."""
        known = self._known.get(kept)
        return known is not None and secrets.compare_digest(known, self._digest(kept, password))

    def add(self, kept: str, password: str) -> None:
        """Remember that it was."""
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[kept] = self._digest(kept, password)

    def _digest(self, kept: str, password: str) -> bytes:
        whole = f"{kept}\n{password}".encode(errors="surrogatepass")
        return hashlib.blake2b(whole, key=self._key, digest_size=32).digest()


class Remembered:
    """Identities, for a few seconds, by a digest of the credentials that is keyed as above. For any thread."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._known: dict[bytes, tuple[Identity, float]] = {}
        self._lock = threading.Lock()
        self.epoch = 0
        """How often all was forgotten. What was found out before does not count after."""

    def key(self, header: bytes) -> bytes:
        """What stands for credentials here."""
        return hashlib.blake2b(header, key=self._key, digest_size=16).digest()

    def get(self, key: bytes) -> Identity | None:
        """Who sends these; None where that is to be found out."""
        found = self._known.get(key)
        if found is None or found[1] < time.monotonic():
            return None
        return found[0]

    def put(self, key: bytes, identity: Identity, epoch: int) -> None:
        """Remember who sends these, as it was found out in this epoch."""
        with self._lock:
            if epoch != self.epoch:
                return
            self._known.pop(key, None)  # the newest are last
            if len(self._known) >= MOST:
                del self._known[next(iter(self._known))]
            self._known[key] = identity, time.monotonic() + SECONDS

    def forget(self) -> None:
        """Forget everything: somebody's rights have changed."""
        with self._lock:
            self._known.clear()
            self.epoch += 1
