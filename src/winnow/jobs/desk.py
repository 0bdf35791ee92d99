"""The desk: where jobs are handed in and asked for. The API, the command line and dialects use it alike.

    desk.put([desk.predict("sentiment", ["Lovely."], several=False, order=order)])

What a job is to do is its payload:

- predict: `inputs`, each what the store has in place of an input or `{"error": ...}` where it could not be read;
  `several`, whether the answer is a list; and `version` and `top_k`, as `Options` has them
- file: `name` and `format` of the file, whose bytes are in `job_files`; `version` and `top_k`
- train: `promote` where the run is told whether to; else nothing
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from types import TracebackType
from typing import Self

from winnow.domain import Job, JobKind, Json, PromoteMode, Status, new_id, now
from winnow.errors import Conflict, Expired, InvalidInput, JobFailed, NotFinished, NotFound, Overloaded, nearest
from winnow.jobs.queue import Queue, lane_of
from winnow.jobs.webhooks import check_webhook
from winnow.lifecycle.trainer import cancel_run
from winnow.serving.reader import Reader
from winnow.serving.rows import file_format
from winnow.serving.service import AS_USUAL, Options
from winnow.settings import Settings
from winnow.store import Database, job_counts, job_files, jobs
from winnow.store.blobs import reference
from winnow.store.jobs import NewJob

PART_BYTES = 1_000_000
MAX_KEY = 200
COUNT_SECONDS = 0.5
"""For how long the number of jobs that wait is taken for what it was."""


@dataclass(frozen=True, slots=True)
class Order:
    """Who hands a job in, and what else they want: the same ticket for the same key, and word of its end."""

    request_id: str
    client: str
    idempotency_key: str | None = None
    webhook: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a job stands in its queue: how many are before it, and in how many seconds it may be its turn.

    Both are None for a job that does not wait; the seconds also where nothing was finished lately.
    """

    position: int | None
    estimated_wait: float | None


class Arriving:
    """The file of a job that is not put yet. As a context it is forgotten again where the block raises."""

    def __init__(self, database: Database, job: NewJob) -> None:
        self._database = database
        self._job = job
        self._seen = hashlib.blake2b(job.digest.encode(), digest_size=16)
        self._parts = 0

    def add(self, part: bytes) -> None:
        """Store a part, of about `PART_BYTES`."""
        self._seen.update(part)
        with self._database.write() as connection:
            job_files.add_part(connection, self._job.id, "input", self._parts, part)
        self._parts += 1

    def job(self) -> NewJob:
        """The job, once every part is there."""
        return replace(self._job, digest=self._seen.hexdigest())

    def discard(self) -> None:
        """Forget the parts."""
        with self._database.write() as connection:
            job_files.discard(connection, self._job.id)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.discard()


