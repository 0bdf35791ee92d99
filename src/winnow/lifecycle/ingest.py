"""Loads examples into a service's dataset: a file with its row-by-row report, or one example.

    report = load_file(database, "sentiment", task, Path("reviews.csv"), name="reviews.csv")

All rows of a file are kept or none, unless asked to keep the good ones. Rows are stored as they are read, some
thousand to a short transaction, so that others write in between; nobody sees them until the whole file is
accepted, in one short transaction more. The file itself may be kept beside them, as it was sent.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, TypedDict, Unpack

from winnow.domain import Example, Input, Progress, Target, no_progress
from winnow.errors import FileRefused, InvalidInput, RowRefused, StoreFailed
from winnow.lifecycle.encodings import printable
from winnow.lifecycle.load_report import LoadReport, Tally
from winnow.lifecycle.pictures import FileRow
from winnow.lifecycle.sources import OF_FILES, Source, open_source
from winnow.lifecycle.tables import Row
from winnow.store import Database, example_counts, examples, uploads
from winnow.store.blobs import reference
from winnow.tasks.base import Task

__all__ = ["AddedExample", "LoadReport", "Loading", "add_example", "load_file"]

CHUNK_ROWS = 5_000
CHUNK_SIZE = 4_000_000
"""Bounds of one transaction: what a writer may have to wait for, and what is in memory at once. The size is in
characters of texts, or bytes of images."""

DISCARD_ROWS = 10_000
DISCARD_PARTS = 20


class Loading(TypedDict, total=False):
    """How to load a file.

    `keep_good` keeps the good rows of a file that has bad ones. `dry_run` reads and reports as if it were loaded,
    and keeps nothing. `keep_file` keeps a file's bytes too. `account` is who loads it, and `progress` is told the
    share that was read.
    """

    keep_good: bool
    dry_run: bool
    keep_file: bool
    account: str | None
    progress: Progress


@dataclass(frozen=True, slots=True)
class AddedExample:
    """What became of one example: its id, or None and `added` false where it was there already."""

    id: str | None
    added: bool


def add_example(
    database: Database,
    service: str,
    task: Task,
    value: object,
    target: object,
    source: str,
    account: str | None = None,
) -> AddedExample:
    """Add one example, unless its input has this target as things stand. `InvalidInput` where it is not usable.

    An input whose target was corrected meanwhile can be given its first target again: the newest counts. Where
    examples disagree on an input, the target that counts may be said once more, which settles it.
    """
    example = _as_example(task, task.read_input(value), task.read_target(target))
    with database.write() as connection:
        database.lock(connection, "batches")
        same = examples.current_target(connection, service, example.input) == example.target
        if same and not example_counts.is_disputed(connection, service, examples.digest(example.input)):
            return AddedExample(None, added=False)
        return AddedExample(examples.add_one(connection, service, example, source, account), added=True)


def load_file(
    database: Database, service: str, task: Task, origin: Path | BinaryIO, *, name: str, **how: Unpack[Loading]
) -> LoadReport:
    """Add the examples of a CSV or JSONL file, as the ending of `name` says, or of a folder or ZIP of images.

    Any refused row refuses the whole file, with `FileRefused` and its report, unless the good ones are to be kept.
    A row whose input and target equal those of an example that is there, or of an earlier row, is a duplicate:
    skipped and counted. Memory stays bounded however large the file is. A file is kept where it brought something.
    """
    tally = Tally(printable(name, 200))
    try:
        with open_source(origin, name, task) as source:
            tally.format, tally.encoding, tally.separator = source.format, source.encoding, source.separator
            loading = _Load(database, service, task, tally, how)
            loading.name = printable(name[-200:], 200)  # with its end, which tells the formats apart
            return loading.run(source)
    except FileRefused as refusal:
        raise FileRefused(
            f"{tally.file}: {printable(str(refusal), 2_000)}", tally.refused_whole().to_json()
        ) from None


class _Load:
    """One file on its way into the store."""

    def __init__(self, database: Database, service: str, task: Task, tally: Tally, how: Loading) -> None:
        self._database = database
        self._service = service
        self._task = task
        self._tally = tally
        self._how = how
        self.name = tally.file
        self._keep_good = how.get("keep_good", False)
        self._batch: str | None = None
        self._chunk: list[tuple[str, Example]] = []
        self._size = 0

    def run(self, source: Source) -> LoadReport:
        """Store the rows under a batch, and accept that; or forget it, whatever goes wrong."""
        progress = self._how.get("progress", no_progress)
        try:
            for count, row in enumerate(source.rows, start=1):
                self._read(row)
                if count % CHUNK_ROWS == 0 or self._size > CHUNK_SIZE:
                    self._end_chunk()
                    progress("load", source.share())
            self._end_chunk()
            progress("load", source.share())
            self._refuse_whole()
            if self._how.get("dry_run", False):
                self._discard()
                return self._tally.kept(None)
            return self._tally.kept(self._accept(source))
        except BaseException:  # an interrupt too, which may come between any two lines
            with suppress(StoreFailed):  # where the store is gone, the batch is forgotten later, as abandoned
                self._discard()
            raise

    def _read(self, row: Row | FileRow) -> None:
        if isinstance(row, RowRefused):
            self._tally.refuse(row.line, row.reason, row.file)
            return
        line, cells, file = (row.position, row.cells, row.file) if isinstance(row, FileRow) else (*row, None)
        try:
            value, target = self._task.read_row(cells)
            example = _as_example(self._task, value, target, line)
        except InvalidInput as error:
            self._tally.refuse(line, str(error), file)
            return
        self._tally.rows += 1
        self._size += len(value)
        self._chunk.append((examples.digest(example.input), example))

    def _end_chunk(self) -> None:
        """Store what was read, or drop it where the file is refused and read on for its report only."""
        if self._tally.refused and not self._keep_good:
            self._discard()
        elif self._chunk:
            self._store()
        self._chunk = []
        self._size = 0

    def _store(self) -> None:
        with self._database.read() as connection:
            digests = {digest for digest, _ in self._chunk}
            known = examples.known_targets(connection, self._service, self._batch, digests)
        fresh = []
        for digest, example in self._chunk:
            key = digest, examples.target_key(example.target)
            if key in known:
                self._tally.skip(example.line or 0)
                continue
            known.add(key)
            fresh.append((digest, example))
            self._tally.accept(example.target)
        if fresh:
            with self._database.write() as connection:
                if self._batch is None:
                    source = f"upload:{self._tally.file}"
                    account = self._how.get("account")
                    self._batch = examples.open_batch(connection, self._service, source, account)
                examples.add(connection, self._service, self._batch, fresh)

    def _refuse_whole(self) -> None:
        tally = self._tally
        if tally.rows == 0:
            raise FileRefused("the folder has no images" if tally.format in OF_FILES else "the file has no rows")
        if tally.refused and (not self._keep_good or tally.refused == tally.rows):
            row = "file" if tally.format in OF_FILES else "row"
            rows = f"1 {row}" if tally.rows == 1 else f"{tally.rows:,} {row}s"
            raise FileRefused(
                f"{tally.refused:,} of {rows} cannot be used, so nothing was kept. First, {tally.first_refusal}"
            )

    def _accept(self, source: Source) -> int | None:
        """Let the rows be seen, and the file with them; None where there is nothing new in it."""
        if self._batch is None:
            return None
        upload = None
        if self._how.get("keep_file", False) and source.stream is not None:
            upload = self._store_file(source.stream, self._batch)
        with self._database.write() as connection:
            self._database.lock(connection, "batches")
            if upload is not None:
                uploads.keep(connection, upload)
            return examples.accept(connection, self._batch, self._tally.accepted)

    def _store_file(self, stream: BinaryIO, batch: str) -> uploads.Upload:
        """Store the file part by part, each in a transaction of its own, under the batch that nobody sees yet."""
        stream.seek(0)
        hashed, number = hashlib.sha256(), 0
        while content := _read_part(stream):
            hashed.update(content)
            with self._database.write(lasting=False) as connection:  # it lasts with what accepts it
                uploads.add_part(connection, batch, number, content)
            number += 1
        return uploads.Upload(batch, self._service, self.name, stream.tell(), hashed.hexdigest())

    def _discard(self) -> None:
        if self._batch is not None:
            _discard(self._database, self._batch)
        self._batch = None


def discard_abandoned(database: Database, older_than: timedelta) -> int:
    """Forget what loads that died have left behind; returns how many there were."""
    with database.read() as connection:
        batches = examples.abandoned(connection, older_than)
    for batch in batches:
        _discard(database, batch)
    return len(batches)


def _discard(database: Database, batch: str) -> None:
    """Forget a batch, some rows at a time, so that others can write in between."""
    forgotten = DISCARD_ROWS
    while forgotten == DISCARD_ROWS:
        with database.write() as connection:
            forgotten = examples.discard_rows(connection, batch, DISCARD_ROWS)
    forgotten = DISCARD_PARTS
    while forgotten == DISCARD_PARTS:
        with database.write() as connection:
            forgotten = uploads.discard_parts(connection, batch, DISCARD_PARTS)
    with database.write() as connection:
        examples.discard(connection, batch)


def _read_part(stream: BinaryIO) -> bytes:
    """The next `PART_BYTES`, or what there is of them at the end: one read may give less."""
    content = bytearray()
    while len(content) < uploads.PART_BYTES and (piece := stream.read(uploads.PART_BYTES - len(content))):
        content += piece
    return bytes(content)


def _as_example(task: Task, value: Input, target: Target, line: int | None = None) -> Example:
    """What the store is given: a text, or a sound file's bytes with their reference."""
    _refuse_unstorable(target)
    task.check_example(value)
    return Example(reference(value), target, line, None if isinstance(value, str) else value)


def _refuse_unstorable(target: Target) -> None:
    """No store holds a NUL or half of a surrogate pair."""
    for label in (target,) if isinstance(target, str) else target:
        if not label.isprintable() and ("\0" in label or any("\ud800" <= letter <= "\udfff" for letter in label)):
            raise InvalidInput(f"the label {label!r} has a character that cannot be stored")
