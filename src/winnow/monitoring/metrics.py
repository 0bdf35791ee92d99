"""Metrics for Prometheus. Each is declared once, here; the reference page is made from these declarations.

With several serving processes the figures are added up over a shared folder (prometheus-client's multiprocess
mode), so only counters and histograms are kept per process. What all processes know alike is read from the store
at each scrape instead.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from winnow.domain import Measurement, Status, age_of
from winnow.store.job_counts import Backlog
from winnow.store.jobs import Ending, Lease

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable that prometheus-client reads when it is first imported."""

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_JOB_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024)


class Metrics:
    """Every metric of one process. Made once, by the composition root."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series beside each, of no use here
        self._registry = CollectorRegistry()
        self._requests_bound: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        counter = partial(Counter, registry=self._registry)
        rows = partial(Histogram, registry=self._registry, buckets=_ROWS)
        seconds = partial(Histogram, registry=self._registry, buckets=_SECONDS)

        asked = ["route", "method", "status"]
        self.requests = counter("winnow_requests", "HTTP requests by route, method and status.", asked)
        first_to_last = "Seconds from a request's first byte to its answer."
        self.request_seconds = seconds("winnow_request_seconds", first_to_last, ["route"])

        outcomes = "Inputs by service and outcome: answered, refused (the row's own error) or failed."
        self.predictions = counter("winnow_predictions", outcomes, ["service", "outcome"])
        refused = "Requests that were refused for load (overloaded) or let go at their deadline (deadline)."
        self.refusals = counter("winnow_refusals", refused, ["service", "reason"])

        self.batch_rows = rows("winnow_batch_rows", "Rows that the model was given at once.", ["service"])
        oldest = "Seconds that the oldest row of a batch waited for the model."
        self.wait_seconds = seconds("winnow_wait_seconds", oldest, ["service"])
        self.model_seconds = seconds(
            "winnow_model_seconds", "Seconds that the model took for a batch.", ["service"]
        )

        one_commit = "Seconds that one group commit of the history took."
        self.commit_seconds = seconds("winnow_journal_commit_seconds", one_commit)
        kept = "Predictions by what became of them: kept or lost."
        self.journal_rows = counter("winnow_journal_rows", kept, ["outcome"])
        taken_over = "Champions that took over (loaded) or could not (refused)."
        self.swaps = counter("winnow_swaps", taken_over, ["service", "outcome"])

        gave_back = "Champions that gave their place back by themselves, because people corrected them more often."
        self.rollbacks = counter("winnow_automatic_rollbacks", gave_back, ["service"])

        job_seconds = partial(Histogram, registry=self._registry, buckets=_JOB_SECONDS)
        ended = "Attempts at jobs by outcome: finished, failed, retried or lost (cancelled, or taken over)."
        self.jobs = counter("winnow_jobs", ended, ["service", "kind", "outcome"])
        worked = "Seconds from when a worker took a job until what came of it was saved."
        self.job_seconds = job_seconds("winnow_job_seconds", worked, ["service", "kind"])
        waited = "Seconds from when a job was handed in until a worker first took it."
        self.job_wait_seconds = job_seconds("winnow_job_wait_seconds", waited, ["service", "kind"])

    def count_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """One request was answered. The figures' labels are looked up once for each combination."""
        bound = self._requests_bound.get((route, method, status))
        if bound is None:
            bound = self.requests.labels(route, method, status), self.request_seconds.labels(route)
            self._requests_bound[route, method, status] = bound
        bound[0].inc()
        bound[1].observe(seconds)

    def render(
        self,
        champions: Mapping[str, int],
        backlog: Sequence[Backlog],
        measured: Sequence[Measurement] = (),
        alerts: Mapping[tuple[str, str], int] = MappingProxyType({}),
    ) -> bytes:
        """All figures of all processes, in Prometheus' text format, with what the store says at this moment."""
        registry = CollectorRegistry()
        registry.register(_Champions(champions))
        registry.register(_Queued(backlog))
        registry.register(_Live(measured))
        registry.register(_OpenAlerts(alerts))
        if SHARED_FOLDER in os.environ:
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
            return generate_latest(registry)
        return generate_latest(self._registry) + generate_latest(registry)

    def of_batches(self, service: str) -> BatchMetrics:
        """What the batcher of one service reports to."""
        return BatchMetrics(
            self.batch_rows.labels(service), self.wait_seconds.labels(service), self.model_seconds.labels(service)
        )

    def of_journal(self) -> JournalMetrics:
        """What the journal reports to."""
        return JournalMetrics(
            self.journal_rows.labels("kept"), self.journal_rows.labels("lost"), self.commit_seconds
        )

    def of_jobs(self) -> JobMetrics:
        """What a worker reports to."""
        return JobMetrics(self.jobs, self.job_seconds, self.job_wait_seconds)


@dataclass(frozen=True, slots=True)
class BatchMetrics:
    """Figures of one service's batches, their labels bound once: the hot path looks nothing up."""

    rows: Histogram
    wait_seconds: Histogram
    model_seconds: Histogram

    def started(self, rows: int, waited: float) -> None:
        """A batch of so many rows starts, its oldest having waited so many seconds."""
        self.rows.observe(rows)
        self.wait_seconds.observe(waited)

    def finished(self, seconds: float) -> None:
        """The model took so long for it."""
        self.model_seconds.observe(seconds)


