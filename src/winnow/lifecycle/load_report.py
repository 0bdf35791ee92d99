"""What became of a file's rows, in bounded size however large and however bad the file is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from winnow.domain import Target
from winnow.errors import RowRefused
from winnow.lifecycle.encodings import printable

LISTED = 1_000
"""How many refused rows, duplicates and labels are listed one by one. All are counted."""

_REASON_CHARS = 300
_KINDS = 50
_PARTICULAR = re.compile(r"'[^']*'|\d[\d,.]*")


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What became of a file's rows: `rows` = `accepted` + `duplicates` + `refused` where something was kept.

    Of a folder or a ZIP, a row is one file, and its line says which in order. A file that was refused has no
    `accepted` and no `duplicates`: these are found as rows are stored.
    """

    file: str
    format: str | None = None
    """None where it could not be told."""
    encoding: str | None = None
    separator: str | None = None
    rows: int = 0
    accepted: int = 0
    duplicates: int = 0
    refused: int = 0
    duplicate_lines: tuple[int, ...] = ()
    """The first of them, in order."""
    refusals: tuple[RowRefused, ...] = ()
    """The first of them, in order."""
    reasons: Mapping[str, int] = field(default_factory=dict)
    """How many rows were refused for each kind of reason: what its particular texts and numbers leave of it."""
    labels: Mapping[str, int] = field(default_factory=dict)
    """How many accepted rows have each label."""
    batch: int | None = None
    """The number of the batch, by which snapshots name it; None where nothing was kept."""

    def to_json(self) -> Mapping[str, Any]:
        """The report as the API gives it."""
        return {
            "file": self.file,
            "format": self.format,
            "encoding": self.encoding,
            "separator": self.separator,
            "rows": self.rows,
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "refused": self.refused,
            "duplicate_lines": list(self.duplicate_lines),
            "refusals": [_worded(row) for row in self.refusals],
            "reasons": dict(self.reasons),
            "labels": dict(self.labels),
            "batch": self.batch,
        }


def _worded(row: RowRefused) -> dict[str, Any]:
    named = {} if row.file is None else {"file": row.file}
    return {"line": row.line, **named, "reason": row.reason}


class Tally:
    """Counts rows as they are read, and makes the report."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.format: str | None = None
        self.encoding: str | None = None
        self.separator: str | None = None
        self.accepted = 0
        self.duplicates = 0
        self.refused = 0
        self.rows = 0
        self._duplicate_lines: list[int] = []
        self._refusals: list[RowRefused] = []
        self._reasons: Counter[str] = Counter()
        self._labels: Counter[str] = Counter()

    def refuse(self, line: int, reason: str, file: str | None = None) -> None:
        """Count a row that cannot be used; `file` is its name where each row is one."""
        self.rows += 1
        self.refused += 1
        reason = printable(reason, _REASON_CHARS)
        if len(self._refusals) < LISTED:
            named = None if file is None else printable(file, _REASON_CHARS)
            self._refusals.append(RowRefused(line, reason, named))
        kind = _PARTICULAR.sub("…", reason)
        self._reasons[kind if kind in self._reasons or len(self._reasons) < _KINDS else "other reasons"] += 1

    def skip(self, line: int) -> None:
        """Count a row that is there already."""
        self.duplicates += 1
        if len(self._duplicate_lines) < LISTED:
            self._duplicate_lines.append(line)

    def accept(self, target: Target) -> None:
        """Count a row that is stored."""
        self.accepted += 1
        for label in (target,) if isinstance(target, str) else target:
            if label in self._labels or len(self._labels) < LISTED:
                self._labels[label] += 1

    @property
    def first_refusal(self) -> RowRefused:
        """The first row that cannot be used; there must be one."""
        return self._refusals[0]

    def kept(self, batch: int | None) -> LoadReport:
        """The report of a file of which something was kept, or that held nothing new."""
        return self._report(
            accepted=self.accepted,
            duplicates=self.duplicates,
            duplicate_lines=tuple(self._duplicate_lines),
            labels=dict(self._labels.most_common()),
            batch=batch,
        )

    def refused_whole(self) -> LoadReport:
        """The report of a file of which nothing was kept."""
        return self._report()

    def _report(self, **kept: Any) -> LoadReport:
        return LoadReport(
            file=self.file,
            format=self.format,
            encoding=self.encoding,
            separator=self.separator,
            rows=self.rows,
            refused=self.refused,
            refusals=tuple(self._refusals),
            reasons=dict(self._reasons.most_common()),
            **kept,
        )
