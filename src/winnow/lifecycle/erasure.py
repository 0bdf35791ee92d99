"""Erases a person's text wherever it is kept: jobs, history, feedback, examples, kept files, bundles.

    erased = Eraser(database, models, Asked("Jane Doe", contains=True), columns).run()

Each step is a few short transactions, in which others may write in between, and each may be repeated: an erasure
that was killed is finished by running it again. What stays is in docs/how-to/erase-a-person.md.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast

from winnow.errors import Conflict
from winnow.lifecycle.erased_bundles import Bundles
from winnow.lifecycle.erasing import Asked, Range, TableSearch
from winnow.store import Database, erasures, job_files, runs, uploads
from winnow.store.schema import examples, predictions
from winnow.store.uploads import PART_BYTES, StoredUpload, Upload

__all__ = ["Asked", "Erased", "Eraser"]

_DISCARDED_PARTS = 20
_IN_MEMORY = 16_000_000  # bytes of a job's file, before it goes to a file without a name


@dataclass(frozen=True, slots=True)
class Erased:
    """How much was erased, or would be. `versions` are those whose bundle held it."""

    examples: int
    predictions: int
    feedback: int
    jobs: int
    uploads: int
    versions: tuple[int, ...]


class Eraser:
    """One erasure. `columns` has each service's column of inputs, as winnow.toml names it."""

    def __init__(self, database: Database, models: Path, asked: Asked, columns: Mapping[str, str]) -> None:
        self._database = database
        self._asked = asked
        self._columns = columns
        self._bundles = Bundles(database, models, asked)

    def run(self, *, dry_run: bool = False) -> Erased:
        """Erase, or only count; `Conflict` where a run is under way, which may keep what it has read already.

        Jobs come first, so that no worker makes new predictions of what is being erased.
        """
        if not dry_run:
            self._refuse_while_training()
        jobs = self._jobs(dry_run=dry_run)
        gone, spoken = self._predictions(dry_run=dry_run)
        kept, more_spoken = self._examples(dry_run=dry_run)
        files = self._uploads(dry_run=dry_run)
        if dry_run:
            changed = self._bundles.affected()
        else:
            self._refuse_while_training()  # one may have begun before the examples were gone
            changed = self._bundles.erase()
            self._database.overwrite()
        numbers = tuple(version.number for version in changed)
        return Erased(kept, gone, spoken + more_spoken, jobs, files, numbers)

    def _refuse_while_training(self) -> None:
        with self._database.read() as connection:
            training = runs.active_services(connection)
        if self._asked.service is not None:
            training &= {self._asked.service}
        if training:
            raise Conflict(
                f"service '{min(training)}' is being trained, and what it learns from may hold the text: cancel "
                "the run, or wait for its end, and erase again"
            )

    # The database

    def _predictions(self, *, dry_run: bool) -> tuple[int, int]:
        found = self._found(predictions)
        if dry_run:
            return erasures.in_batches(found, self._count_predictions)
        return erasures.in_batches(found, self._forget_predictions)

    def _count_predictions(self, ids: list[str]) -> tuple[int, int]:
        with self._database.read() as connection:
            return len(ids), erasures.feedback_on(connection, ids)

    def _forget_predictions(self, ids: list[str]) -> tuple[int, int]:
        with self._database.write() as connection:
            return erasures.forget_predictions(connection, ids)

    def _examples(self, *, dry_run: bool) -> tuple[int, int]:
        """Their feedback is that on predictions of the same text, which is counted there unless it came since."""
        found = self._found(examples)
        return (len(found), 0) if dry_run else erasures.in_batches(found, self._forget_examples)

    def _forget_examples(self, ids: list[str]) -> tuple[int, int]:
        with self._database.write() as connection:
            self._database.lock(connection, "batches")
            return erasures.forget_examples(connection, ids)

    def _found(self, table: Any) -> list[str]:
        pages = erasures.inputs(self._database, table, self._asked.service, self._asked.exact)
        return [row_id for page in pages for row_id, value in page if self._asked.found_in(value)]

    # Jobs

    def _jobs(self, *, dry_run: bool) -> int:
        count = 0
        for page in erasures.pending_jobs(self._database, self._asked.service):
            for job in page:
                said = any(map(self._said, (job["error"], job["result"])))
                if not (said or self._asks_about_it(job)):
                    continue
                count += 1
                if not dry_run:
                    with self._database.write() as connection:
                        erasures.forget_job(connection, job["id"], said=said)
        return count

    def _asks_about_it(self, job: Mapping[Any, Any]) -> bool:
        if job["kind"] != "file":
            return any(map(self._asked.found_in, erasures.texts_of(job)))
        with SpooledTemporaryFile(_IN_MEMORY) as file:
            file.writelines(job_files.parts(self._database, job["id"], "input"))
            return self._search(job["service"]).places(cast("BinaryIO", file), job["payload"]["name"]) != []

    def _said(self, error: object) -> bool:
        """Whether the sentence of an error, which may stand within a result, quotes the text."""
        if isinstance(error, list):
            return any(map(self._said, error))
        if not isinstance(error, dict):
            return False
        detail = error.get("detail")
        quoted = isinstance(detail, str) and len(self._asked.text) >= 3 and self._asked.within(detail)
        return quoted or any(map(self._said, error.values()))

    # Kept files

    def _uploads(self, *, dry_run: bool) -> int:
        if not dry_run:
            self._finish_erased()
        with self._database.read() as connection:
            kept = uploads.some(connection, self._asked.service)
        return sum(self._erase_from(upload, dry_run=dry_run) for upload in kept)

    def _erase_from(self, upload: Upload, *, dry_run: bool) -> bool:
        """Blank the rows of a kept file that hold the text; the file goes whole where that cannot be done."""
        search = self._search(upload.service)
        stream = cast("BinaryIO", io.BufferedReader(StoredUpload(self._database, upload)))
        places = search.places(stream, upload.name)
        if places == []:
            return False
        if dry_run:
            return True
        if places is None:
            with self._database.write() as connection:
                uploads.erase(connection, upload.batch_id)
            self._finish_erased()
        else:
            self._blank(upload, places, search.unit(stream))
        return True

    def _blank(self, upload: Upload, places: list[Range], unit: bytes) -> None:
        """Put blanks in place of those bytes, part by part: the lines keep their numbers, the file its size."""
        by_part: dict[int, list[Range]] = {}
        for start, end in places:
            for number in range(start // PART_BYTES, max(start, end - 1) // PART_BYTES + 1):
                offset = number * PART_BYTES
                within = max(start - offset, 0), min(end - offset, PART_BYTES)
                by_part.setdefault(number, []).append(within)
        for number, ranges in by_part.items():
            with self._database.write() as connection:
                content = bytearray(uploads.part(connection, upload.batch_id, number) or b"")
                for start, end in ranges:
                    held = min(end, len(content)) - start
                    content[start : start + held] = (unit * held)[:held]
                uploads.replace_part(connection, upload.batch_id, number, bytes(content))

    def _finish_erased(self) -> None:
        """Forget the bytes of files that were let go, also by an erasure that died."""
        with self._database.read() as connection:
            left = uploads.of_erased(connection)
        for batch in left:
            forgotten = _DISCARDED_PARTS
            while forgotten == _DISCARDED_PARTS:
                with self._database.write() as connection:
                    forgotten = uploads.discard_parts(connection, batch, _DISCARDED_PARTS)

    def _search(self, service: str) -> TableSearch:
        return TableSearch(self._asked, self._columns.get(service))
