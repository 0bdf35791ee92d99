"""Exposure: what others than this machine may reach, and what has to be so before they may."""

from __future__ import annotations

from winnow.errors import ProjectError
from winnow.hosts import is_loopback
from winnow.settings import Settings
from winnow.store import Database, accounts

_SAFE = ("auto", "nobody")


def refuse_exposed(settings: Settings, database: Database) -> None:
    """Let nothing be served to other machines that anybody may use: `ProjectError` says what to do first.

    The database is brought to its newest schema, where that is needed to know.
    """
    if is_loopback(settings.host):
        return
    where = f"other machines can reach {settings.host or 'every address'} (setting 'host', WINNOW_HOST)"
    if settings.anonymous not in _SAFE:
        raise ProjectError(
            f"{where}, so callers without credentials may do nothing there: setting 'anonymous' (WINNOW_ANONYMOUS) "
            f"should be auto or nobody, not {settings.anonymous}"
        )
    database.migrate()
    with database.read() as connection:
        safe = accounts.any_own_password(connection)
    if not safe:
        raise ProjectError(
            f"{where}, and nobody has an account with a password of their own yet: "
            "`winnow users add NAME --role admin` makes one"
        )
