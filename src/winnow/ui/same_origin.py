"""Where a request comes from, and where it may be sent on to: pages of this address only."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers

HOME = "/ui/"

_WITHIN = re.compile(r"/ui(?:/[A-Za-z0-9_/-]*)?(?:\?[A-Za-z0-9_.~%&=+-]*)?")


def from_here(headers: Headers) -> bool:
    """Whether a page of this address sent the request, as its browser says; programs, which say nothing, count too.

    Browsers say so themselves in `Sec-Fetch-Site`; older ones name the page's origin.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    return same_host(headers)


def same_host(headers: Headers) -> bool:
    """Whether the origin that a browser names, where it names one, is the address that was asked."""
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


def within(address: str | None) -> str:
    """Where to go on: the address where it lies within the page, else the page's beginning."""
    return address if address and _WITHIN.fullmatch(address) else HOME
