"""Accounts: who may do what, and who did. Passwords and the secrets of tokens are shown once, if at all."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.status import HTTP_201_CREATED

from winnow import domain
from winnow.accounts.authenticator import SignedIn
from winnow.api.access import (
    ADMIN,
    PUBLIC,
    VIEWER,
    AccountName,
    TokenId,
    UseAudit,
    UseAuthenticator,
    UseIdentity,
    UsePeople,
    UseTokens,
    UseWorkspace,
    as_answer,
    refusals,
)
from winnow.api.account_schemas import (
    AccountRequest,
    EventsQuery,
    PasswordRequest,
    RoleRequest,
    SignInRequest,
    TokenRequest,
)
from winnow.api.guard import address_of
from winnow.client.account_answers import (
    Account,
    AccountsPage,
    Event,
    EventsPage,
    Identity,
    NewAccount,
    NewToken,
    Session,
    Token,
    TokensPage,
)
from winnow.domain import Role
from winnow.errors import Forbidden, NotFound
from winnow.store import events
from winnow.store.events import EventFilter

router = APIRouter(tags=["accounts"])


# Oneself


@router.get("/account", dependencies=[PUBLIC])
def whoami(identity: UseIdentity) -> Identity:
    """Who you are here, and what you may do."""
    return as_answer(Identity, identity)


@router.post("/session", responses=refusals(422, 429, 503), dependencies=[PUBLIC])
async def sign_in(body: SignInRequest, request: Request, authenticator: UseAuthenticator) -> Session:
    """Begin a session with a name and its password. The session is sent as a bearer token from then on.

    A one-time password begins a session that may do nothing but choose another password.
    """
    return _session(await authenticator.sign_in(body.name, body.password, address_of(request.scope)))


@router.post("/account/password", responses=refusals(422, 429, 503), dependencies=[PUBLIC])
async def change_password(body: PasswordRequest, request: Request, authenticator: UseAuthenticator) -> Session:
    """Replace your own password. Every session of before is void, and a new one begins."""
    done = await authenticator.change_password(
        body.name,
        body.current,
        body.new,
        address=address_of(request.scope),
        request_id=request.state.request_id,
    )
    return _session(done)


@router.delete("/sessions", responses=refusals(503), dependencies=[VIEWER])
def sign_out_everywhere(
    identity: UseIdentity, people: UsePeople, audit: UseAudit, authenticator: UseAuthenticator
) -> Identity:
    """Make every session of your account void, this one too. Answers with who you were."""
    if identity.account is None:
        raise Forbidden(f"only a person has sessions, and {identity.name} is none")
    with audit("sign-out-everywhere", subject=identity.account):
        people.end_sessions(identity.account)
    authenticator.forget()
    return as_answer(Identity, identity)


# Everybody


@router.get("/accounts", responses=refusals(503), dependencies=[ADMIN])
def list_accounts(people: UsePeople) -> AccountsPage:
    """All accounts, by name."""
    return AccountsPage(tuple(as_answer(Account, account) for account in people.listed()))


@router.post("/accounts", status_code=HTTP_201_CREATED, responses=refusals(409, 422, 503), dependencies=[ADMIN])
def add_account(body: AccountRequest, people: UsePeople, audit: UseAudit) -> NewAccount:
    """Add somebody. The answer has their one-time password, which is shown this once."""
    with audit("add-account", subject=body.name, role=body.role):
        new = people.invite(body.name, body.role)
    return NewAccount(as_answer(Account, new.account), new.password)


@router.patch("/accounts/{name}", responses=refusals(404, 409, 422, 503), dependencies=[ADMIN])
def set_role(
    name: AccountName, body: RoleRequest, people: UsePeople, audit: UseAudit, authenticator: UseAuthenticator
) -> Account:
    """Let somebody do what this role may, at once. The last admin stays one."""
    with audit("set-role", subject=name, role=body.role):
        account = people.set_role(name, body.role)
    authenticator.forget()
    return as_answer(Account, account)


@router.post("/accounts/{name}/password", responses=refusals(404, 503), dependencies=[ADMIN])
def reset_password(
    name: AccountName, people: UsePeople, audit: UseAudit, authenticator: UseAuthenticator
) -> NewAccount:
    """Give somebody a one-time password, which is shown this once. Their sessions are void."""
    with audit("reset-password", subject=name):
        new = people.reset_password(name)
    authenticator.forget()
    return NewAccount(as_answer(Account, new.account), new.password)


@router.delete("/accounts/{name}", responses=refusals(404, 409, 503), dependencies=[ADMIN])
def remove_account(
    name: AccountName, people: UsePeople, audit: UseAudit, authenticator: UseAuthenticator
) -> Account:
    """Remove somebody, with their sessions and tokens. What they did stays. The last admin stays too."""
    with audit("remove-account", subject=name):
        account = people.remove(name)
    authenticator.forget()
    return as_answer(Account, account)


# Tokens


@router.get("/tokens", responses=refusals(503), dependencies=[VIEWER])
def list_tokens(identity: UseIdentity, tokens: UseTokens) -> TokensPage:
    """Your tokens, newest first; an admin sees everybody's."""
    if identity.role is Role.ADMIN:
        found = tokens.listed()
    else:
        found = [] if identity.account is None else tokens.listed(identity.account)
    return TokensPage(tuple(as_answer(Token, token) for token in found))


