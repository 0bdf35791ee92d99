"""The port that every notifier implements, and how the addresses of the setting `notify` find theirs.

A notifier registers under the scheme of its addresses:

    [project.entry-points."winnow.notifiers"]
    pager = "my_package:Pager"          # for pager://...

What no notifier has registered for is apprise's, which speaks to about a hundred services.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from winnow import plugins
from winnow.errors import InvalidInput, MissingExtra, ProjectError
from winnow.settings import Settings

DEFAULT = "apprise"


class NotTold(Exception):
    """A message could not be delivered; it is worth another try."""


@dataclass(frozen=True, slots=True)
class Note:
    """What people are told, in plain text: that an alert opened, or, with `good`, that one was resolved.

    `link` leads to the page, where its address is known.
    """

    title: str
    body: str
    link: str | None
    good: bool


class Notifier(Protocol):
    """Tells one address. Made with that; `InvalidInput`, without the address in it, where it is wrong."""

    def __init__(self, address: str) -> None: ...

    def tell(self, note: Note) -> None:
        """Deliver a message, or raise `NotTold`. Called in a thread, and may block for some seconds."""
        ...


def open_notifiers(settings: Settings) -> Mapping[str, Notifier]:
    """Those whom the setting `notify` names, by the SHA-256 of their addresses, which are secrets.

    `ProjectError` says by its position which address is wrong.
    """
    if settings.notify is None:
        return {}
    addresses = settings.notify.get_secret_value().split()
    return {_digest(address): _open(address, place) for place, address in enumerate(addresses, 1)}


def _open(address: str, place: int) -> Notifier:
    where = f"setting 'notify' (WINNOW_NOTIFY): address {place}"
    scheme, found, _ = address.lower().partition("://")
    if not found:
        raise ProjectError(f"{where} has no scheme: write it as apprise does, such as discord://id/token")
    name = scheme if scheme in plugins.names(plugins.NOTIFIERS) else DEFAULT
    try:
        kind: type[Notifier] = plugins.find(plugins.NOTIFIERS, name)
        return kind(address)
    except ImportError as error:
        raise MissingExtra("telling people of alerts", "notify") from error
    except InvalidInput as error:
        raise ProjectError(f"{where}, of the scheme '{scheme[:20]}', {error}") from None


def _digest(address: str) -> str:
    return hashlib.sha256(address.encode()).hexdigest()
