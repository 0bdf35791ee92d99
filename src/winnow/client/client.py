"""The client: one method for each thing that the API does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, Unpack

from winnow.client import answers
from winnow.client.accounts import AccountMethods
from winnow.client.alerts import AlertMethods
from winnow.client.credentials import authorization
from winnow.client.data import DataMethods
from winnow.client.images import ImageMethods
from winnow.client.jobs import JobMethods
from winnow.client.live import LiveMethods
from winnow.client.paths import quoted, service_path
from winnow.client.transport import Transport
from winnow.client.values import HistoryFilters, Value, asking, in_words
from winnow.domain import PromoteMode, Status, Target
from winnow.errors import Cancelled, DeadlineExceeded, TrainingFailed

OnProgress = Callable[[answers.Run], None]
"""Told of a run each time that it has got further."""

_POLL_SECONDS = (0.1, 1.0)  # at first, for quick runs, and at most


class Client(AccountMethods, AlertMethods, DataMethods, ImageMethods, LiveMethods, JobMethods):
    """Talks to a running Winnow. Use it as a context, or `close` it; threads may share it.

    It signs in with a `token` (a session is one too), or with an `account`: a name and its password. Without
    either, the environment variable WINNOW_TOKEN counts; `token=""` signs in with nothing.

    `timeout` is in seconds, for each request. A request that the service refused before any work is sent again when
    the service says to, at most `retries` times. Errors are those of `winnow.errors`, as the service raised them,
    with `request_id`; `ConnectionFailed` where nobody answered, `UnexpectedAnswer` where that was not Winnow.

    A front end says with `on_behalf_of` which address its own caller has; the service believes that of programs on
    its own machine.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        token: str | None = None,
        account: tuple[str, str] | None = None,
        timeout: float = 30.0,
        retries: int = 2,
        on_behalf_of: str | None = None,
    ) -> None:
        self._api = Transport(url, timeout, retries, authorization(token, account), on_behalf_of)

    def close(self) -> None:
        """Close every connection."""
        self._api.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Services and predictions

    def services(self) -> answers.ServicesPage:
        """All services of the project."""
        return self._api.get(answers.ServicesPage, "/services")

    def service(self, service: str) -> answers.Service:
        """One service: its task, labels, champion, gates and state; `NotFound` names what is close."""
        return self._api.get(answers.Service, service_path(service))

    def predict(
        self, service: str, value: Value, *, version: int | str | None = None, top_k: int | None = None
    ) -> answers.Prediction:
        """Put one input to a service. `InvalidInput` where it cannot be answered, `NotReady` where nobody can.

        A file is given by its bytes or its path. `version` is a number, or a candidate's name for its newest
        version; the champion answers otherwise. `top_k` is how many of the most probable labels are wanted.
        """
        body = asking("input", value, version, top_k)
        return self._api.post(answers.Prediction, service_path(service, "predict"), body)

    def predict_many(
        self,
        service: str,
        values: Sequence[Value],
        *,
        at_once: int = 100,
        version: int | str | None = None,
        top_k: int | None = None,
    ) -> list[answers.Prediction | answers.RowError]:
        """Put inputs to a service, `at_once` to a request: one entry for each, in order. Else as `predict`.

        A `RowError` stands where an input could not be answered; its neighbours are.
        """
        found: list[answers.Prediction | answers.RowError] = []
        for start in range(0, len(values), at_once):
            body = asking("inputs", values[start : start + at_once], version, top_k)
            found += self._api.post(answers.PredictionsPage, service_path(service, "predict"), body).predictions
        return found

    def library(self, service: str) -> list[answers.LibraryImage]:
        """The images that a service offers to pick from; `predict` takes one as `{"library": name}`."""
        return list(self._api.get(answers.LibraryPage, service_path(service, "library")).images)

    # History

    def history(
        self, service: str, n: int = 100, *, before: str | None = None, **filters: Unpack[HistoryFilters]
    ) -> list[answers.HistoryEntry]:
        """The newest `n` predictions (at most 1,000) first; `before` is the last id of the page before."""
        query = in_words(filters)
        return list(
            self._api.get(
                answers.HistoryPage, service_path(service, "history"), n=n, before=before, **query
            ).predictions
        )

    def iterate_history(
        self, service: str, *, page: int = 500, **filters: Unpack[HistoryFilters]
    ) -> Iterator[answers.HistoryEntry]:
        """Every prediction, newest first, fetched `page` by page as it is needed."""
        before: str | None = None
        while entries := self.history(service, page, before=before, **filters):
            yield from entries
            before = entries[-1].id

    def feedback(self, prediction_id: str, target: Target) -> answers.HistoryEntry:
        """Say what the right answer is. It becomes an example, and the next run learns from it."""
        path = f"/predictions/{quoted(prediction_id)}/feedback"
        return self._api.post(answers.HistoryEntry, path, {"target": target})

    # Training

    def train(self, service: str, *, promote: PromoteMode | None = None) -> answers.Run:
        """Start training on the examples of this moment; `Conflict` where the service is being trained already.

        `promote` says for this run whether its best version takes over by itself; winnow.toml says otherwise.
        """
        body = None if promote is None else {"promote": promote}
        return self._api.post(answers.Run, service_path(service, "train"), body)

    def run(self, service: str, run_id: str) -> answers.Run:
        """One run, as it stands."""
        return self._api.get(answers.Run, service_path(service, "runs", run_id))

    def runs(self, service: str, n: int = 20) -> list[answers.Run]:
        """The newest runs first, without their reports."""
        return list(self._api.get(answers.RunsPage, service_path(service, "runs"), n=n).runs)

    def wait(
        self, run: answers.Run, *, timeout: float | None = None, on_progress: OnProgress | None = None
    ) -> answers.Run:
        """Follow a run until it is finished, and return it with its report.

        `TrainingFailed` where it failed, `Cancelled` where it was cancelled, `DeadlineExceeded` where it has not
        ended after `timeout` seconds; the run goes on then.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        pause, longest = _POLL_SECONDS
        told: Mapping[str, Any] | None = None
        while True:
            current = self.run(run.service, run.id)
            if on_progress is not None and current.progress != told:
                told = current.progress
                on_progress(current)
            if current.status.final:
                return _finished(current)
            if deadline is not None and time.monotonic() + pause > deadline:
                raise DeadlineExceeded(f"run '{run.id}' of '{run.service}' is {current.status} after {timeout:g} s")
            time.sleep(pause)
            pause = min(longest, pause * 1.2)

    def cancel(self, run: answers.Run) -> answers.Run:
        """Cancel a run: nothing of it is kept. `Conflict` where it has ended already."""
        return self._api.delete(answers.Run, service_path(run.service, "runs", run.id))

    def report(self, service: str) -> Mapping[str, Any]:
        """The report of the newest finished run; `NotFound` where there is none yet."""
        return self._api.get(dict[str, Any], service_path(service, "report"))

    # Versions

    def versions(self, service: str, n: int = 20) -> answers.VersionsPage:
        """The newest versions and changes of champion first."""
        return self._api.get(answers.VersionsPage, service_path(service, "versions"), n=n)

    def promote(self, service: str, version: int, *, force: bool = False) -> answers.Promotion:
        """Make a version champion; `GateRefused` says which gates it misses, unless forced."""
        return self._api.post(
            answers.Promotion, service_path(service, "versions", version, "promote"), {"force": force}
        )

    def rollback(self, service: str) -> answers.Promotion:
        """Give the place back to the champion before this one."""
        return self._api.post(answers.Promotion, service_path(service, "rollback"))

    # Operations

    def ready(self) -> bool:
        """Whether every champion answers. `services` says what is wrong with one that does not."""
        return self._api.answers("/health/ready")

    def metrics(self) -> str:
        """Figures in Prometheus' text format, of all serving processes together."""
        return self._api.text("/metrics")


def _finished(run: answers.Run) -> answers.Run:
    match run.status:
        case Status.FAILED:
            raise TrainingFailed(run.error or f"run '{run.id}' failed")
        case Status.CANCELLED:
            raise Cancelled(run.error or f"run '{run.id}' was cancelled")
        case _:
            return run
