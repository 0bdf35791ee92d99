"""What the client does with accounts, tokens and the audit trail."""

from __future__ import annotations

from typing import TypedDict, Unpack

from winnow.client import account_answers as answers
from winnow.client.paths import quoted
from winnow.client.transport import Transport
from winnow.domain import Role


class EventFilters(TypedDict, total=False):
    """Which events to show."""

    actor: str
    action: str
    service: str


class AccountMethods:
    """What `Client` does with accounts. Nothing here is sent twice: a refusal is there at once."""

    _api: Transport

    # Oneself

    def whoami(self) -> answers.Identity:
        """Who the client is to the service, and what it may do."""
        return self._api.get(answers.Identity, "/account")

    def sign_in(self, name: str, password: str) -> answers.Session:
        """Begin a session, which is sent as a token: `Client(url, token=session.session)`.

        `Unauthenticated` where name or password is wrong, `Overloaded` after too many that were.
        """
        return self._api.post(answers.Session, "/session", {"name": name, "password": password}, again=False)

    def change_password(self, name: str, current: str, new: str) -> answers.Session:
        """Replace one's own password; every session of before is void. Else as `sign_in`."""
        body = {"name": name, "current": current, "new": new}
        return self._api.post(answers.Session, "/account/password", body, again=False)

    def sign_out_everywhere(self) -> answers.Identity:
        """Make every session of one's account void."""
        return self._api.delete(answers.Identity, "/sessions")

    # Everybody

    def accounts(self) -> list[answers.Account]:
        """All accounts, by name."""
        return list(self._api.get(answers.AccountsPage, "/accounts").accounts)

    def add_account(self, name: str, role: Role | str) -> answers.NewAccount:
        """Add somebody. Their one-time password is in the answer, and nowhere else."""
        return self._api.post(answers.NewAccount, "/accounts", {"name": name, "role": str(role)})

    def set_role(self, name: str, role: Role | str) -> answers.Account:
        """Let somebody do what this role may; `Conflict` where they are the last admin."""
        return self._api.patch(answers.Account, _account_path(name), {"role": str(role)})

    def reset_password(self, name: str) -> answers.NewAccount:
        """Give somebody a one-time password, and end their sessions."""
        return self._api.post(answers.NewAccount, _account_path(name, "/password"))

    def remove_account(self, name: str) -> answers.Account:
        """Remove somebody, with their sessions and tokens; `Conflict` where they are the last admin."""
        return self._api.delete(answers.Account, _account_path(name))

    # Tokens

    def tokens(self) -> list[answers.Token]:
        """One's own tokens, newest first; everybody's where one is an admin."""
        return list(self._api.get(answers.TokensPage, "/tokens").tokens)

    def add_token(
        self, name: str, *, role: Role | str | None = None, days: float | None = None
    ) -> answers.NewToken:
        """Make a token. Its secret is in the answer, and nowhere else. Without `role` it has one's own."""
        given = {"role": None if role is None else str(role), "days": days}
        body = {"name": name, **{key: value for key, value in given.items() if value is not None}}
        return self._api.post(answers.NewToken, "/tokens", body)

    def revoke_token(self, token_id: str) -> answers.Token:
        """Make a token void."""
        return self._api.delete(answers.Token, f"/tokens/{quoted(token_id)}")

    # Events

    def events(
        self, n: int = 100, *, before: str | None = None, **filters: Unpack[EventFilters]
    ) -> list[answers.Event]:
        """The newest `n` events of the audit trail first; `before` is the last id of the page before."""
        return list(self._api.get(answers.EventsPage, "/events", n=n, before=before, **filters).events)


def _account_path(name: str, more: str = "") -> str:
    return f"/accounts/{quoted(name)}{more}"
