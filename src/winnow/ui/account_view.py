"""What the page Accounts shows, as tables and sentences."""

from __future__ import annotations

from collections.abc import Sequence

from winnow.client.account_answers import Account, Identity, Token
from winnow.ui.figures import Row
from winnow.ui.words import moment, role_words


def signed_in_sentence(identity: Identity) -> str:
    """Who looks at the page, and what they may do."""
    may = role_words(identity.role)
    if identity.kind == "anonymous":
        return f"Nobody is signed in. Whoever opens this page {may}."
    return f"You are **{identity.name}**, with the role {identity.role}: you {may}."


def account_rows(accounts: Sequence[Account]) -> list[Row]:
    """One line for each account."""
    return [
        {
            "Name": account.name,
            "Role": str(account.role),
            "Password": "one-time, to be replaced" if account.one_time else "their own",
            "Added": moment(account.created_at),
        }
        for account in accounts
    ]


def token_rows(tokens: Sequence[Token]) -> list[Row]:
    """One line for each token. Its secret is known to nobody any more."""
    return [
        {
            "Name": token.name,
            "Role": str(token.role),
            "Of": token.account or "no account",
            "Added": moment(token.created_at),
            "Last used": "never" if token.last_used_at is None else moment(token.last_used_at),
            "Ends": "never" if token.expires_at is None else moment(token.expires_at),
        }
        for token in tokens
    ]


def token_named(token: Token) -> str:
    """A token in a list to choose from."""
    return f"{token.name} · {token.role} · {token.account or 'no account'}"
