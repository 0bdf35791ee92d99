"""What the routes share: who may use them, how they reach the runtime, ids in paths, and what they answer with.

Every route says who may use it: `dependencies=[VIEWER]`, or EDITOR, ADMIN or PUBLIC. `UseIdentity` is who does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Path, Request
from fastapi.routing import APIRoute
from pydantic import AfterValidator
from starlette.types import Scope

from winnow.accounts.audit import Audit
from winnow.accounts.authenticator import Authenticator
from winnow.accounts.people import People, check_name
from winnow.accounts.tokens import Tokens
from winnow.domain import Identity, Role
from winnow.errors import Forbidden, InvalidInput, NotFound, Unauthenticated
from winnow.runtime import Runtime
from winnow.workspace import Workspace

T = TypeVar("T")

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that a route may answer with. `winnow.api.documentation` says what each of them means."""
    return {status: {} for status in statuses}


def as_answer(kind: type[T], thing: object) -> T:
    """What the API shows of a domain object: its attributes of the same names."""
    names = (field.name for field in fields(kind))  # type: ignore[arg-type]  # T is a dataclass of client.answers
    return kind(**{name: getattr(thing, name) for name in names})


def require(scope: Scope, role: Role) -> Identity:
    """Who sent the request, where they may do what this role may.

    `Unauthenticated` where nobody knows who it is, `Forbidden` where their own role is too low.
    """
    identity: Identity = scope["state"]["identity"]
    if identity.one_time:
        raise Forbidden(
            "you have a one-time password: choose your own first, on the page, with POST /account/password or with "
            "`winnow users password`"
        )
    if identity.role is None:
        raise Unauthenticated("sign in first: with a token (Bearer) or with a name and its password (Basic)")
    if not identity.role.covers(role):
        if identity.kind == "anonymous":
            raise Unauthenticated(f"this takes the role {role}: sign in with a token or a name and password")
        raise Forbidden(f"this takes the role {role}, and {identity.name} has the role {identity.role}")
    return identity


@dataclass(frozen=True, slots=True)
class Access:
    """Lets those use a route who may do what `role` may; everybody where that is None."""

    role: Role | None

    def __call__(self, request: Request) -> None:
        """Refuse all others."""
        if self.role is not None:
            require(request.scope, self.role)


PUBLIC = Depends(Access(None))
VIEWER = Depends(Access(Role.VIEWER))
EDITOR = Depends(Access(Role.EDITOR))
ADMIN = Depends(Access(Role.ADMIN))


def role_of(route: APIRoute) -> Role | None:
    """Who may use a route, as it says itself; `LookupError` where it does not."""
    for dependency in route.dependencies:
        if isinstance(dependency.dependency, Access):
            return dependency.dependency.role
    raise LookupError(f"the route {route.path} does not say who may use it")


def _identity(request: Request) -> Identity:
    identity: Identity = request.state.identity
    return identity


def _audit(request: Request) -> Audit:
    identity: Identity = request.state.identity
    return Audit(_workspace(request).database, identity.name, request.state.request_id)


def _runtime(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


def _workspace(request: Request) -> Workspace:
    return _runtime(request).workspace


def _authenticator(request: Request) -> Authenticator:
    return _runtime(request).authenticator


def _people(request: Request) -> People:
    return People(_workspace(request).database)


def _tokens(request: Request) -> Tokens:
    return Tokens(_workspace(request).database)


def _known_name(given: str) -> str:
    """Refuse what nobody can be called."""
    try:
        check_name(given)
    except InvalidInput:
        raise NotFound(f"there is no account {given[:80]!r}") from None
    return given


def _known_form(given: str) -> str:
    """Refuse what no id looks like here: nothing can be found under it, and not every store can look for it."""
    if _ID.fullmatch(given) is None:
        raise NotFound(
            f"there is nothing with the id {given[:60]!r}: ids look like 01a2b3c4-d5e6-7f80-9a1b-2c3d4e5f6071"
        )
    return given


UseIdentity = Annotated[Identity, Depends(_identity)]
UseAudit = Annotated[Audit, Depends(_audit)]
"""Notes who does something: `with audit("promote", service=service, subject="version 3"):`."""
UseAuthenticator = Annotated[Authenticator, Depends(_authenticator)]
"""To be told to `forget` after each change of an account or a token."""
UsePeople = Annotated[People, Depends(_people)]
UseTokens = Annotated[Tokens, Depends(_tokens)]
UseRuntime = Annotated[Runtime, Depends(_runtime)]
UseWorkspace = Annotated[Workspace, Depends(_workspace)]
ServiceName = Annotated[
    str, Path(description="Name of the service, as winnow.toml has it.", examples=["sentiment"])
]
RunId = Annotated[str, Path(description="Id of the run."), AfterValidator(_known_form)]
Ticket = Annotated[str, Path(description="Ticket of the job."), AfterValidator(_known_form)]
AccountName = Annotated[
    str, Path(description="Name of the account.", examples=["ada"]), AfterValidator(_known_name)
]
AlertId = Annotated[str, Path(description="Id of the alert."), AfterValidator(_known_form)]
TokenId = Annotated[str, Path(description="Id of the token."), AfterValidator(_known_form)]
PredictionId = Annotated[str, Path(description="Id of the prediction."), AfterValidator(_known_form)]
