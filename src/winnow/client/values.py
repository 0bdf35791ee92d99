"""What users ask and filter by, as it is sent."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, TypedDict

Value = str | bytes | Path | Mapping[str, str]
"""An input: a text; a file, by its bytes or its path; or an image of the service's library, `{"library": name}`."""


class HistoryFilters(TypedDict, total=False):
    """Which predictions to show. `label` is the answer's, `text` stands in the input (in any case)."""

    label: str
    version: int
    text: str
    since: datetime
    until: datetime


def asking(key: str, value: Any, version: int | str | None, top_k: int | None, **more: object) -> dict[str, Any]:
    """The body that puts a value (`key` "input") or a sequence of them ("inputs"). None is left out."""
    sent = _sent(value) if key == "input" else [_sent(each) for each in value]
    given = {"version": version, "top_k": top_k, **more}
    return {key: sent, **{name: content for name, content in given.items() if content is not None}}


def in_words(filters: Mapping[str, Any]) -> dict[str, Any]:
    """Filters as a query has them."""
    return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in filters.items()}


def _sent(value: Any) -> Any:
    if isinstance(value, Path):
        value = value.read_bytes()
    return b64encode(value).decode() if isinstance(value, bytes) else value
