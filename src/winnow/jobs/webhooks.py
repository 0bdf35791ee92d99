"""Webhooks: tell an address that a job has ended."""

from __future__ import annotations

from urllib.parse import urlsplit

from winnow.errors import InvalidInput
from winnow.settings import Settings


def check_webhook(url: str, settings: Settings) -> None:
    """Refuse an address that could never be told: `InvalidInput` says what is wrong with it."""
    if settings.webhook_secret is None:
        raise InvalidInput(
            "webhooks are signed, and there is nothing to sign with: set webhook_secret (WINNOW_WEBHOOK_SECRET)"
        )
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidInput(f"a webhook is an address such as https://example.org/told, not {url[:100]!r}")
