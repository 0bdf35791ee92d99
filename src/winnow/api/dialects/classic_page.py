"""The page of a classic ticket: it waits, and shows the labels as bars.

It loads nothing from anywhere. Without scripts it asks again by itself, once in a second.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from functools import cache
from html import escape
from importlib import resources
from string import Template
from types import MappingProxyType

from winnow.api.dialects.classic_answers import ClassicAnswer
from winnow.domain import Status

_SAYS: Mapping[Status, str] = MappingProxyType(
    {
        Status.QUEUED: "Waiting for its turn.",
        Status.STARTED: "Being looked at.",
        Status.FINISHED: "The most probable answers:",
        Status.FAILED: "There is no answer.",
    }
)


def page(question: str, address: str, found: ClassicAnswer) -> tuple[str, dict[str, str]]:
    """The page and its headers. `address` is where the ticket is asked for."""
    nonce = secrets.token_urlsafe(16)
    status = Status(found.task_status)
    content = _template().substitute(
        nonce=nonce,
        question=escape(question),
        title=escape(f"{found.data[0][0] if found.data else found.task_status}: {question}"),
        address=escape(address),
        waits="" if status.final else "waits",
        refresh="" if status.final else _refresh(address),
        status=escape(found.task_status),
        says=_SAYS[status],
        answer=_answer(found),
    )
    policy = f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'"
    return content, {
        "Content-Security-Policy": f"{policy}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
        "Vary": "Accept",
    }


def _refresh(address: str) -> str:
    return f'<noscript><meta http-equiv="refresh" content="1; url={escape(address)}"></noscript>'


def _answer(found: ClassicAnswer) -> str:
    bars = "".join(_bar(label, percent) for label, percent in found.data or ())
    reason = "" if found.error is None else f'<p class="error">{escape(found.error)}</p>'
    return (f"<ol>{bars}</ol>" if bars else "") + reason


def _bar(label: str, percent: float) -> str:
    name = escape(label)
    return (
        f'<li><span class="label">{name}</span>'
        f'<meter min="0" max="100" value="{percent}" aria-label="{name}">{percent} %</meter>'
        f'<span class="percent">{percent:.1f} %</span></li>'
    )


@cache
def _template() -> Template:
    file = resources.files("winnow.api.dialects") / "classification.html"
    return Template(file.read_text(encoding="utf-8"))
