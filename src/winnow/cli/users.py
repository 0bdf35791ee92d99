"""`winnow users`: who has an account, and what they may do."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from winnow.cli.command import Session, command
from winnow.cli.options import with_options
from winnow.cli.output import Grid, moment
from winnow.domain import Account, Json, Role
from winnow.errors import InvalidInput

if TYPE_CHECKING:
    from winnow.accounts.audit import Audit
    from winnow.accounts.people import NewAccount, People


class Action(StrEnum):
    """What to do with an account."""

    ADD = "add"
    ROLE = "role"
    PASSWORD = "password"  # noqa: S105  (the name of an action)
    REMOVE = "remove"


@dataclass(frozen=True)
class _Wanted:
    """What to do with whose account."""

    action: Annotated[
        Action | None, typer.Argument(metavar="ACTION", help="add, role, password or remove; lists them otherwise.")
    ] = None
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Whose account.")] = None
    role: Annotated[Role | None, typer.Option("--role", help="For add and role: what they may do.")] = None
    one_time: Annotated[
        bool,
        typer.Option("--one-time", help="For add and password: make a one-time password and print it."),
    ] = False
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="For add and password: read the password from standard input.")
    ] = False

    def check(self) -> None:
        """Refuse what does not go together."""
        if self.action is not None and self.name is None:
            raise typer.BadParameter("say whose account", param_hint="NAME")
        if (self.role is not None) != (self.action in (Action.ADD, Action.ROLE)):
            needed = "say what they may do" if self.role is None else "a role is for add and role"
            raise typer.BadParameter(needed, param_hint="--role")
        secret = self.one_time or self.password_stdin
        if secret and self.action not in (Action.ADD, Action.PASSWORD):
            raise typer.BadParameter(
                "a password is for add and password", param_hint="--one-time, --password-stdin"
            )
        if self.one_time and self.password_stdin:
            raise typer.BadParameter("give one of them", param_hint="--one-time, --password-stdin")


@dataclass(frozen=True, slots=True)
class _Change:
    """One change: whose account, where it is kept, and who does it."""

    wanted: _Wanted
    name: str
    people: People
    audit: Audit
    session: Session


@command
@with_options(_Wanted)
def users(session: Session, **given: Any) -> None:
    """List accounts, add one, change or remove it.

    A viewer asks and reads; an editor also gives feedback, adds examples and hands in jobs; an admin does
    everything. The password is asked for, unless an option says otherwise.
    """
    from winnow.accounts.people import People  # noqa: PLC0415  (it needs the store)

    wanted = _Wanted(**given)
    wanted.check()
    with session.workspace() as workspace:
        people = People(workspace.database)
        if wanted.action is None or wanted.name is None:
            _list(session, people.listed())
        else:
            _ACTIONS[wanted.action](_Change(wanted, wanted.name, people, session.audit(workspace), session))


def _list(session: Session, found: list[Account]) -> None:
    rows = [[account.name, account.role, _password(account), moment(account.created_at)] for account in found]
    nothing = "nobody has an account yet: `winnow users add NAME --role admin`"
    value = {"accounts": [_account_json(account) for account in found]}
    session.out.result(value, Grid(["name", "role", "password", "since"], rows) if found else nothing)


def _add(change: _Change) -> None:
    from winnow.accounts.people import check_name  # noqa: PLC0415

    wanted, name = change.wanted, change.name
    role = wanted.role or Role.VIEWER
    check_name(name)
    password = None if wanted.one_time else _read_password(change)
    with change.audit("add-account", subject=name, role=role):
        if password is None:
            _show_new(change.session, change.people.invite(name, role), f"{name} is {_a(role)} now")
            return
        account = change.people.add(name, role, password)
    change.session.out.result({"account": _account_json(account)}, f"{name} is {_a(role)} now")


def _role(change: _Change) -> None:
    role = change.wanted.role or Role.VIEWER
    with change.audit("set-role", subject=change.name, role=role):
        account = change.people.set_role(change.name, role)
    change.session.out.result({"account": _account_json(account)}, f"{change.name} is {_a(role)} now")


def _set_password(change: _Change) -> None:
    name = change.people.get(change.name).name
    password = None if change.wanted.one_time else _read_password(change)
    with change.audit("reset-password" if password is None else "set-password", subject=name):
        if password is None:
            _show_new(change.session, change.people.reset_password(name), f"{name} has a new one-time password")
            return
        account = change.people.set_password(name, password)
    sentence = f"{name} has a new password, and has to sign in again"
    change.session.out.result({"account": _account_json(account)}, sentence)


def _remove(change: _Change) -> None:
    with change.audit("remove-account", subject=change.name):
        account = change.people.remove(change.name)
    change.session.out.result({"account": _account_json(account)}, f"{account.name} has no account any more")


_ACTIONS: MappingProxyType[Action, Callable[[_Change], None]] = MappingProxyType(
    {Action.ADD: _add, Action.ROLE: _role, Action.PASSWORD: _set_password, Action.REMOVE: _remove}
)


def _show_new(session: Session, new: NewAccount, sentence: str) -> None:
    """The one-time password alone goes to standard output, so that a script can take it."""
    session.out.result({"account": _account_json(new.account), "password": new.password}, new.password)
    if not session.out.as_json:
        session.out.note(f"{sentence}: this password has to be replaced at the first sign-in")


def _read_password(change: _Change) -> str:
    """A password from standard input, or from a terminal, where it is asked for twice and not shown."""
    if change.wanted.password_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise InvalidInput("there is no terminal to ask for a password: say --password-stdin or --one-time")
    password: str = typer.prompt(f"Password for {change.name}", hide_input=True, confirmation_prompt=True, err=True)
    return password


def _password(account: Account) -> str:
    return "one-time" if account.one_time else "their own"


def _account_json(account: Account) -> dict[str, Json]:
    """An account as the API shows it: without the hash."""
    return {
        "name": account.name,
        "role": account.role,
        "one_time": account.one_time,
        "created_at": account.created_at.isoformat(),
    }


def _a(role: Role) -> str:
    return f"{'a' if role is Role.VIEWER else 'an'} {role}"
