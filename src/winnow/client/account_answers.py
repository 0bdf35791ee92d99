"""What the API answers about accounts. As `winnow.client.answers`, of which this is a part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from winnow.client.answers import Id
from winnow.domain import Role


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a request comes from, and what they may do."""

    name: Annotated[str, Field(examples=["ada"])]
    role: Annotated[Role | None, Field(description="Null for somebody who may do nothing until they sign in.")]
    kind: Annotated[str, Field(description="account, token or anonymous.")]
    one_time: Annotated[bool, Field(description="Whether the password has to be replaced before anything else.")]


@dataclass(frozen=True, slots=True)
class Session:
    """What a page sends as a bearer token once somebody has signed in."""

    session: str
    expires_at: datetime
    identity: Identity


@dataclass(frozen=True, slots=True)
class Account:
    """A person who may sign in."""

    name: Annotated[str, Field(examples=["ada"])]
    role: Role
    one_time: Annotated[bool, Field(description="Whether they have yet to choose a password of their own.")]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AccountsPage:
    """All accounts, by name."""

    accounts: Sequence[Account]


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account with its one-time password, which is shown this once."""

    account: Account
    password: str


@dataclass(frozen=True, slots=True)
class Token:
    """What a program signs in with."""

    id: Id
    name: Annotated[str, Field(examples=["nightly"])]
    role: Role
    account: Annotated[str | None, Field(description="Whose it is; null for one made at the command line.")]
    created_at: datetime
    last_used_at: Annotated[datetime | None, Field(description="To the minute.")]
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class TokensPage:
    """Tokens, newest first."""

    tokens: Sequence[Token]


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token with its secret, which is shown this once."""

    token: Token
    secret: Annotated[str, Field(examples=["wnw_..."])]


@dataclass(frozen=True, slots=True)
class Event:
    """Who did what to what."""

    id: Id
    actor: Annotated[str, Field(description="An account, token:<name>, anonymous or cli:<user>.", examples=["ada"])]
    action: Annotated[str, Field(examples=["promote"])]
    service: str | None
    subject: str | None
    details: Mapping[str, Any]
    outcome: Annotated[
        str | None,
        Field(description="done, or the kind of the error; null where the process ended before it could say."),
    ]
    request_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class EventsPage:
    """The audit trail, newest first. `before` of the next page is the last id of this one."""

    events: Sequence[Event]
