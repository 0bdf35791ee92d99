"""Writes a service's dataset into a file that `winnow load` reads back, and its history into one for people.

    export_dataset(database, "sentiment", config, stream, kind="jsonl")

What is written is what a run on that snapshot learns from: each input once, with the target that counts, and only
labels that winnow.toml knows. Loaded into an empty service, the file gives the same dataset.
"""

from __future__ import annotations

import csv
import json
from base64 import b64encode
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import StringIO
from itertools import islice
from typing import Any, BinaryIO

from winnow.domain import Prediction, Target
from winnow.errors import InvalidInput
from winnow.lifecycle.lesson import make_task, of_known_labels
from winnow.lifecycle.tables import Format
from winnow.project import ServiceConfig
from winnow.store import Database, example_counts, examples
from winnow.store.blobs import StoredFiles

_ROWS = 1_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would carry out."""

HISTORY_COLUMNS = ("id", "created_at", "version", "input", "label", "score", "feedback", "scores")
_dump = json.JSONEncoder(ensure_ascii=False).encode


def export_dataset(
    database: Database,
    service: str,
    config: ServiceConfig,
    stream: BinaryIO,
    *,
    snapshot: int | None = None,
    kind: Format = "csv",
) -> int:
    """Write the dataset at a snapshot (else the newest) in UTF-8; returns how many rows it has.

    `NotFound` where there is no such snapshot. Images are written in base64. Inputs are written exactly as they
    are, also where a spreadsheet would take one for a formula: the file is for programs.
    """
    sheet = _DatasetSheet(config, kind)
    count = 0
    with database.read() as connection:
        number = example_counts.snapshot_at(connection, service, snapshot)
        stream.write(sheet.head())
        rows = examples.dataset(connection, service, number)
        while chunk := list(islice(rows, _ROWS)):
            kept, _ = of_known_labels(chunk, config.known_labels)
            stream.write(sheet.body(_as_in_file(database, config, kept)))
            count += len(kept)
    return count


def _as_in_file(
    database: Database, config: ServiceConfig, rows: Sequence[tuple[str, Target]]
) -> Iterator[tuple[str, Target]]:
    """Rows with their inputs as a file has them: texts, or images in base64, each read when its turn comes."""
    if not make_task(config).reads_files:
        yield from rows
        return
    files = StoredFiles(database, [value for value, _ in rows])
    for place, (_, target) in enumerate(rows):
        yield b64encode(files[place]).decode(), target


class _DatasetSheet:
    """Words inputs and targets as `Task.read_row` reads them."""

    def __init__(self, config: ServiceConfig, kind: Format) -> None:
        self._config = config
        self._kind = kind
        self._labels = (config.label,) if isinstance(config.label, str) else config.label
        self._value_of = {label: values[0] for label, values in config.label_values.items() if values}

    def head(self) -> bytes:
        """What stands before the rows: of CSV the header, after the mark by which spreadsheets know UTF-8."""
        return BOM_UTF8 + table([(self._config.input, *self._labels)]) if self._kind == "csv" else b""

    def body(self, rows: Iterable[tuple[str, Target]]) -> bytes:
        """Some rows."""
        if self._kind == "csv":
            return table([value, *self._cells(target)] for value, target in rows)
        return "".join(f"{_dump(self._object(value, target))}\n" for value, target in rows).encode()

    def _object(self, value: str, target: Target) -> Mapping[str, Any]:
        if isinstance(self._config.label, str) and not isinstance(target, str):
            return {self._config.input: value, self._config.label: [self._word(label) for label in target]}
        cells = self._cells(target)
        flags = cells if isinstance(self._config.label, str) else [int(cell) for cell in cells]
        return {self._config.input: value, **dict(zip(self._labels, flags, strict=True))}

    def _cells(self, target: Target) -> list[str]:
        if isinstance(target, str):
            return [self._word(target)]
        if not isinstance(self._config.label, str):
            return [str(int(label in target)) for label in self._config.label]
        separator = self._config.separator or "|"
        words = [self._word(label) for label in target]
        for word in words:
            if separator in word:
                raise InvalidInput(
                    f"the label '{word[:60]}' has the separator '{separator}' in it, which CSV cannot tell: "
                    "export as JSONL"
                )
        return [separator.join(words)]

    def _word(self, label: str) -> str:
        """A value of the column that means this label."""
        return self._value_of.get(label, label)


def history_rows(found: Sequence[Prediction]) -> bytes:
    """Predictions as rows of CSV: a cell that a spreadsheet would carry out begins with an apostrophe."""
    return table([harmless(cell) for cell in _history_cells(entry)] for entry in found)


def history_head() -> bytes:
    """The header of a history, after the mark by which spreadsheets know UTF-8."""
    return BOM_UTF8 + table([HISTORY_COLUMNS])


def _history_cells(entry: Prediction) -> list[str]:
    scores = entry.answer["scores"]
    labels = [entry.answer["label"]] if "label" in entry.answer else entry.answer.get("labels", [])
    return [
        entry.id,
        entry.created_at.isoformat(),
        str(entry.version),
        entry.input,
        _joined(labels),
        "|".join(f"{scores[label]:.6f}" for label in labels if label in scores),
        "" if entry.feedback is None else _joined(entry.feedback),
        _dump({label: round(score, 6) for label, score in scores.items()}),
    ]


def _joined(target: Target) -> str:
    return target if isinstance(target, str) else "|".join(target)


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def table(rows: Iterable[Sequence[str]]) -> bytes:
    """Rows as CSV in UTF-8."""
    text = StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)  # so that a cell with a single CR is quoted too
    return text.getvalue().encode("utf-8", "backslashreplace")
