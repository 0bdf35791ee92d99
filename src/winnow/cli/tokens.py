"""`winnow tokens`: what programs sign in with."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from winnow.cli.command import Session, command
from winnow.cli.options import with_options
from winnow.cli.output import Grid, moment
from winnow.domain import Role, Token

if TYPE_CHECKING:
    from winnow.accounts.audit import Audit
    from winnow.accounts.tokens import Tokens


class Action(StrEnum):
    """What to do with a token."""

    ADD = "add"
    REVOKE = "revoke"


@dataclass(frozen=True)
class _Wanted:
    """What to do with which token."""

    action: Annotated[
        Action | None, typer.Argument(metavar="ACTION", help="add or revoke; lists them otherwise.")
    ] = None
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="What it is for; of one to revoke, also its id.")
    ] = None
    role: Annotated[Role | None, typer.Option("--role", help="For add: what it may do.")] = None
    days: Annotated[
        float | None,
        typer.Option("--days", min=0, help="For add: after how many days it is void; never by itself."),
    ] = None
    account: Annotated[
        str | None,
        typer.Option(
            "--account", metavar="NAME", help="For add: whose it is. It is void when they have no account any more."
        ),
    ] = None

    def check(self) -> None:
        """Refuse what does not go together."""
        if self.action is not None and self.name is None:
            raise typer.BadParameter("say which token", param_hint="NAME")
        if self.action is Action.ADD and self.role is None:
            raise typer.BadParameter("say what it may do", param_hint="--role")
        given = any(value is not None for value in (self.role, self.days, self.account))
        if given and self.action is not Action.ADD:
            raise typer.BadParameter("these are for add", param_hint="--role, --days, --account")


@command
@with_options(_Wanted)
def tokens(session: Session, **given: Any) -> None:
    """List tokens, make one, or revoke one.

    Of a new one the secret alone is printed, this once: export WINNOW_TOKEN=$(winnow tokens add me --role editor)
    """
    from winnow.accounts.tokens import Tokens  # noqa: PLC0415  (it needs the store)

    wanted = _Wanted(**given)
    wanted.check()
    with session.workspace() as workspace:
        kept, audit = Tokens(workspace.database), session.audit(workspace)
        if wanted.action is None or wanted.name is None:
            _list(session, kept.listed())
        elif wanted.action is Action.ADD:
            _add(session, kept, audit, wanted, wanted.name)
        else:
            _revoke(session, kept, audit, wanted.name)


def _list(session: Session, found: list[Token]) -> None:
    columns = ["name", "role", "account", "made", "last used", "until", "id"]
    rows = [
        [
            token.name,
            token.role,
            token.account or "-",
            moment(token.created_at),
            moment(token.last_used_at) or "never",
            moment(token.expires_at) or "revoked",
            token.id,
        ]
        for token in found
    ]
    grid = Grid(columns, rows, spare=["made", "account", "last used"])
    session.out.result(
        {"tokens": found}, grid if found else "there are no tokens: `winnow tokens add NAME --role ROLE`"
    )


def _add(session: Session, kept: Tokens, audit: Audit, wanted: _Wanted, name: str) -> None:
    role = wanted.role or Role.VIEWER
    with audit("add-token", subject=name, role=role, days=wanted.days):
        token, secret = kept.add(name, role, account=wanted.account, days=wanted.days)
    session.out.result({"token": token, "secret": secret}, secret)


def _revoke(session: Session, kept: Tokens, audit: Audit, name: str) -> None:
    token = kept.named(name)
    with audit("revoke-token", subject=token.name, token=token.id, account=token.account):
        kept.revoke(token.id)
    session.out.result({"token": token}, f"the token {token.name} is void")
