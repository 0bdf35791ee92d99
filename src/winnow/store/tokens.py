"""Tokens: what programs sign in with. Their digests are kept, never the tokens themselves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from winnow.domain import Role, Token
from winnow.errors import NotFound
from winnow.store.schema import accounts, tokens

_SHOWN = [column for column in tokens.c if column.name != "digest"]


@dataclass(frozen=True, slots=True)
class Held:
    """A token, and the role of the account that it belongs to; None of one that belongs to nobody."""

    token: Token
    owner_role: Role | None


def add(connection: Connection, token: Token, digest: str) -> None:
    """Keep a new token."""
    values = {column.name: getattr(token, column.name) for column in _SHOWN}
    connection.execute(insert(tokens).values(**values, digest=digest))


def find(connection: Connection, digest: str) -> Held | None:
    """The token with this digest; None where there is none, or it was revoked."""
    query = (
        select(*_SHOWN, accounts.c.role.label("owner_role")).outerjoin(accounts).where(tokens.c.digest == digest)
    )
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        return None
    owner_role = row["owner_role"]
    return Held(_token(row), None if owner_role is None else Role(owner_role))


def get(connection: Connection, token_id: str) -> Token:
    """One token by its id; `NotFound` otherwise."""
    row = connection.execute(select(*_SHOWN).where(tokens.c.id == token_id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no token '{token_id}'")
    return _token(row)


def newest(connection: Connection, account: str | None = None) -> list[Token]:
    """All tokens, or those of one account, newest first."""
    query = select(*_SHOWN).order_by(tokens.c.id.desc())
    if account is not None:
        query = query.where(tokens.c.account == account)
    return [_token(row) for row in connection.execute(query).mappings()]


def revoke(connection: Connection, token_id: str) -> None:
    """Forget a token: nobody signs in with it any more."""
    connection.execute(delete(tokens).where(tokens.c.id == token_id))


def touch(connection: Connection, token_id: str, moment: datetime) -> None:
    """Note when a token was used last."""
    connection.execute(update(tokens).where(tokens.c.id == token_id).values(last_used_at=moment))


def _token(row: RowMapping) -> Token:
    return Token(**{column.name: row[column.name] for column in _SHOWN} | {"role": Role(row["role"])})
