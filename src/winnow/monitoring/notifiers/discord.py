"""Discord, as embeds: `discord://id/token`, with the options that apprise knows.

`discord+https://` or `discord+http://`, then the rest of a webhook's address, sends the same to a proxy, or to a
server that takes what Discord does.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import apprise
from apprise.plugins.discord import NotifyDiscord

from winnow.errors import InvalidInput
from winnow.monitoring.notifiers.apprise import deliver, silenced
from winnow.monitoring.notifiers.base import Note

_ELSEWHERE = "discord+"
_SPECIAL = re.compile(r"([\\*_~`|\[\]])")
"""What Discord would read as formatting within a line."""


class DiscordNotifier:
    """Tells one Discord channel."""

    def __init__(self, address: str) -> None:
        given, webhook = address, None
        if address.lower().startswith(_ELSEWHERE):
            webhook, options = _split(address[len(_ELSEWHERE) :])
            given = f"discord://elsewhere/elsewhere{options}"
        try:
            with silenced():
                read = NotifyDiscord.parse_url(given) or {}
                self._service = _Embeds(**{**read, "format": "markdown", "avatar": False})
        except TypeError:  # apprise's own error is one
            raise InvalidInput("should be discord://, the webhook's id, a slash and its token") from None
        if webhook is not None:
            self._service.send_to(webhook)

    def tell(self, note: Note) -> None:
        """Deliver a message; `NotTold` where Discord does not take it. Its title leads to the page."""
        self._service.href = note.link
        safe = _SPECIAL.sub(r"\\\1", note.body).replace("@", "@\u200b")  # or else a label could call @everyone
        deliver(self._service, note, safe, apprise.NotifyFormat.MARKDOWN)


class _Embeds(NotifyDiscord):  # type: ignore[misc]  # apprise has no types
    """Discord's own messages, without the line above that would name apprise."""

    def send_to(self, webhook: str) -> None:
        """Send to this address instead of Discord's. The three parts are joined again where they are used."""
        self.notify_url, self.webhook_id, self.webhook_token = webhook.rsplit("/", 2)

    def _send(self, payload: dict[str, Any], **options: Any) -> bool:
        for embed in payload.get("embeds", ()):
            embed.pop("author", None)
        return bool(super()._send(payload, **options))


def _split(address: str) -> tuple[str, str]:
    """The address of a webhook, and its query, which has apprise's options."""
    parts = urlsplit(address)
    try:
        complete = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        complete = False
    if not complete:
        raise InvalidInput("should be discord+https://, then the host and path of the webhook")
    return parts._replace(query="", fragment="").geturl(), f"?{parts.query}" if parts.query else ""
