"""What the `winnow` command exits with. The one place where errors get their code.

| code | meaning |
|---|---|
| 0 | done |
| 1 | refused: by the data, by a gate, by a check of `winnow doctor`, or for want of permission |
| 2 | the command line, winnow.toml or a setting cannot be used as written |
| 3 | there is no such service, version, run, job or prediction; or a result is no longer kept |
| 4 | the present state forbids it |
| 5 | the database, the disk or a model's files failed |
| 6 | the training, the model or a job failed |
| 7 | not now: no champion or no result yet, nobody listens, too busy, or too late |
| 70 | a bug in Winnow |
| 130 | interrupted, or cancelled by a person |
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType

from winnow import errors


class ExitCode(IntEnum):
    """The codes, by name."""

    DONE = 0
    REFUSED = 1
    UNUSABLE = 2
    NOT_FOUND = 3
    CONFLICT = 4
    STORE_FAILED = 5
    TRAINING_FAILED = 6
    NOT_NOW = 7
    BUG = 70
    INTERRUPTED = 130


_OF_ERROR: Mapping[type[BaseException], ExitCode] = MappingProxyType(
    {
        errors.ProjectError: ExitCode.UNUSABLE,
        errors.MissingExtra: ExitCode.UNUSABLE,
        errors.InvalidInput: ExitCode.REFUSED,
        errors.FileRefused: ExitCode.REFUSED,
        errors.Unauthenticated: ExitCode.REFUSED,
        errors.Forbidden: ExitCode.REFUSED,
        errors.NotFound: ExitCode.NOT_FOUND,
        errors.Conflict: ExitCode.CONFLICT,
        errors.GateRefused: ExitCode.REFUSED,
        errors.NotFinished: ExitCode.NOT_NOW,
        errors.JobFailed: ExitCode.TRAINING_FAILED,
        errors.TrainingFailed: ExitCode.TRAINING_FAILED,
        errors.Cancelled: ExitCode.INTERRUPTED,
        errors.BundleRefused: ExitCode.STORE_FAILED,
        errors.ModelFailed: ExitCode.TRAINING_FAILED,
        errors.NotReady: ExitCode.NOT_NOW,
        errors.Overloaded: ExitCode.NOT_NOW,
        errors.DeadlineExceeded: ExitCode.NOT_NOW,
        errors.StoreFailed: ExitCode.STORE_FAILED,
        errors.ConnectionFailed: ExitCode.NOT_NOW,
        OSError: ExitCode.STORE_FAILED,
        KeyboardInterrupt: ExitCode.INTERRUPTED,
        BaseException: ExitCode.BUG,
    }
)


def exit_code_of(error: BaseException) -> ExitCode:
    """Return the code of an error, by its own kind or the nearest one above it in the tree."""
    return next(_OF_ERROR[kind] for kind in type(error).__mro__ if kind in _OF_ERROR)
