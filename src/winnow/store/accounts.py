"""Accounts: the people who may sign in. Each change that has to end their sessions moves their generation on."""

from __future__ import annotations

from sqlalchemy import Connection, RowMapping, delete, func, insert, or_, select, update

from winnow.domain import Account, Role
from winnow.errors import NotFound, nearest
from winnow.store.schema import accounts


def add(connection: Connection, account: Account) -> bool:
    """Keep a new account; False where its name is taken. Call it under the lock named "accounts"."""
    if find(connection, account.name) is not None:
        return False
    connection.execute(
        insert(accounts).values({column.name: getattr(account, column.name) for column in accounts.c})
    )
    return True


def find(connection: Connection, name: str) -> Account | None:
    """One account; None where nobody has this name."""
    row = connection.execute(select(accounts).where(accounts.c.name == name)).mappings().one_or_none()
    return None if row is None else _account(row)


def get(connection: Connection, name: str) -> Account:
    """One account; `NotFound` with the nearest name otherwise."""
    found = find(connection, name)
    if found is None:
        known = connection.scalars(select(accounts.c.name)).all()
        raise NotFound(f"there is no account '{name}'.{nearest(name, known)}")
    return found


def listed(connection: Connection) -> list[Account]:
    """All accounts, by name."""
    return [_account(row) for row in connection.execute(select(accounts).order_by(accounts.c.name)).mappings()]


def set_role(connection: Connection, name: str, role: Role) -> None:
    """Let somebody do what this role may from now on."""
    connection.execute(update(accounts).where(accounts.c.name == name).values(role=role))


def set_password(connection: Connection, name: str, password: str, *, one_time: bool) -> None:
    """Replace the hash of a password, and end every session that began with the old one."""
    values = {"password": password, "one_time": one_time, "generation": accounts.c.generation + 1}
    connection.execute(update(accounts).where(accounts.c.name == name).values(values))


def replace_unused(connection: Connection, name: str, password: str) -> None:
    """Replace the hash of a one-time password that nobody has used. There are no sessions to be ended."""
    connection.execute(update(accounts).where(accounts.c.name == name).values(password=password))


def end_sessions(connection: Connection, name: str) -> None:
    """Make every session void that somebody has."""
    connection.execute(update(accounts).where(accounts.c.name == name).values(generation=accounts.c.generation + 1))


def remove(connection: Connection, name: str) -> None:
    """Forget somebody, with their tokens."""
    connection.execute(delete(accounts).where(accounts.c.name == name))


def admins(connection: Connection) -> int:
    """How many may keep the accounts."""
    return connection.scalar(select(func.count()).where(accounts.c.role == Role.ADMIN)) or 0


def any_own_password(connection: Connection) -> bool:
    """Whether somebody has a password that they chose themselves."""
    return connection.scalar(select(accounts.c.name).where(accounts.c.one_time.is_(False)).limit(1)) is not None


def claimed(connection: Connection) -> bool:
    """Whether somebody has, or once had, a password of their own: the project is theirs from then on."""
    own = or_(accounts.c.one_time.is_(False), accounts.c.generation > 0)
    return connection.scalar(select(accounts.c.name).where(own).limit(1)) is not None


def _account(row: RowMapping) -> Account:
    return Account(**{**row, "role": Role(row["role"])})
