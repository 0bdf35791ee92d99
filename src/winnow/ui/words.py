"""How the page says things: numbers, shares, times and answers in plain words. Pure functions, no drawing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from winnow.domain import Role, Target

NOTHING = "–"
"""What stands where there is no figure."""

_THIN = "\u202f"
_SIZES = ("bytes", "kB", "MB", "GB")
_MAY: Mapping[Role, str] = {
    Role.VIEWER: "ask and read",
    Role.EDITOR: "correct answers, add examples and hand in files",
    Role.ADMIN: "upload, train, promote, erase and keep the accounts",
}


def number(value: float | None) -> str:
    """Word a count: `17,203`."""
    return NOTHING if value is None else f"{value:,.0f}"


def counted(count: int, one: str, many: str | None = None) -> str:
    """Word a count with its noun: `1 example`, `17,203 examples`."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def decimals(value: float | None, digits: int = 3) -> str:
    """Word a figure between 0 and 1 that is no share, such as F1: `0.912`."""
    return NOTHING if value is None else f"{value:.{digits}f}"


def percent(share: float | None, digits: int = 0) -> str:
    """Word a share between 0 and 1: `93 %`. What is not quite all or nothing is never rounded to it."""
    if share is None:
        return NOTHING
    step = 10.0 ** -(digits + 2)
    if 0 < share < step:
        return f"< {step * 100:.{digits}f}{_THIN}%"
    if 1 - step < share < 1:
        return f"> {(1 - step) * 100:.{digits}f}{_THIN}%"
    return f"{share * 100:.{digits}f}{_THIN}%"


def milliseconds(value: float | None) -> str:
    """Word a latency, given in milliseconds: `0.42 ms`, `12 ms`, `1.3 s`."""
    if value is None:
        return NOTHING
    if value >= 1000:
        return f"{value / 1000:.1f} s"
    return f"{value:.0f} ms" if value >= 10 else f"{value:.2g} ms"


def size(count: float | None) -> str:
    """Word a number of bytes: `1.2 MB`."""
    if count is None:
        return NOTHING
    for unit in _SIZES:
        if count < 1000 or unit == _SIZES[-1]:
            return f"{count:.0f} {unit}" if unit == _SIZES[0] else f"{count:.1f} {unit}"
        count /= 1000
    raise AssertionError


def moment(when: datetime | None) -> str:
    """Word a moment, in UTC and named so: `2026-11-20 21:04 UTC`."""
    return NOTHING if when is None else f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def ago(when: datetime | None, now: datetime | None = None) -> str:
    """Word how long ago something was: `just now`, `3 minutes ago`, `2 days ago`."""
    if when is None:
        return NOTHING
    seconds = ((now or datetime.now(UTC)) - when).total_seconds()
    return "just now" if seconds < 10 else f"{duration(seconds)} ago"


def duration(seconds: float) -> str:
    """Word a stretch of time in its largest unit: `40 seconds`, `2 hours`."""
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            return counted(int(seconds // length), unit)
    return counted(int(seconds), "second")


def excerpt(text: str, length: int = 120) -> str:
    """Cut a text to one line of so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def target_words(target: Target | Sequence[str] | None) -> str:
    """Word a target or the labels of an answer: `negative`, or `angry, late`, or `none of the labels`."""
    if target is None:
        return NOTHING
    return target if isinstance(target, str) else ", ".join(target) or "none of the labels"


def answer_target(answer: Mapping[str, Any]) -> Target:
    """What an answer says: its label, or its labels where several may apply."""
    return str(answer["label"]) if answer.get("label") is not None else list(answer.get("labels") or ())


def sureness(answer: Mapping[str, Any]) -> float:
    """How sure an answer is, from 0 to 1.

    The score of its label. Of several, the lowest; where no label applies, how far the highest is from applying.
    """
    scores: Mapping[str, float] = answer["scores"]
    label = answer.get("label")
    labels = [label] if label is not None else answer.get("labels") or ()
    if labels:
        return min(scores[each] for each in labels)
    return 1.0 - max(scores.values(), default=0.0)


def answer_words(answer: Mapping[str, Any]) -> str:
    """Word an answer: `negative, 93 % sure`."""
    return f"{target_words(answer_target(answer))}, {percent(sureness(answer))} sure"


def gates_words(gates: Sequence[Mapping[str, Any]]) -> str:
    """Word all gates of a version in a few words: `all 3 met`, `1 of 3 missed`."""
    if not gates:
        return "no gates"
    missed = sum(not gate["passed"] for gate in gates)
    if missed:
        return f"{missed} of {len(gates)} missed"
    return "met" if len(gates) == 1 else f"all {len(gates)} met"


def role_words(role: Role | None) -> str:
    """Word what a role is for."""
    return "may do nothing before signing in" if role is None else f"may {_MAY[role]}"


def needs(role: Role, what: str) -> str:
    """Say that something takes a role, and whom to ask: `needs(Role.ADMIN, "Promoting")`."""
    article = "a" if role is Role.VIEWER else "an"
    return f"{what} takes the role {role}. Sign in with {article} {role} account, or ask an admin for the role."


def plain(text: str) -> str:
    """Text of somebody else, so that Markdown shows it as it stands: no link, no picture, nothing in bold."""
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!|~$:^=&])", r"\\\1", text.replace("\n", " "))