class Desk:
    """Methods block for as long as the store takes, and may be called from any thread."""

    def __init__(self, database: Database, queue: Queue, readers: Mapping[str, Reader], settings: Settings) -> None:
        self._database = database
        self._queue = queue
        self._readers = readers
        self._settings = settings
        self._waiting = 0
        self._count_again_at = 0.0

    # Handing in

    def predict(
        self, service: str, values: Sequence[object], *, several: bool, order: Order, options: Options = AS_USUAL
    ) -> NewJob:
        """A job that answers inputs. `InvalidInput` where the only one cannot be read; of several, the row's."""
        read = self._reader(service).read_all(values)
        if not several and isinstance(read[0], InvalidInput):
            raise read[0]
        inputs = [{"error": row.to_json()} if isinstance(row, InvalidInput) else reference(row) for row in read]
        payload = {"inputs": inputs, "several": several, **asdict(options)}
        return self._job(service, JobKind.PREDICT, payload, order, [row for row in read if isinstance(row, bytes)])

    def file(
        self, service: str, name: str, parts: Iterable[bytes], *, order: Order, options: Options = AS_USUAL
    ) -> NewJob:
        """A job that answers every row of a file. Its bytes are stored now, and belong to it once it is put.

        `FileRefused` where its name says no format that is read here.
        """
        with self.receive(service, name, order=order, options=options) as arriving:
            for part in parts:
                arriving.add(part)
            return arriving.job()

    def receive(self, service: str, name: str, *, order: Order, options: Options = AS_USUAL) -> Arriving:
        """As `file`, for bytes that come in by and by: what is returned takes them, part by part."""
        kind = file_format(name, files=self._reader(service).files)
        payload = {"name": name, "format": kind, **asdict(options)}
        return Arriving(self._database, self._job(service, JobKind.FILE, payload, order))

    def train(self, service: str, *, order: Order, promote: PromoteMode | None = None) -> NewJob:
        """A job that trains a service. `promote` is for its run; winnow.toml says otherwise."""
        self._reader(service)
        return self._job(service, JobKind.TRAIN, {} if promote is None else {"promote": promote}, order)

    def put(self, given: Sequence[NewJob]) -> list[Job | Conflict]:
        """Queue jobs, and return once they are committed. `Overloaded` where too many wait already."""
        self.check_room()
        put = self._queue.put(given)
        self._waiting += len(given)
        for job, kept in zip(given, put, strict=True):
            if job.kind is JobKind.FILE and (isinstance(kept, Conflict) or kept.id != job.id):
                with self._database.write() as connection:  # its key was used: the file is there already
                    job_files.discard(connection, job.id)
        return put

    def check_room(self) -> None:
        """`Overloaded` where too many jobs wait already. Call it before reading much."""
        if (
            time.monotonic() >= self._count_again_at
        ):  # to count thousands for each of them would cost more than they do
            with self._database.read() as connection:
                self._waiting = job_counts.queued(connection)
            self._count_again_at = time.monotonic() + COUNT_SECONDS
        if self._waiting >= self._settings.max_queued:
            raise Overloaded(f"{self._waiting:,} jobs wait already: come back when some are done", retry_after=30.0)

    # Asking

    def job(self, ticket: str) -> Job:
        """One job as it stands; `NotFound` for an unknown ticket."""
        with self._database.read() as connection:
            return jobs.get(connection, ticket)

    def jobs(
        self,
        limit: int,
        *,
        service: str | None = None,
        status: Status | None = None,
        kind: JobKind | None = None,
        before: str | None = None,
    ) -> list[Job]:
        """The newest jobs first."""
        if service is not None:
            self._reader(service)
        with self._database.read() as connection:
            return jobs.newest(connection, limit, service=service, status=status, kind=kind, before=before)

    def standing(self, job: Job) -> Standing:
        """Where a job stands in its queue."""
        if job.status is not Status.QUEUED:
            return Standing(None, None)
        position = self._queue.position(job)
        with self._database.read() as connection:
            pace = job_counts.pace(connection, lane_of(job.kind))
        return Standing(position, None if pace is None else position / pace)

    def result(self, ticket: str) -> Json:
        """What a finished job found. `NotFinished`, `JobFailed` or `Expired` where there is no result."""
        job = self.job(ticket)
        match job.status:
            case Status.FINISHED:
                with self._database.read() as connection:
                    found = jobs.result(connection, ticket)
                if found is None or (job.expires_at is not None and job.expires_at < now()):
                    raise Expired(f"the result of job '{ticket}' was kept until {job.expires_at}, and is gone")
                return found
            case Status.FAILED:
                error = job.error or {}
                raise JobFailed(f"job '{ticket}' failed: {error.get('detail', 'nobody knows why')}", error)
            case Status.CANCELLED:
                raise NotFinished(f"job '{ticket}' was cancelled: it has no result")
            case _:
                raise NotFinished(f"job '{ticket}' is {job.status}: its result is not there yet")

    def result_file(self, ticket: str) -> tuple[Json, Iterator[bytes]]:
        """The result of a file job: its facts (`name`, `media_type`, `rows`, `failed`), and its bytes in parts."""
        facts = self.result(ticket)
        return facts, job_files.parts(self._database, ticket, "result")

    def result_size(self, ticket: str) -> int:
        """Bytes of the result of a file job."""
        with self._database.read() as connection:
            return job_files.size(connection, ticket, "result")

    def cancel(self, ticket: str) -> Job:
        """End a job that has not ended, and the run that it may have started; `Conflict` where it has."""
        job = self._queue.cancel(ticket)
        if job.kind is JobKind.TRAIN and job.progress is not None and "run" in job.progress:
            with suppress(Conflict, NotFound):  # the run has ended by itself
                cancel_run(self._database, job.service, str(job.progress["run"]))
        return job

    def _reader(self, service: str) -> Reader:
        try:
            return self._readers[service]
        except KeyError:
            raise NotFound(f"there is no service '{service}'.{nearest(service, self._readers)}") from None

    def _job(self, service: str, kind: JobKind, payload: Json, order: Order, blobs: Sequence[bytes] = ()) -> NewJob:
        if order.idempotency_key is not None and not 0 < len(order.idempotency_key) <= MAX_KEY:
            raise InvalidInput(f"an idempotency key has 1 to {MAX_KEY} characters")
        if order.webhook is not None:
            check_webhook(order.webhook, self._settings)
        asked = json.dumps([kind, payload, order.webhook], sort_keys=True)
        return NewJob(
            id=new_id(),
            service=service,
            kind=kind,
            payload=payload,
            digest=hashlib.blake2b(asked.encode(), digest_size=16).hexdigest(),
            request_id=order.request_id,
            client=order.client,
            created_at=now(),
            idempotency_key=order.idempotency_key,
            webhook=order.webhook,
            blobs=blobs,
        )
