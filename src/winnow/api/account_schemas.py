"""What requests about accounts carry. As `winnow.api.schemas`, of which this is a part."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from winnow.accounts.passwords import LONGEST, SHORTEST
from winnow.accounts.tokens import LONGEST_DAYS, LONGEST_NAME
from winnow.api.schemas import STORABLE, Page, RequestModel
from winnow.domain import Role

Name = Annotated[str, Field(min_length=1, max_length=63, description="Name of the account.")]
Secret = Annotated[str, Field(min_length=1, max_length=LONGEST)]


class SignInRequest(RequestModel):
    """Who signs in."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "ada", "password": "a long walk at dawn"}]})
    name: Name
    password: Secret


class PasswordRequest(RequestModel):
    """A new password instead of the present one, which may be a one-time password."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "ada", "current": "a long walk at dawn", "new": "a longer walk at dusk"}]
        }
    )
    name: Name
    current: Secret
    new: Annotated[str, Field(max_length=LONGEST, description=f"{SHORTEST} characters or more.")]


class AccountRequest(RequestModel):
    """Who is to have an account, and what they may do."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "grace", "role": "editor"}]})
    name: Annotated[
        str,
        Field(min_length=1, max_length=63, description="Small letters, digits and . _ @ + -", examples=["grace"]),
    ]
    role: Role


class RoleRequest(RequestModel):
    """What somebody may do from now on."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "viewer"}]})
    role: Role


class TokenRequest(RequestModel):
    """What a token is for, what it may do, and for how long."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "nightly", "role": "editor", "days": 90}]})
    name: Annotated[
        str, Field(min_length=1, max_length=LONGEST_NAME, description="What it is for.", examples=["nightly"])
    ]
    role: Annotated[Role | None, Field(None, description="At most one's own, which it is where this is left out.")]
    days: Annotated[
        float | None,
        Field(
            None, gt=0, le=LONGEST_DAYS, description="After how many days it is void; never by itself otherwise."
        ),
    ]


class EventsQuery(Page):
    """Which events to answer with; filters narrow each other."""

    actor: Annotated[str | None, Field(None, pattern=STORABLE, description="Only what this one did.")]
    action: Annotated[
        str | None, Field(None, pattern=STORABLE, description="Only this action.", examples=["promote"])
    ]
    service: Annotated[str | None, Field(None, pattern=STORABLE, description="Only what concerns this service.")]
