"""The client's methods for jobs: hand in, wait, follow, and fetch what was found."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, Unpack, cast

from winnow.client import answers
from winnow.client.paths import job_path, service_path
from winnow.client.transport import Transport
from winnow.client.values import Value, asking, in_words
from winnow.domain import JobKind, PromoteMode, Status, new_id
from winnow.errors import Cancelled, ConnectionFailed, DeadlineExceeded, InvalidInput, JobFailed

OnJobProgress = Callable[[answers.Job], None]
"""Told of a job each time that it has got further."""

Result = answers.Prediction | list[answers.Prediction | answers.RowError] | answers.TrainingResult
"""What a job found: of one input, of several, of training."""

_WAIT_SECONDS = 20.0
_PROGRESS_SECONDS = 1.0
"""How long the service is asked to wait for the end of a job: at most, and where progress is to be told."""
_PAUSE_SECONDS = 0.1
_OF_PREDICTIONS = cast(
    "type[answers.Prediction | answers.PredictionsPage]", answers.Prediction | answers.PredictionsPage
)


class JobFilters(TypedDict, total=False):
    """Which jobs to show."""

    service: str
    status: Status
    kind: JobKind


class Submission(TypedDict, total=False):
    """How to hand a job in.

    `version` and `top_k` are as in `Client.predict`. `webhook` is an address that is told of the end. The same
    `idempotency_key` gives the same ticket; without one, each call makes its own, so that a request that is sent
    again makes no second job.
    """

    version: int | str | None
    top_k: int | None
    webhook: str | None
    idempotency_key: str | None


class JobMethods:
    """What `Client` does with jobs. Wherever a job is asked for, its ticket will do."""

    _api: Transport

    def submit(self, service: str, value: Value, **how: Unpack[Submission]) -> answers.Job:
        """Hand in one input to be answered later. What was accepted is not lost; `result` has the answer."""
        return self._submit(service, "input", value, how)

    def submit_many(self, service: str, values: Sequence[Value], **how: Unpack[Submission]) -> answers.Job:
        """Hand in several inputs as one job, of which each is answered or refused by itself."""
        return self._submit(service, "inputs", values, how)

    def submit_file(
        self, service: str, path: Path | str, *, timeout: float = 600.0, **how: Unpack[Submission]
    ) -> answers.Job:
        """Hand in a CSV or JSONL file, or a ZIP of images, of which every row is answered; see `download`.

        `timeout` is in seconds, for the sending and the reading each.
        """
        source, query = Path(path), dict(how)
        key = query.pop("idempotency_key", None) or new_id()
        target = service_path(service, "files")
        with source.open("rb") as stream:
            return self._api.upload(
                answers.Job, target, source.name, stream, query=query, timeout=timeout, key=str(key)
            )

    def submit_training(
        self,
        service: str,
        *,
        promote: PromoteMode | None = None,
        webhook: str | None = None,
        idempotency_key: str | None = None,
    ) -> answers.Job:
        """Hand in the training of a service; it waits until those before it have ended.

        `promote` is as in `Client.train`.
        """
        wishes = {"promote": promote, "webhook": webhook}
        body = {"kind": "train"} | {key: wish for key, wish in wishes.items() if wish is not None}
        return self._api.post(answers.Job, service_path(service, "jobs"), body, key=idempotency_key or new_id())

    def job(self, ticket: str) -> answers.Job:
        """One job, as it stands."""
        return self._api.get(answers.Job, job_path(ticket))

    def jobs(self, n: int = 100, *, before: str | None = None, **filters: Unpack[JobFilters]) -> list[answers.Job]:
        """The newest `n` jobs (at most 1,000) first; `before` is the last ticket of the page before."""
        return list(self._api.get(answers.JobsPage, "/jobs", n=n, before=before, **in_words(filters)).jobs)

    def iterate_jobs(self, *, page: int = 500, **filters: Unpack[JobFilters]) -> Iterator[answers.Job]:
        """Every job, newest first, fetched `page` by page as it is needed."""
        before: str | None = None
        while found := self.jobs(page, before=before, **filters):
            yield from found
            before = found[-1].id

    def wait_for(
        self,
        job: answers.Job | str,
        *,
        timeout: float | None = None,
        on_progress: OnJobProgress | None = None,
    ) -> answers.Job:
        """Wait until a job is finished, and return it.

        `JobFailed` where it failed, `Cancelled` where it was cancelled, `DeadlineExceeded` where it has not ended
        after `timeout` seconds; the job goes on then.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        longest = _WAIT_SECONDS if on_progress is None else _PROGRESS_SECONDS
        told: Mapping[str, Any] | None = None
        while True:
            left = longest if deadline is None else max(0.0, min(longest, deadline - time.monotonic()))
            asked = time.monotonic()
            current = self._api.get_slowly(answers.Job, job_path(_ticket(job)), left, wait=left)
            if on_progress is not None and current.progress != told:
                told = current.progress
                on_progress(current)
            if current.status.final:
                return _finished(current)
            if deadline is not None and time.monotonic() >= deadline:
                raise DeadlineExceeded(f"job '{current.id}' is {current.status} after {timeout:g} s")
            if time.monotonic() - asked < left:  # a service that is stopping lets nobody wait
                time.sleep(_PAUSE_SECONDS)

    def follow(self, job: answers.Job | str) -> Iterator[answers.Job]:
        """A job as it stands, then at each change, until it has ended; the last one is how.

        A stream that breaks off is opened again; `ConnectionFailed` where that is in vain.
        """
        told: answers.Job | None = None
        while True:
            heard = False
            try:
                for current in self._api.events(answers.Job, job_path(_ticket(job), "events")):
                    heard = True
                    if current != told:
                        yield current
                        told = current
                    if current.status.final:
                        return
            except ConnectionFailed:
                if not heard:
                    raise
            time.sleep(_PAUSE_SECONDS)

    def result(self, job: answers.Job | str) -> Result:
        """What a finished job found: a prediction, or a list of them with a `RowError` for what was refused.

        `NotFinished` where it has not ended or was cancelled, `JobFailed` where it failed, `Expired` where the
        result was kept for its time. The result of a file is there to `download`.
        """
        known = self.job(job) if isinstance(job, str) else job
        path = job_path(known.id, "result")
        match known.kind:
            case JobKind.FILE:
                raise InvalidInput(f"job '{known.id}' has a file as its result: download it")
            case JobKind.TRAIN:
                return self._api.get(answers.TrainingResult, path)
            case _:
                found = self._api.get(_OF_PREDICTIONS, path)
                return list(found.predictions) if isinstance(found, answers.PredictionsPage) else found

    def download(self, job: answers.Job | str, path: Path | str, *, timeout: float = 600.0) -> Path:
        """Save the result of a file job, whole or not at all, and return where. Errors are those of `result`."""
        target = Path(path)
        unfinished = target.with_name(f".{target.name}.{new_id()}")
        try:
            with unfinished.open("xb") as stream:
                self._api.download(job_path(_ticket(job), "result"), stream, timeout=timeout)
            return unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)

    def cancel_job(self, job: answers.Job | str) -> answers.Job:
        """Cancel a job that has not ended; `Conflict` where it has. Nothing that is done for it is kept."""
        return self._api.delete(answers.Job, job_path(_ticket(job)))

    def _submit(self, service: str, key: str, value: Any, how: Submission) -> answers.Job:
        body = asking(key, value, how.get("version"), how.get("top_k"), webhook=how.get("webhook"))
        idempotency_key = how.get("idempotency_key") or new_id()
        return self._api.post(answers.Job, service_path(service, "jobs"), body, key=idempotency_key)


def _ticket(job: answers.Job | str) -> str:
    return job if isinstance(job, str) else job.id


def _finished(job: answers.Job) -> answers.Job:
    error = job.error or {}
    match job.status:
        case Status.FAILED:
            raise JobFailed(f"job '{job.id}' failed: {error.get('detail', 'nobody knows why')}", error)
        case Status.CANCELLED:
            raise Cancelled(f"job '{job.id}' was cancelled")
        case _:
            return job
