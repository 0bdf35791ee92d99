"""Metrics: what a scrape holds, in a shape that Prometheus reads, alike with one process and with several."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from winnow.domain import Measurement, new_id, now
from winnow.monitoring.metrics import SHARED_FOLDER, Metrics

KNOWN = {
    "winnow_requests": "counter",
    "winnow_request_seconds": "histogram",
    "winnow_predictions": "counter",
    "winnow_refusals": "counter",
    "winnow_batch_rows": "histogram",
    "winnow_wait_seconds": "histogram",
    "winnow_model_seconds": "histogram",
    "winnow_journal_commit_seconds": "histogram",
    "winnow_journal_rows": "counter",
    "winnow_swaps": "counter",
    "winnow_champion_version": "gauge",
    "winnow_jobs": "counter",
    "winnow_job_seconds": "histogram",
    "winnow_job_wait_seconds": "histogram",
    "winnow_queued_jobs": "gauge",
    "winnow_oldest_job_seconds": "gauge",
    "winnow_automatic_rollbacks": "counter",
    "winnow_open_alerts": "gauge",
    "winnow_feedback": "gauge",
    "winnow_live_accuracy": "gauge",
    "winnow_drift_psi": "gauge",
    "winnow_drift_js": "gauge",
}
"""What dashboards and alerts rely on: a name that changes or goes breaks them."""

_AS_A_PROCESS = """
from winnow.domain import JobKind, Status, new_id
from winnow.monitoring.metrics import Metrics
from winnow.store.job_counts import Backlog
from winnow.store.jobs import Ending, Lease
metrics = Metrics()
metrics.predictions.labels("sentiment", "answered").inc(2)
metrics.of_batches("sentiment").started(3, 0.001)
metrics.of_journal().committed(4, 0.002)
metrics.swaps.labels("sentiment", "loaded").inc()
metrics.rollbacks.labels("sentiment").inc()
metrics.refusals.labels("sentiment", "overloaded").inc()
metrics.count_request("/services", "GET", 200, 0.01)
metrics.of_batches("sentiment").finished(0.001)
settled = Lease(new_id(), "sentiment", JobKind.PREDICT, {}, 1, 1, None, "request", "client")
metrics.of_jobs().taken(settled)
metrics.of_jobs().settled([Ending(settled, Status.FINISHED)], {settled.id}, 0.05)
print(metrics.render({"sentiment": 7}, [Backlog("sentiment", JobKind.FILE, 3, new_id())]).decode())
"""


def scraped(text: str) -> dict[str, Metric]:
    """Metrics by name; the text is parsed as Prometheus would."""
    families = list(text_string_to_metric_families(text))
    names = [family.name for family in families]
    assert len(names) == len(set(names)), "each metric once"
    return {family.name: family for family in families}


def value(families: dict[str, Metric], name: str, **labels: str) -> float:
    """One sample's value; labels that are not named do not matter."""
    (found,) = [
        sample.value
        for family in families.values()
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    return found


def run_process(shared: Path | None) -> dict[str, Metric]:
    """What a process of its own, which counts a little, gives when it is scraped."""
    environment = {key: entry for key, entry in os.environ.items() if key != SHARED_FOLDER}
    if shared is not None:
        environment[SHARED_FOLDER] = str(shared)
    done = subprocess.run(
        [sys.executable, "-c", _AS_A_PROCESS], env=environment, capture_output=True, text=True, check=True
    )
    return scraped(done.stdout)


@pytest.mark.parametrize("several", [False, True], ids=["one-process", "several-processes"])
def test_a_scrape_holds_every_metric_with_its_type_and_help(tmp_path: Path, several: bool) -> None:
    """The same names whichever way Winnow is run."""
    families = run_process(tmp_path if several else None)
    assert {name: family.type for name, family in families.items()} == KNOWN
    assert value(families, "winnow_champion_version", service="sentiment") == 7


def test_every_metric_says_in_a_sentence_what_it_is() -> None:
    families = scraped(Metrics().render({"sentiment": 1}, []).decode())
    assert families.keys() == KNOWN.keys()
    for family in families.values():
        assert family.documentation[0].isupper()
        assert family.documentation.endswith(".")


def test_live_figures_are_gauges_and_what_could_not_be_measured_has_none() -> None:
    """No sample rather than a zero, which would look like a perfect or a terrible champion."""
    known = {"accuracy": 0.75, "label_psi": 0.01, "confidence_psi": 0.2, "label_js": 0.05, "vocabulary_js": None}
    figures: list[dict[str, float | None]] = [known, dict.fromkeys(known)]
    measured = [
        Measurement(new_id(), service, 1, rows=200, feedback=20, figures=found, created_at=now())
        for service, found in zip(("sentiment", "images"), figures, strict=True)
    ]
    families = scraped(Metrics().render({}, [], measured).decode())
    assert value(families, "winnow_live_accuracy", service="sentiment") == 0.75
    assert value(families, "winnow_drift_psi", service="sentiment", of="labels") == 0.01
    assert value(families, "winnow_drift_psi", service="sentiment", of="confidence") == 0.2
    assert value(families, "winnow_drift_js", service="sentiment", of="labels") == 0.05
    assert value(families, "winnow_feedback", service="images") == 20
    samples = [sample for family in families.values() for sample in family.samples]
    assert not [sample for sample in samples if sample.labels.get("of") == "vocabulary"]
    live = ("winnow_live_accuracy", "winnow_drift_psi", "winnow_drift_js")
    assert not [sample for sample in samples if sample.name in live and sample.labels["service"] == "images"]


def test_counters_and_histograms_count_what_they_are_told() -> None:
    families = run_process(None)
    assert value(families, "winnow_predictions_total", service="sentiment", outcome="answered") == 2
    assert value(families, "winnow_journal_rows_total", outcome="kept") == 4
    assert value(families, "winnow_batch_rows_sum", service="sentiment") == 3
    assert value(families, "winnow_batch_rows_bucket", service="sentiment", le="2.0") == 0
    assert value(families, "winnow_batch_rows_bucket", service="sentiment", le="4.0") == 1
    assert value(families, "winnow_requests_total", route="/services", method="GET", status="200") == 1


def test_the_figures_of_several_processes_add_up(tmp_path: Path) -> None:
    """Three processes, one after the other, all gone or not: the last scrape has the sum of all."""
    for rounds in (1, 2, 3):
        families = run_process(tmp_path)
        assert value(families, "winnow_predictions_total", outcome="answered") == 2 * rounds
        assert value(families, "winnow_journal_commit_seconds_count") == rounds
        assert value(families, "winnow_champion_version", service="sentiment") == 7, "the store's word, not a sum"
