"""Who a browser belongs to, as the API says. Asked once in ten seconds for each session, not for each file."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from functools import partial

from anyio import to_thread

from winnow.client import Client
from winnow.client.account_answers import Identity
from winnow.errors import InvalidInput, Unauthenticated

COOKIE = "winnow_session"
"""What the browser keeps once somebody has signed in: the session that the API gave, as it is."""
_SECONDS = 10.0
_MOST = 1000


class Visitors:
    """Finds out who has which session. Belongs to one event loop."""

    def __init__(self, api: str) -> None:
        self._api = api
        self._known: OrderedDict[str, tuple[float, Identity]] = OrderedDict()

    async def identify(self, session: str | None) -> Identity:
        """Who has this session; who has none is anonymous, and where the session is void too.

        `ConnectionFailed` where the API does not answer.
        """
        key = hashlib.sha256((session or "").encode()).hexdigest()
        until, known = self._known.get(key, (0.0, None))
        if known is None or until < time.monotonic():
            known = await to_thread.run_sync(partial(self._ask, session))
            self._known[key] = (time.monotonic() + _SECONDS, known)
            self._known.move_to_end(key)
            while len(self._known) > _MOST:
                self._known.popitem(last=False)
        return known

    def forget(self) -> None:
        """Ask again, whoever comes: somebody has signed in, or out."""
        self._known.clear()

    def _ask(self, session: str | None) -> Identity:
        try:
            with Client(self._api, token=session or "", retries=0, timeout=10.0) as client:
                return client.whoami()
        except (Unauthenticated, InvalidInput):  # void, or nothing that was ever a session
            if not session:
                raise
        return self._ask(None)
