"""Answers for whole files: rows in, the same rows with their answers out, in chunks and bounded memory.

Rows are read ahead in a thread while those before them are answered, so neither waits for the other.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from io import SEEK_END
from itertools import islice
from typing import BinaryIO

from winnow.domain import Prediction
from winnow.errors import InvalidInput, WinnowError
from winnow.lifecycle.tables import Format
from winnow.serving.answer_sheet import Answered, AnswerSheet
from winnow.serving.batcher import Loaded
from winnow.serving.rows import FileFormat, Row, open_rows
from winnow.serving.service import Caller, Options, Service

CHUNK_ROWS = 2000
CHUNK_BYTES = 4_000_000
"""Rows, and characters or bytes of their inputs, that are read at once."""
CHUNK_SECONDS = 2.0
"""After how long what is answered is handed out, however little it is: it can be kept, and progress be seen."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows that follow each other, with their outcomes. `done` is the share of the file that was read."""

    answered: Sequence[Answered]
    done: float

    @property
    def predictions(self) -> list[Prediction]:
        """The answers of those rows that have one."""
        return [outcome for _, outcome in self.answered if isinstance(outcome, Prediction)]

    @property
    def failed(self) -> int:
        """How many rows have an error."""
        return sum(isinstance(outcome, WinnowError) for _, outcome in self.answered)


class FileAnswers:
    """Answers the rows of one file, all of them by one version. Nothing is kept in the history.

    `FileRefused` where it cannot be read, `Conflict` where it has a column already in which an answer would go.
    """

    def __init__(
        self,
        service: Service,
        loaded: Loaded,
        stream: BinaryIO,
        kind: FileFormat,
        options: Options,
        target: Format | None = None,
    ) -> None:
        self._service = service
        self._options = replace(options, version=loaded.version)
        self._stream = stream
        self._size = stream.seek(0, SEEK_END) or 1
        rows = open_rows(stream, kind, service.config.input, service.reader.task.file_bytes)
        top_k = options.top_k or service.config.serving.top_k
        self.sheet = AnswerSheet(rows, loaded.model.question.labels, top_k, target)
        self._rows = rows.rows

    async def chunks(self, caller: Caller, skip: int = 0) -> AsyncGenerator[Chunk, None]:
        """The rows behind the first `skip`, with their outcomes."""
        await asyncio.to_thread(_pass_over, self._rows, skip)
        reading = self._read_ahead()
        try:
            while (read := await asyncio.shield(reading)).rows:
                reading = self._read_ahead()
                async for chunk in self._answer(read, caller):
                    yield chunk
        finally:
            await asyncio.wait([reading])  # the file is not closed under its hands

    def _read_ahead(self) -> asyncio.Future[_Read]:
        return asyncio.ensure_future(asyncio.to_thread(self._read))

    async def _answer(self, read: _Read, caller: Caller) -> AsyncGenerator[Chunk, None]:
        """Slice by slice, so that others are not held up; handed out together, unless they take long."""
        answered: list[Answered] = []
        since = time.monotonic()
        size = self._service.config.serving.max_batch
        for begin in range(0, len(read.rows), size):
            outcomes = await self._service.predict(read.inputs[begin : begin + size], caller, self._options)
            answered += zip(read.rows[begin : begin + size], outcomes, strict=True)
            if time.monotonic() - since > CHUNK_SECONDS:
                yield Chunk(answered, read.done)
                answered, since = [], time.monotonic()
        if answered:
            yield Chunk(answered, read.done)

    def _read(self) -> _Read:
        """The next rows, in a thread."""
        read = _Read()
        size = 0
        for row in self._rows:
            read.rows.append(row)
            size += len(row.asked) if isinstance(row.asked, str | bytes) else 1
            if len(read.rows) >= CHUNK_ROWS or size >= CHUNK_BYTES:
                break
        asked = [row.asked for row in read.rows if not isinstance(row.asked, InvalidInput)]
        inputs = iter(self._service.reader.read_all(asked))
        read.inputs = [row.asked if isinstance(row.asked, InvalidInput) else next(inputs) for row in read.rows]
        read.done = min(1.0, self._stream.tell() / self._size)
        return read


@dataclass(slots=True)
class _Read:
    """Rows as they were read, their inputs beside them, and how much of the file that was."""

    rows: list[Row] = field(default_factory=list)
    inputs: list[object] = field(default_factory=list)
    done: float = 0.0


def _pass_over(rows: Iterator[Row], count: int) -> None:
    next(islice(rows, count, count), None)
