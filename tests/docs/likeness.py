"""Compares what a page shows with what a command printed, as a reader would.

What differs from one time to the next, and from machine to machine, is not compared:

- ids, hashes, times and dates, the port, versions of Python, sizes on disk;
- figures of time: numbers before `ms` or `s`, on lines about latency, in columns of milliseconds, seconds and MB;
- the width of tables: any two or more spaces are alike;
- the last digits of other decimals: they may differ by `NEAR`.

All else has to be equal: words, labels, whole numbers, the heads of tables, the order of lines. A line `...` on the
page stands for any number of lines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

NEAR = 0.05
"""How far two decimals may be apart. One test row more that is answered right moves an accuracy by a hundredth."""

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HASH = re.compile(r"\b[0-9a-f]{64}\b")
_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?(?:Z|\+\d\d:\d\d)?")
_DURATION = re.compile(r"(?<![\w.-])-?\d+(?:\.\d+)? ?(?:ms|s|GB|MB)\b")
_VERSION = re.compile(r"\b\d+\.\d+\.\d+\b(?!\.)")
_DECIMAL = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
_FOLDER = re.compile(r"/[^\s:]*/")
_TIMING_HEADS = ("p95 ms", "ms", "fit s", "MB")
_TIMING_LINE = re.compile(r"latency")
_VARYING_KEYS = frozenset(
    {"latency_ms", "seconds", "fit_seconds", "predict", "size_bytes", "sha256", "libraries", "pid"}
)


def unlike(shown: str, printed: str) -> str | None:
    """Say in what a page and a command differ; None where they are alike."""
    return _unlike_lines(_lines(shown), _lines(printed))


def unlike_json(shown: str, printed: str) -> str | None:
    """The same for JSON: equal keys and texts, near numbers."""
    return _unlike_values(json.loads(shown), json.loads(printed), "$")


def _unlike_lines(shown: Sequence[str], printed: Sequence[str]) -> str | None:
    if not shown:
        return f"printed besides: {printed[0]!r}" if printed else None
    if shown[0] == "...":
        rests = (printed[start:] for start in range(len(printed) + 1))
        return (
            None if any(_unlike_lines(shown[1:], rest) is None for rest in rests) else f"no {shown[1]!r} behind ..."
        )
    if not printed:
        return f"not printed: {shown[0]!r}"
    if not _alike(shown[0], printed[0]):
        return f"shown {shown[0]!r}, printed {printed[0]!r}"
    return _unlike_lines(shown[1:], printed[1:])


def _lines(text: str) -> list[str]:
    """The lines that are compared: what varies is masked, spaces are one or two."""
    found: list[str] = []
    ends: list[int] = []
    for line in text.strip("\n").splitlines():
        ends = _timing_columns(line) or (ends if line.strip() else [])
        masked = _mask_columns(line, ends)
        for pattern, mask in ((_UUID, "ID"), (_HASH, "HASH"), (_TIME, "TIME"), (_DURATION, "TIMING")):
            masked = pattern.sub(mask, masked)
        masked = _FOLDER.sub("FOLDER/", _VERSION.sub("VERSION", masked)) if "http" not in masked else masked
        masked = _DECIMAL.sub("TIMING", masked) if _TIMING_LINE.search(masked) else masked
        found.append(re.sub(r" {2,}", "  ", masked).rstrip())
    return found


def _timing_columns(line: str) -> list[int]:
    """Where the columns end that hold figures of time, in a line that is the head of a table."""
    cells = [cell for cell in re.finditer(r"\S+(?: \S+)*", line) if cell[0] in _TIMING_HEADS]
    return [cell.end() for cell in cells]


def _mask_columns(line: str, ends: Sequence[int]) -> str:
    for number in reversed(list(_DECIMAL.finditer(line))):
        if number.end() in ends:
            line = line[: number.start()] + "TIMING" + line[number.end() :]
    return line


def _alike(shown: str, printed: str) -> bool:
    if _DECIMAL.sub("#", shown) != _DECIMAL.sub("#", printed):
        return False
    pairs = zip(_DECIMAL.findall(shown), _DECIMAL.findall(printed), strict=True)
    return all(abs(float(one) - float(other)) <= NEAR for one, other in pairs)


def _unlike_values(shown: Any, printed: Any, where: str) -> str | None:
    if isinstance(shown, dict) and isinstance(printed, dict):
        return _unlike_objects(shown, printed, where)
    if isinstance(shown, list) and isinstance(printed, list):
        numbered = [{str(n): value for n, value in enumerate(values)} for values in (shown, printed)]
        return _unlike_objects(numbered[0], numbered[1], where)
    if isinstance(shown, float) and isinstance(printed, float):
        same = abs(shown - printed) <= NEAR
    elif isinstance(shown, str) and isinstance(printed, str):
        same = unlike(shown, printed) is None
    else:
        same = shown == printed
    return None if same else f"{where}: {shown!r} is shown, {printed!r} printed"


def _unlike_objects(shown: dict[str, Any], printed: dict[str, Any], where: str) -> str | None:
    if shown.keys() != printed.keys():
        return f"{where}: {sorted(shown)} are shown, {sorted(printed)} printed"
    compared = [key for key in shown if key not in _VARYING_KEYS]
    found = (_unlike_values(shown[key], printed[key], f"{where}.{key}") for key in compared)
    return next((difference for difference in found if difference), None)
