"""People: who has an account, what they may do, and their passwords.

Methods hash passwords and ask the store: never call them in an event loop.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import Connection

from winnow.accounts import passwords
from winnow.domain import Account, Role, now
from winnow.errors import Conflict, InvalidInput
from winnow.store import Database, accounts

FIRST = "admin"
"""Name of the account that is made where there is none."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,62}")
_TAKEN = ("anonymous",)
_LOCK = "accounts"


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account with the one-time password that was made for it."""

    account: Account
    password: str


@dataclass(frozen=True, slots=True)
class People:
    """The accounts of a project."""

    database: Database

    def listed(self) -> list[Account]:
        """All accounts, by name."""
        with self.database.read() as connection:
            return accounts.listed(connection)

    def get(self, name: str) -> Account:
        """One account; `NotFound` with the nearest name otherwise."""
        with self.database.read() as connection:
            return accounts.get(connection, name)

    def add(self, name: str, role: Role, password: str) -> Account:
        """Add somebody with a password of their own; `Conflict` where the name is taken."""
        check_name(name)
        passwords.check_new(password, name)
        return self._add(name, role, password, one_time=False)

    def invite(self, name: str, role: Role) -> NewAccount:
        """Add somebody with a one-time password, which they have to replace before anything else."""
        check_name(name)
        password = passwords.make()
        return NewAccount(self._add(name, role, password, one_time=True), password)

    def set_role(self, name: str, role: Role) -> Account:
        """Let somebody do what this role may; `Conflict` where they are the last admin."""
        with self.database.write() as connection:
            self.database.lock(connection, _LOCK)
            if role is not Role.ADMIN:
                self._keep_an_admin(connection, accounts.get(connection, name))
            accounts.get(connection, name)
            accounts.set_role(connection, name, role)
            return accounts.get(connection, name)

    def set_password(self, name: str, password: str) -> Account:
        """Give somebody a password that they chose, and end their sessions."""
        passwords.check_new(password, name)
        return self._set_password(name, password, one_time=False)

    def reset_password(self, name: str) -> NewAccount:
        """Give somebody a one-time password, and end their sessions."""
        password = passwords.make()
        return NewAccount(self._set_password(name, password, one_time=True), password)

    def end_sessions(self, name: str) -> None:
        """Make every session void that somebody has."""
        with self.database.write() as connection:
            accounts.get(connection, name)
            accounts.end_sessions(connection, name)

    def remove(self, name: str) -> Account:
        """Forget somebody, their sessions and their tokens; `Conflict` where they are the last admin."""
        with self.database.write() as connection:
            self.database.lock(connection, _LOCK)
            account = accounts.get(connection, name)
            self._keep_an_admin(connection, account)
            accounts.remove(connection, name)
        return account

    def unclaimed(self) -> bool:
        """Whether there is no account, or only the first admin, who never chose a password."""
        with self.database.read() as connection:
            return _unclaimed(accounts.listed(connection))

    def first_admin(self) -> NewAccount | None:
        """Make an admin where there is no account; None where somebody has one.

        Where that admin is alone and never chose a password, there is a new one-time password at each call: the
        last one may not have been seen by anybody.
        """
        password = passwords.make()
        kept = passwords.hashed(password)
        with self.database.write() as connection:
            self.database.lock(connection, _LOCK)
            known = accounts.listed(connection)
            if not known:
                accounts.add(
                    connection, Account(FIRST, Role.ADMIN, kept, one_time=True, generation=0, created_at=now())
                )
            elif _unclaimed(known):
                accounts.replace_unused(connection, FIRST, kept)
            else:
                return None
            return NewAccount(accounts.get(connection, FIRST), password)

    def _add(self, name: str, role: Role, password: str, *, one_time: bool) -> Account:
        account = Account(name, role, passwords.hashed(password), one_time, generation=0, created_at=now())
        with self.database.write() as connection:
            self.database.lock(connection, _LOCK)
            if not accounts.add(connection, account):
                raise Conflict(f"there is an account '{name}' already")
        return account

    def _set_password(self, name: str, password: str, *, one_time: bool) -> Account:
        self.get(name)  # where there is nobody, nothing is worth hashing for
        kept = passwords.hashed(password)
        with self.database.write() as connection:
            accounts.get(connection, name)
            accounts.set_password(connection, name, kept, one_time=one_time)
            return accounts.get(connection, name)

    def _keep_an_admin(self, connection: Connection, account: Account) -> None:
        if account.role is Role.ADMIN and accounts.admins(connection) == 1:
            raise Conflict(f"'{account.name}' is the last admin: make somebody else one first")


def check_name(name: str) -> None:
    """Refuse a name that is not plain, or that means something else in the audit trail."""
    if _NAME.fullmatch(name) is None:
        raise InvalidInput(
            f"'{name[:80]}' cannot be the name of an account: 1 to 63 small letters without accents, digits and "
            ". _ @ + -, of which the first is a letter or digit"
        )
    if name in _TAKEN:
        raise InvalidInput(f"'{name}' is what callers without an account are called: choose another name")


def _unclaimed(known: list[Account]) -> bool:
    first = (account.name == FIRST and account.one_time and account.generation == 0 for account in known)
    return len(known) <= 1 and all(first)
