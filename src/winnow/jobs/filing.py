"""Jobs of the kind `file`: every row of a file, answered into another file.

A chunk's answers, its part of the result and how far the job is are committed together. So after a crash the next
worker goes on behind the last chunk, and a worker that lost its lease leaves nothing behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import PurePosixPath
from tempfile import TemporaryFile
from typing import BinaryIO, TypedDict, cast

from winnow.domain import History, Status
from winnow.errors import StoreFailed
from winnow.jobs.worker import Done, LeaseLost
from winnow.serving.answer_sheet import AnswerSheet
from winnow.serving.file_answers import Chunk, FileAnswers
from winnow.serving.service import Caller, Options, Service
from winnow.settings import Settings
from winnow.store import Database, job_files, jobs, predictions
from winnow.store.jobs import Ending, Lease


class FileProgress(TypedDict):
    """How far a file is: its rows, those of them with an error, the share that was read, and parts of the result.

    All of it is answered by the `version` that was champion, or was asked for, when the work began.
    """

    rows: int
    failed: int
    done: float
    parts: int
    version: int


@dataclass(frozen=True, slots=True)
class Filing:
    """Answers one file at a time, in chunks and bounded memory."""

    database: Database
    service: Callable[[str], Service]
    settings: Settings
    resumes: bool = True

    def at_once(self, _leases: Sequence[Lease]) -> int:
        """One."""
        return 1

    async def do(self, leases: Sequence[Lease]) -> Done:
        """Answer the rows that are not answered yet. `FileRefused` where the file cannot be read."""
        (lease,) = leases
        with TemporaryFile() as stream:
            await asyncio.to_thread(self._fetch, lease.id, stream)
            answers, begun = await self._begin(lease, stream)
            ended = await self._answer(lease, answers, begun)
        facts = {
            "name": _result_name(lease.payload["name"], answers.sheet),
            "media_type": answers.sheet.media_type,
            "rows": ended["rows"],
            "failed": ended["failed"],
        }
        return Done([Ending(lease, Status.FINISHED, result=facts)])

    def _fetch(self, ticket: str, stream: BinaryIO) -> None:
        """Bring the file here: it has to be read more than once."""
        try:
            stream.writelines(job_files.parts(self.database, ticket, "input"))
        except OSError as error:
            raise StoreFailed(f"the file finds no room beside this process: {error.strerror or error}") from error

    async def _begin(self, lease: Lease, stream: BinaryIO) -> tuple[FileAnswers, FileProgress]:
        """Open the file where the last worker left it; the first one settles who answers, and writes the head."""
        service = self.service(lease.service)
        told = cast("FileProgress | None", lease.progress)
        asked = Options(told["version"] if told is not None else lease.payload["version"], lease.payload["top_k"])
        loaded = await service.chosen(asked)
        answers = await asyncio.to_thread(FileAnswers, service, loaded, stream, lease.payload["format"], asked)
        if told is not None:
            return answers, told
        begun = FileProgress(rows=0, failed=0, done=0.0, parts=0, version=loaded.version)
        return answers, await asyncio.to_thread(self._save, lease, answers.sheet.head(), Chunk((), 0.0), begun)

    async def _answer(self, lease: Lease, answers: FileAnswers, told: FileProgress) -> FileProgress:
        """Answer chunk after chunk; each is saved while the next is answered."""
        caller = Caller(lease.request_id, lease.client, ticket=lease.id)
        saving: asyncio.Future[FileProgress] = asyncio.get_running_loop().create_future()
        saving.set_result(told)
        try:
            async with aclosing(answers.chunks(caller, skip=told["rows"])) as chunks:
                async for chunk in chunks:
                    told = await asyncio.shield(saving)
                    worded = asyncio.to_thread(self._word_and_save, lease, answers.sheet, chunk, told)
                    saving = asyncio.ensure_future(worded)
            return await asyncio.shield(saving)
        finally:
            await asyncio.wait([saving])  # what is on its way to the store is not left alone

    def _word_and_save(self, lease: Lease, sheet: AnswerSheet, chunk: Chunk, told: FileProgress) -> FileProgress:
        return self._save(lease, sheet.body(chunk.answered), chunk, told)

    def _save(self, lease: Lease, part: bytes, chunk: Chunk, told: FileProgress) -> FileProgress:
        """Commit a part of the result with its predictions, or nothing where the lease is lost."""
        now_told = FileProgress(
            rows=told["rows"] + len(chunk.answered),
            failed=told["failed"] + chunk.failed,
            done=chunk.done,
            parts=told["parts"] + 1,
            version=told["version"],
        )
        kept = [] if self.settings.history is History.OFF else chunk.predictions
        with self.database.write() as connection:
            if not jobs.tell(connection, lease, now_told):
                raise LeaseLost
            job_files.add_part(connection, lease.id, "result", told["parts"], part)
            if kept:
                predictions.append(connection, kept)
        return now_told


def _result_name(name: str, sheet: AnswerSheet) -> str:
    """`reviews.tsv` → `reviews-answers.tsv`, `photos.zip` → `photos-answers.csv`."""
    path = PurePosixPath(name)
    suffix = ".csv" if path.suffix.lower() == ".zip" else path.suffix
    return f"{path.stem}-answers{suffix or '.' + sheet.format}"