@router.post("/tokens", status_code=HTTP_201_CREATED, responses=refusals(422, 503), dependencies=[VIEWER])
def add_token(body: TokenRequest, identity: UseIdentity, tokens: UseTokens, audit: UseAudit) -> NewToken:
    """Make a token for a program. The answer has its secret, which is shown this once.

    It may do what both its role and your own at the time allow. A token cannot make tokens.
    """
    own = _own_role(identity)
    role = body.role or own
    if not own.covers(role):
        raise Forbidden(f"a token has at most your own role, which is {own}, not {role}")
    with audit("add-token", subject=body.name, role=role, days=body.days):
        token, secret = tokens.add(body.name, role, account=identity.account, days=body.days)
    return NewToken(as_answer(Token, token), secret)


@router.delete("/tokens/{token_id}", responses=refusals(404, 503), dependencies=[VIEWER])
def revoke_token(
    token_id: TokenId, identity: UseIdentity, tokens: UseTokens, audit: UseAudit, authenticator: UseAuthenticator
) -> Token:
    """Make a token void, at once. It is one of yours, unless you are an admin."""
    token = tokens.get(token_id)
    own = identity.account is not None and token.account == identity.account
    if not own and identity.role is not Role.ADMIN:
        raise NotFound(f"there is no token '{token_id}'")
    with audit("revoke-token", subject=token.name, token=token.id, account=token.account):
        tokens.revoke(token_id)
    authenticator.forget()
    return as_answer(Token, token)


# Events


@router.get("/events", responses=refusals(422, 503), dependencies=[ADMIN])
def list_events(workspace: UseWorkspace, query: Annotated[EventsQuery, Query()]) -> EventsPage:
    """The audit trail, newest first. Filters narrow each other; `before` goes back from page to page."""
    only = EventFilter(**query.model_dump(exclude={"n"}))
    with workspace.database.read() as connection:
        found = events.newest(connection, query.n, only)
    return EventsPage(tuple(as_answer(Event, event) for event in found))


def _own_role(identity: domain.Identity) -> Role:
    """The most that a token may do that this one makes; `Forbidden` for who may make none."""
    if identity.role is None or identity.kind == "token":
        raise Forbidden("a token cannot make tokens: sign in with a name and password")
    if identity.kind == "anonymous" and identity.role is not Role.ADMIN:
        raise Forbidden("a token outlasts the time in which anybody may ask: sign in first")
    return identity.role


def _session(signed_in: SignedIn) -> Session:
    return Session(signed_in.session, signed_in.expires_at, as_answer(Identity, signed_in.identity))
