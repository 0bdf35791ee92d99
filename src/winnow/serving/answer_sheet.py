"""The answer sheet: the rows of a file with their answers, worded as a file of the same kind."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from typing import Any

from winnow.domain import Prediction
from winnow.errors import Conflict, InvalidInput, WinnowError
from winnow.lifecycle.tables import Format
from winnow.serving.rows import Row, Rows

Answered = tuple[Row, Prediction | WinnowError]

LABEL, ERROR = "predicted_label", "error"


class AnswerSheet:
    """Words rows with their answers, as CSV or JSONL.

    Beside `predicted_label` and `error` there is the score of each label, as `score_<label>`. Of more labels than
    an answer carries (`top_k`) there are the most probable instead, as `label_1`, `score_1`, `label_2`, ...
    """

    def __init__(self, rows: Rows, labels: Sequence[str], top_k: int, kind: Format | None = None) -> None:
        self.format: Format = kind or ("csv" if rows.format == "zip" else rows.format)
        self._rows = rows
        self._labels = labels if len(labels) <= top_k else None
        self._top_k = top_k
        self._scores = (
            [f"score_{label}" for label in labels]
            if self._labels is not None
            else [f"{word}_{rank}" for rank in range(1, top_k + 1) for word in ("label", "score")]
        )
        own = [LABEL, *self._scores, ERROR]
        if taken := [name for name in own if name in rows.columns]:
            raise Conflict(f"the file has a column '{taken[0]}' already, where an answer would go: rename it")
        if self.format == "csv" and rows.format == "jsonl":
            raise InvalidInput("rows of JSONL have no common columns: name the output .jsonl too")
        self._columns = [*rows.columns, *own]

    @property
    def media_type(self) -> str:
        """What the sheet is, as HTTP names it."""
        return "text/csv; charset=utf-8" if self.format == "csv" else "application/jsonl"

    def head(self) -> bytes:
        """What stands before the rows."""
        return self._table([self._columns]) if self.format == "csv" else b""

    def body(self, answered: Iterable[Answered]) -> bytes:
        """Some rows with their answers."""
        if self.format == "csv":
            return self._table([self._cells(row.cells, outcome) for row, outcome in answered])
        dump = json.JSONEncoder(ensure_ascii=False).encode
        return _encoded("".join(f"{dump({**row.cells, **self._facts(outcome)})}\n" for row, outcome in answered))

    def _table(self, rows: Iterable[Sequence[object]]) -> bytes:
        text = StringIO(newline="")
        csv.writer(text, delimiter=self._rows.separator, lineterminator="\n").writerows(rows)
        return _encoded(text.getvalue())

    def _cells(self, cells: Mapping[str, Any], outcome: Prediction | WinnowError) -> list[object]:
        own: Iterable[object] = cells.values() or [""] * len(self._rows.columns)
        if isinstance(outcome, WinnowError):
            return [*own, "", *[""] * len(self._scores), str(outcome)]
        label = _label(outcome)
        return [*own, label if isinstance(label, str) else "|".join(label), *self._scored(outcome), ""]

    def _facts(self, outcome: Prediction | WinnowError) -> dict[str, Any]:
        if isinstance(outcome, WinnowError):
            return {ERROR: str(outcome)}
        return {LABEL: _label(outcome), **dict(zip(self._scores, self._scored(outcome), strict=True))}

    def _scored(self, outcome: Prediction) -> list[Any]:
        scores = outcome.answer["scores"]
        if self._labels is not None:
            return [round(scores.get(label, 0.0), 6) for label in self._labels]
        ranked = sorted(scores.items(), key=lambda entry: -entry[1])[: self._top_k]
        told = [value for label, score in ranked for value in (label, round(score, 6))]
        return told + [""] * (len(self._scores) - len(told))


def _label(outcome: Prediction) -> str | list[str]:
    answer = outcome.answer
    return answer["label"] if "label" in answer else answer["labels"]


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")
