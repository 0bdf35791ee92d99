"""Webhooks: which addresses may be told that a job has ended."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from winnow.errors import InvalidInput
from winnow.jobs.addresses import is_public, literal
from winnow.settings import Settings

MAX_URL = 2000


def check_webhook(url: str, settings: Settings) -> None:
    """Refuse an address that could never be told: `InvalidInput` says what is wrong with it.

    What a name leads to is looked at when it is called.
    """
    if settings.webhook_secret is None:
        raise InvalidInput(
            "webhooks are signed, and there is nothing to sign with: set webhook_secret (WINNOW_WEBHOOK_SECRET)"
        )
    host = _parts(url).hostname or ""
    address = literal(host)
    if settings.webhook_private:
        return
    if (address is not None and not is_public(address)) or host == "localhost" or host.endswith(".localhost"):
        raise InvalidInput(
            f"a webhook goes to a public address, and {host} is none: set webhook_private if that is meant"
        )


def _parts(url: str) -> SplitResult:
    right = "a webhook is an address such as https://example.org/told"
    if len(url) > MAX_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise InvalidInput(f"{right}: at most {MAX_URL} characters of plain ASCII")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidInput(f"{right}: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise InvalidInput(f"{right}, not {url[:100]!r}")
    return parts
