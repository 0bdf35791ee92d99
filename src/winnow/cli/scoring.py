"""Answers for whole files: rows in, the same rows with their answers out, in chunks and bounded memory."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, TextIO, TypeVar

from winnow.domain import Json, Prediction, Progress, new_id
from winnow.errors import Conflict, FileRefused, InvalidInput, RowRefused, WinnowError
from winnow.lifecycle.delimited import records
from winnow.lifecycle.encodings import detect, lines
from winnow.lifecycle.tables import Format, format_of, open_table
from winnow.runtime import Runtime
from winnow.serving.service import Caller, Service

CHUNK = 256
"""Rows that are asked at once, and committed to the history at once."""
PATIENCE = 600.0
"""Seconds that a chunk may take. Nobody waits at the other end, as a caller of the API does."""

_T = TypeVar("_T")
_Outcome = Prediction | WinnowError
_Row = tuple[Mapping[str, Any], WinnowError | None]
"""The cells of a row, and what kept it from being read."""


class Scorer:
    """Puts any number of inputs to a service, a chunk at a time."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._chunk = min(CHUNK, service.config.serving.max_queue)

    async def answer_all(self, inputs: Iterable[object]) -> AsyncIterator[_Outcome]:
        """One outcome for each input, in order."""
        for chunk in in_chunks(inputs, self._chunk):
            for outcome in await self._service.answer(chunk, Caller(new_id(), "command line", PATIENCE)):
                yield outcome

    async def answer_rows(
        self, rows: Iterable[_Row], column: str
    ) -> AsyncIterator[tuple[Mapping[str, Any], _Outcome]]:
        """Each row with its outcome, in order; those that could not be read are not asked about."""
        for chunk in in_chunks(rows, self._chunk):
            readable = [cells[column] for cells, error in chunk if error is None]
            answered = iter([outcome async for outcome in self.answer_all(readable)])
            for cells, error in chunk:
                yield cells, next(answered) if error is None else error


@dataclass(frozen=True, slots=True)
class _Source:
    kind: Format
    columns: Sequence[str]
    """Of a CSV file; those of JSONL differ from row to row."""
    separator: str
    rows: Iterator[_Row]


async def score_file(runtime: Runtime, name: str, source: Path, target: Path, progress: Progress) -> Json:
    """Answer every row of a CSV or JSONL file into another: all of it, or the target stays as it was.

    Returns how many rows there were, and how many of them have an error. `FileRefused` where it is no table.
    """
    service = runtime.service(name)
    labels = runtime.loader.of(name)().model.question.labels
    column = service.config.input
    rows = failed = 0
    with source.open("rb") as stream:
        size = stream.seek(0, io.SEEK_END) or 1
        opened = _open(source, stream, column)
        with _written(target) as file:
            writer = _Writer(file, format_of(target.name), opened, labels)
            async for cells, outcome in Scorer(service).answer_rows(opened.rows, column):
                writer.write(cells, outcome)
                rows += 1
                failed += isinstance(outcome, WinnowError)
                progress("rows", stream.tell() / size)
    return {"rows": rows, "failed": failed}


def in_chunks(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    """Split into lists of at most `size`."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


def _open(path: Path, stream: BinaryIO, column: str) -> _Source:
    kind = format_of(path.name)
    try:
        table = open_table(stream, kind, (column,))
        if table.separator is None:
            return _Source(kind, (), ",", _json_rows(stream, column))
        columns = _header(stream, table.separator)
        whole = open_table(stream, kind, columns)
    except FileRefused as refusal:
        raise FileRefused(f"{path.name}: {refusal}") from refusal
    rows: Iterator[_Row] = (({}, row) if isinstance(row, RowRefused) else (row[1], None) for row in whole.rows)
    return _Source(kind, columns, table.separator, rows)


def _header(stream: BinaryIO, separator: str) -> list[str]:
    for _, cells in records(lines(stream, detect(stream)), separator):
        if isinstance(cells, list) and any(not cell.isspace() for cell in cells if cell):
            return [cell.strip() for cell in cells]
    return []


def _json_rows(stream: BinaryIO, column: str) -> Iterator[_Row]:
    for number, line in enumerate(lines(stream, detect(stream)), start=1):
        if line.isspace():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield {}, RowRefused(number, f"the line is not JSON: {error}")
            continue
        if not isinstance(row, dict):
            yield {}, RowRefused(number, "the line is not an object")
        elif column not in row:
            yield row, RowRefused(number, f"the key '{column}' is missing")
        else:
            yield row, None


class _Writer:
    """Writes rows with their answers, as CSV or JSONL."""

    def __init__(self, file: TextIO, kind: Format, source: _Source, labels: Sequence[str]) -> None:
        self._labels = labels
        self._file = file
        self._csv: csv.DictWriter[str] | None = None
        own = ["predicted_label", *(f"score_{label}" for label in labels), "error"]
        if taken := [name for name in own if name in source.columns]:
            raise Conflict(f"the file has a column '{taken[0]}' already, where an answer would go: rename it")
        if kind == "csv":
            if source.kind != "csv":
                raise InvalidInput("rows of JSONL have no common columns: name the output .jsonl too")
            self._csv = csv.DictWriter(
                file, [*source.columns, *own], restval="", delimiter=source.separator, lineterminator="\n"
            )
            self._csv.writeheader()

    def write(self, cells: Mapping[str, Any], outcome: _Outcome) -> None:
        """Write one row."""
        if self._csv is None:
            self._file.write(f"{json.dumps({**cells, **self._answer(outcome)}, ensure_ascii=False)}\n")
            return
        answer = self._answer(outcome)
        if isinstance(label := answer.get("predicted_label"), list):
            answer["predicted_label"] = "|".join(label)
        self._csv.writerow({**cells, **answer})

    def _answer(self, outcome: _Outcome) -> dict[str, Any]:
        if isinstance(outcome, WinnowError):
            return {"error": str(outcome)}
        answer = outcome.answer
        scores = {f"score_{label}": round(answer["scores"].get(label, 0.0), 6) for label in self._labels}
        return {"predicted_label": answer.get("label", answer.get("labels")), **scores}


@contextmanager
def _written(target: Path) -> Iterator[TextIO]:
    """Open a file that takes its name only once all of it is there."""
    part = target.with_name(f".{target.name}.part")
    try:
        with part.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            yield file
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
