"""The authenticator: from what a request brings along to who sent it.

    identity = authenticator.remembered(header) or await authenticator.identify(header, address)

Credentials that were right are remembered for a few seconds. Passwords are compared in threads of their own, two at
a time: no flood of wrong ones takes more of the machine than that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from loguru import logger

from winnow.accounts import passwords
from winnow.accounts.anonymous import Anonymous
from winnow.accounts.audit import Audit
from winnow.accounts.credentials import Basic, Bearer, read_credentials
from winnow.accounts.people import People, check_name
from winnow.accounts.remembered import Proven, Remembered
from winnow.accounts.sessions import Sessions
from winnow.accounts.throttle import Throttle
from winnow.accounts.tokens import PREFIX, digest
from winnow.domain import Account, Identity, Role, now
from winnow.errors import InvalidInput, StoreFailed, Unauthenticated
from winnow.settings import Settings
from winnow.store import Database, accounts, tokens

T = TypeVar("T")

_AT_ONCE = 2
_USED_WITHIN = timedelta(minutes=1)
_WRONG = "the name or the password is wrong"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session that has begun, whose it is, and when it ends."""

    session: str
    expires_at: datetime
    identity: Identity


class Authenticator:
    """Finds out who sends requests. For one event loop; `close` it with the process."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._people = People(database)
        self._sessions = Sessions(database, settings)
        self._throttle = Throttle(settings)
        self._anonymous = Anonymous(database, settings)
        self._remembered = Remembered()
        self._proven = Proven()
        self._asked: dict[bytes, asyncio.Task[Identity]] = {}
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="winnow-passwords")

    async def anonymous(self) -> Identity:
        """Who a caller without credentials is."""
        return await self._anonymous.identity()

    def remembered_anonymous(self) -> Identity | None:
        """Who a caller without credentials is, where that need not be looked up."""
        return self._anonymous.remembered()

    def remembered(self, header: bytes) -> Identity | None:
        """Who sends these credentials, where that was found out a moment ago."""
        return self._remembered.get(self._remembered.key(header))

    async def identify(self, header: bytes, address: str) -> Identity:
        """Who sends these credentials; `Unauthenticated` where nobody may, `Overloaded` after many wrong ones.

        Requests that bring the same ones at the same time wait for one answer.
        """
        key = self._remembered.key(header)
        task = self._asked.get(key)
        if task is None:
            task = self._asked[key] = asyncio.create_task(self._identify(key, header, address))
            task.add_done_callback(lambda _: self._asked.pop(key, None))
        return await asyncio.shield(task)

    async def sign_in(self, name: str, password: str, address: str) -> SignedIn:
        """Begin a session. A one-time password begins one that may do nothing but choose another."""
        return await self._in_thread(lambda: self._begin(self._check_password(name, password, address)))

    async def change_password(
        self, name: str, current: str, new: str, *, address: str, request_id: str
    ) -> SignedIn:
        """Replace one's own password, end every session that one has, and begin another.

        `InvalidInput` where the new one will not do.
        """

        def change() -> SignedIn:
            account = self._check_password(name, current, address)
            if new == current:
                raise InvalidInput("the new password should be another one than the old")
            passwords.check_new(new, account.name)
            with Audit(self._database, account.name, request_id)("change-password", subject=account.name):
                return self._begin(self._people.set_password(account.name, new))

        done = await self._in_thread(change)
        self.forget()
        return done

    def forget(self) -> None:
        """Ask the store again about everybody: an account or a token has changed."""
        self._remembered.forget()
        self._asked.clear()
        self._anonymous.look_again()

    def close(self) -> None:
        """Compare no more passwords."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _identify(self, key: bytes, header: bytes, address: str) -> Identity:
        epoch = self._remembered.epoch
        match read_credentials(header):
            case Basic(name, password):
                account = await self._in_thread(lambda: self._check_password(name, password, address))
                identity = _of_account(account)
            case Bearer(value) if value.startswith(PREFIX):
                identity = await asyncio.to_thread(self._of_token, value)
            case Bearer(value):
                identity = await asyncio.to_thread(self._of_session, value)
        self._remembered.put(key, identity, epoch)
        return identity

    async def _in_thread(self, do: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, do)

    def _check_password(self, name: str, password: str, address: str) -> Account:
        """Whose name and password these are. It takes as long to say that there is no such account."""
        name = name.lower()
        account = self._find(name)
        if account is not None and self._proven.holds(account.password, password):
            return account
        self._throttle.check(name, address)
        if passwords.matches(None if account is None else account.password, password) and account is not None:
            self._proven.add(account.password, password)
            return account
        self._throttle.count(name, address)
        who = "somebody unknown" if account is None else account.name
        logger.warning("a wrong password for {} came from {}", who, address)
        raise Unauthenticated(_WRONG)

    def _find(self, name: str) -> Account | None:
        with suppress(InvalidInput):
            check_name(name)
            with self._database.read() as connection:
                return accounts.find(connection, name)
        return None

    def _begin(self, account: Account) -> SignedIn:
        session, expires_at = self._sessions.make(account)
        return SignedIn(session, expires_at, _of_account(account))

    def _of_session(self, text: str) -> Identity:
        claim = self._sessions.read(text)
        with self._database.read() as connection:
            account = accounts.find(connection, claim.name)
        if account is None or account.generation != claim.generation:
            raise Unauthenticated("this session is over: sign in again")
        return _of_account(account)

    def _of_token(self, secret: str) -> Identity:
        with self._database.read() as connection:
            held = tokens.find(connection, digest(secret))
        if held is None:
            raise Unauthenticated("there is no such token: it may have been revoked")
        token = held.token
        if token.expires_at is not None and token.expires_at <= now():
            raise Unauthenticated(f"the token '{token.name}' has run out: have another one made")
        self._note_use(token.id, token.last_used_at)
        role = token.role if held.owner_role is None else min(token.role, held.owner_role, key=list(Role).index)
        return Identity(f"token:{token.name}", role, "token", account=token.account)

    def _note_use(self, token_id: str, last: datetime | None) -> None:
        moment = now()
        if last is not None and moment - last < _USED_WITHIN:
            return
        with suppress(StoreFailed), self._database.write(lasting=False) as connection:
            tokens.touch(connection, token_id, moment.replace(second=0, microsecond=0))


def _of_account(account: Account) -> Identity:
    return Identity(account.name, account.role, "account", account.one_time, account.name)