@dataclass(frozen=True, slots=True)
class JournalMetrics:
    """Figures of the journal."""

    kept: Counter
    lost: Counter
    seconds: Histogram

    def committed(self, rows: int, seconds: float) -> None:
        """So many predictions were committed, in so many seconds."""
        self.kept.inc(rows)
        self.seconds.observe(seconds)

    def failed(self, rows: int) -> None:
        """So many predictions could not be written."""
        self.lost.inc(rows)


_OUTCOMES: Mapping[Status, str] = MappingProxyType(
    {Status.FINISHED: "finished", Status.FAILED: "failed", Status.QUEUED: "retried"}
)


@dataclass(frozen=True, slots=True)
class JobMetrics:
    """Figures of one worker's jobs."""

    ended: Counter
    seconds: Histogram
    wait_seconds: Histogram

    def taken(self, lease: Lease) -> None:
        """A job was taken. Only the first time says how long it had to wait."""
        if lease.attempt == 1:
            self.wait_seconds.labels(lease.service, lease.kind).observe(age_of(lease.id))

    def settled(self, endings: Sequence[Ending], settled: Collection[str], seconds: float) -> None:
        """Jobs that were taken together ended together, so many seconds later; not all of them may count."""
        for ending in endings:
            lease = ending.lease
            if lease.id not in settled:
                self.lost(lease)
                continue
            self.ended.labels(lease.service, lease.kind, _OUTCOMES[ending.status]).inc()
            self.seconds.labels(lease.service, lease.kind).observe(seconds)

    def lost(self, lease: Lease) -> None:
        """A job was cancelled, or went to another worker, while this one worked on it."""
        self.ended.labels(lease.service, lease.kind, "lost").inc()


class _Champions(Collector):
    """The champion of each service as the store has it: one truth, however many processes serve."""

    def __init__(self, champions: Mapping[str, int]) -> None:
        self._champions = champions

    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily("winnow_champion_version", "Version that answers users.", labels=["service"])
        for service, number in sorted(self._champions.items()):
            family.add_metric([service], number)
        yield family


class _Queued(Collector):
    """The jobs that wait, as the store has them."""

    def __init__(self, backlog: Sequence[Backlog]) -> None:
        self._backlog = backlog

    def collect(self) -> Iterable[Metric]:
        labels = ["service", "kind"]
        queued = GaugeMetricFamily("winnow_queued_jobs", "Jobs that wait.", labels=labels)
        oldest = GaugeMetricFamily(
            "winnow_oldest_job_seconds", "Seconds since the oldest job that waits was handed in.", labels=labels
        )
        for entry in self._backlog:
            queued.add_metric([entry.service, entry.kind], entry.jobs)
            oldest.add_metric([entry.service, entry.kind], age_of(entry.oldest))
        yield queued
        yield oldest


class _OpenAlerts(Collector):
    """The alerts that are open, as the store has them."""

    def __init__(self, alerts: Mapping[tuple[str, str], int]) -> None:
        self._alerts = alerts

    def collect(self) -> Iterable[Metric]:
        told = "Alerts that are open; the service is empty for what concerns the whole project."
        family = GaugeMetricFamily("winnow_open_alerts", told, labels=["rule", "service"])
        for (rule, service), count in sorted(self._alerts.items()):
            family.add_metric([rule, service], count)
        yield family


class _Live(Collector):
    """How the champions do in use, as they were measured last."""

    def __init__(self, measured: Sequence[Measurement]) -> None:
        self._measured = measured

    def collect(self) -> Iterable[Metric]:
        spoken_on = "Predictions of the champion that people spoke on and that its live accuracy is of."
        feedback = GaugeMetricFamily("winnow_feedback", spoken_on, labels=["service"])
        right = "Share of the predictions that people spoke on that was answered exactly right."
        accuracy = GaugeMetricFamily("winnow_live_accuracy", right, labels=["service"])
        index = "Population stability index of the champion's newest predictions against those at training."
        psi = GaugeMetricFamily("winnow_drift_psi", index, labels=["service", "of"])
        distance = "Jensen-Shannon distance of the champion's newest predictions from those at training."
        js = GaugeMetricFamily("winnow_drift_js", distance, labels=["service", "of"])
        for entry in self._measured:
            feedback.add_metric([entry.service], entry.feedback)
            _add_known(accuracy, entry, [entry.service], "accuracy")
            _add_known(psi, entry, [entry.service, "labels"], "label_psi")
            _add_known(psi, entry, [entry.service, "confidence"], "confidence_psi")
            _add_known(js, entry, [entry.service, "labels"], "label_js")
            _add_known(js, entry, [entry.service, "vocabulary"], "vocabulary_js")
        yield from (feedback, accuracy, psi, js)


def _add_known(family: GaugeMetricFamily, entry: Measurement, labels: list[str], figure: str) -> None:
    """A figure that could not be measured has no sample."""
    value = entry.figures.get(figure)
    if value is not None:
        family.add_metric(labels, value)
