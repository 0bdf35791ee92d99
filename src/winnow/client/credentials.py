"""How the client says who it is."""

from __future__ import annotations

import os
from base64 import b64encode

from winnow.errors import InvalidInput

VARIABLE = "WINNOW_TOKEN"
"""The token of a client that is given nothing else."""


def authorization(token: str | None, account: tuple[str, str] | None) -> str | None:
    """The header `Authorization`: of a token or session, of a name and its password, or of the environment."""
    if token is not None and account is not None:
        raise InvalidInput("a client signs in with a token or with an account, not with both")
    if account is not None:
        name, password = account
        return f"Basic {b64encode(f'{name}:{password}'.encode()).decode()}"
    token = (token if token is not None else os.environ.get(VARIABLE, "")).strip()
    if not token:
        return None
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise InvalidInput("a token has no spaces and no letters with accents: was it copied whole?")
    return f"Bearer {token}"
