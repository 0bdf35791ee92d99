"""The notifier that ships with Winnow: apprise, for Slack, mail and about a hundred other services."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import apprise

from winnow.errors import InvalidInput
from winnow.monitoring.notifiers.base import Note, NotTold


class AppriseNotifier:
    """Tells one address through apprise."""

    def __init__(self, address: str) -> None:
        with silenced():
            self._service = apprise.Apprise.instantiate(address, asset=apprise.AppriseAsset(app_id="Winnow"))
        if self._service is None:
            raise InvalidInput("is not one that apprise knows: https://appriseit.com shows how each is written")

    def tell(self, note: Note) -> None:
        """Deliver a message; `NotTold` where the service does not take it."""
        body = note.body if note.link is None else f"{note.body}\n{note.link}"
        deliver(self._service, note, body, apprise.NotifyFormat.TEXT)


def deliver(service: Any, note: Note, body: str, body_format: apprise.NotifyFormat) -> None:
    """Hand a message to one of apprise's services."""
    kind = apprise.NotifyType.SUCCESS if note.good else apprise.NotifyType.FAILURE
    if not service.notify(title=note.title, body=body, notify_type=kind, body_format=body_format):
        raise NotTold("the service did not take it; the log has what apprise says")


@contextmanager
def silenced() -> Iterator[None]:
    """Keep apprise from logging while it reads an address: it repeats it whole. Later on it only warns.

    It also imports all of its services, some of which use modules that Python is about to drop.
    """
    log = logging.getLogger("apprise")
    log.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        log.setLevel(logging.WARNING)
