"""Every error that Winnow raises on purpose, in one tree.

    WinnowError
    ├── ProjectError        winnow.toml, or a setting, cannot be used as written
    ├── MissingExtra        an optional package is needed and not installed
    ├── InvalidInput        a request, or one row of it, cannot be answered as sent
    │   ├── RowRefused      one row of a file, with its line
    │   └── TooLarge        a request has more bytes than the process reads
    ├── FileRefused         a file of examples was refused as a whole; carries its report
    ├── Unauthenticated     nobody knows who the caller is: no credentials, or wrong ones
    ├── Forbidden           the caller may not do this: their role is too low, or they come from another site
    ├── NotFound            there is no such service, version, run, job or prediction
    │   └── Expired         a job's result was kept for its time, and is gone
    ├── Conflict            the state of things forbids it: already training, nothing to roll back to
    │   ├── GateRefused     a version does not meet its gates; says which and by how much
    │   ├── NotFinished     a job has no result yet, or was cancelled
    │   └── JobFailed       a job has no result because it failed; carries its error
    ├── TrainingFailed      a run, or one candidate of it, could not learn from its examples
    │   └── Cancelled       a person asked for the run to stop
    ├── BundleRefused       a model's files are damaged, tampered with or of another version
    ├── ModelFailed         the model broke on this input; its neighbours were answered
    ├── NotReady            the service has no champion to answer with yet
    ├── Overloaded          refused before any work; says when to come back
    ├── DeadlineExceeded    the caller's time is up
    ├── StoreFailed         the database or the disk did not do what it must
    ├── ConnectionFailed    the client had no answer: nobody listens, or the connection broke or took too long
    └── UnexpectedAnswer    the client had an answer that is not Winnow's, or Winnow failed inside

Each says what was wrong, where, and what would be right, in `str(error)`. HTTP status codes are given to them in
`api/problems.py` and exit codes in `cli/`, nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any


class WinnowError(Exception):
    """The root: `except WinnowError` catches all that Winnow raises on purpose."""

    request_id: str | None = None
    """Id of the request that it answered, for the server's log; set where it came over the API."""

    @classmethod
    def kind(cls) -> str:
        """Its name where names are text: `not-found` for `NotFound`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()

    def details(self) -> Mapping[str, Any]:
        """Facts beside the sentence that a program may want; JSON-ready."""
        return {}

    def to_json(self) -> dict[str, Any]:
        """The error where it must be kept: its kind, its sentence and its facts."""
        return {"kind": self.kind(), "detail": str(self), **self.details()}


class ProjectError(WinnowError):
    """winnow.toml or a setting cannot be used as written: names the place, the key and the remedy."""


class MissingExtra(WinnowError):
    """An optional package is missing: names the feature and the `pip install` that brings it."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f'{feature} needs packages that are not installed: pip install "winnow[{extra}]"')


class InvalidInput(WinnowError):
    """A request, or one row of it, cannot be answered as it was sent."""


class RowRefused(InvalidInput):
    """One row of a file was refused. `line` counts from 1, as an editor does.

    Of a folder or a ZIP, a row is one file: `line` says which in order, and `file` its name.
    """

    def __init__(self, line: int, reason: str, file: str | None = None) -> None:
        super().__init__(f"line {line}: {reason}" if file is None else f"{file}: {reason}")
        self.line = line
        self.reason = reason
        self.file = file


class TooLarge(InvalidInput):
    """A request has more bytes than the process reads."""


class FileRefused(WinnowError):
    """A file was refused as a whole and nothing of it was kept. `report` says why, row by row."""

    def __init__(self, message: str, report: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.report = report

    def details(self) -> Mapping[str, Any]:
        """The report, where reading got far enough to have one."""
        return {} if self.report is None else {"report": self.report}


class Unauthenticated(WinnowError):
    """Nobody knows who the caller is: there are no credentials, or wrong ones, or they are void by now."""


class Forbidden(WinnowError):
    """The caller may not do this: their role is too low, or they come from another site."""


class NotFound(WinnowError):
    """There is no such thing: names what was asked for and, where one is close, what exists."""


class Expired(NotFound):
    """A job's result was kept for its time, and is gone."""


class Conflict(WinnowError):
    """The present state forbids it: another run is under way, or there is nothing to roll back to."""


class GateRefused(Conflict):
    """A version does not meet its gates. `failures` says which and by how much."""

    def __init__(self, message: str, failures: Iterable[Mapping[str, Any]]) -> None:
        super().__init__(message)
        self.failures = list(failures)

    def details(self) -> Mapping[str, Any]:
        """The failed gates."""
        return {"failures": self.failures}


class NotFinished(Conflict):
    """A job has no result: it waits, is being worked on, or was cancelled."""


class JobFailed(Conflict):
    """A job has no result because it failed. `error` is why: `kind`, `detail` and perhaps more."""

    def __init__(self, message: str, error: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.error = error

    def details(self) -> Mapping[str, Any]:
        """The job's own error."""
        return {"job_error": self.error}


class TrainingFailed(WinnowError):
    """A run, or one candidate of it, could not learn from its examples."""


class Cancelled(TrainingFailed):
    """A person asked for the run to stop."""


class BundleRefused(WinnowError):
    """A model's files are damaged, tampered with, or of a version that this Winnow cannot read."""


class ModelFailed(WinnowError):
    """The model broke on this input. The fault is the model's, not the caller's; the log has its traceback."""


class NotReady(WinnowError):
    """The service has no champion to answer with yet."""


class Overloaded(WinnowError):
    """Refused before any work was done. `retry_after` is in seconds."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    def details(self) -> Mapping[str, Any]:
        """When to come back, in seconds."""
        return {"retry_after": self.retry_after}


class DeadlineExceeded(WinnowError):
    """The caller's time is up before the answer was ready."""


class StoreFailed(WinnowError):
    """The database or the disk did not do what it must."""


class ConnectionFailed(WinnowError):
    """The client had no answer. Whether the request was carried out is not known, unless nobody listened."""


class UnexpectedAnswer(WinnowError):
    """The client had an answer that is not Winnow's (a proxy's, say), or Winnow failed inside.

    `status` is the HTTP status that came with it.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def nearest(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the closest known name, or a list of what there is."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f" Did you mean '{close[0]}'?"
    return f" There is: {', '.join(names)}." if names else ""
