"""Each rule: what it finds wrong, what it lets pass, and what it does not judge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.alerts.making import candidate, config, measurement, run
from winnow.domain import Status
from winnow.monitoring import rules
from winnow.monitoring.rules import ProjectFacts, ServiceFacts
from winnow.project import ProjectAlerts
from winnow.store.traffic import Totals

STRICT = config(gates={"accuracy": ">= 0.9"})


def project(**given: Any) -> ProjectAlerts:
    return ProjectAlerts.model_validate(given)


# The newest run


def test_without_a_run_no_gate_is_missed() -> None:
    assert rules.gates_missed(ServiceFacts(STRICT)) is None


def test_one_candidate_that_meets_its_gates_is_enough() -> None:
    good = run(candidates=[candidate("svm", 0.9, "accuracy"), candidate("bayes", 0.8)])
    assert rules.gates_missed(ServiceFacts(STRICT, run=good)) is None


def test_where_no_candidate_meets_its_gates_the_best_of_them_is_told_first() -> None:
    bad = run(candidates=[candidate("bayes", 0.7, "accuracy"), candidate("svm", 0.8, "recall.bad", "accuracy")])
    found = rules.gates_missed(ServiceFacts(STRICT, run=bad))
    assert found is not None
    assert (found.value, found.requirement) == (0.5, "recall.bad >= 0.9")
    assert found.detail.startswith("no candidate of the newest run meets its gates: svm: recall.bad 0.5 misses")
    assert "bayes" in found.detail


def test_many_candidates_are_not_named_one_by_one() -> None:
    bad = run(candidates=[candidate(f"c{place}", place / 10, "accuracy") for place in range(5)])
    found = rules.gates_missed(ServiceFacts(STRICT, run=bad))
    assert found is not None
    assert found.detail.endswith(", and 2 more")
    assert "c0" not in found.detail


def test_a_metric_that_could_not_be_measured_comes_last() -> None:
    unknown = candidate("unknown", 0.0, "accuracy")
    unknown["metrics"]["f1_macro"] = None
    found = rules.gates_missed(
        ServiceFacts(STRICT, run=run(candidates=[unknown, candidate("svm", 0.1, "accuracy")]))
    )
    assert found is not None
    assert "gates: svm" in found.detail


def test_a_run_in_which_nobody_learned_is_told() -> None:
    broken: dict[str, Any] = {"name": "svm", "status": "failed", "error": "too few", "gates": [], "metrics": None}
    found = rules.gates_missed(ServiceFacts(STRICT, run=run(candidates=[broken])))
    assert found is not None
    assert found.detail == "no candidate of the newest run could learn"


def test_a_run_that_failed_is_told_with_its_reason_cut_short() -> None:
    found = rules.gates_missed(ServiceFacts(STRICT, run=run(Status.FAILED, error="no space left " * 100)))
    assert found is not None
    assert found.detail.startswith("the newest run failed: no space left")
    assert len(found.detail) < 600


# Live quality


@pytest.mark.parametrize(
    ("figures", "feedback", "wrong"),
    [
        ({"accuracy": 0.7, "interval": [0.6, 0.8]}, 100, True),
        ({"accuracy": 0.7, "interval": [0.6, 0.9]}, 100, False),
        ({"accuracy": 0.89, "interval": [0.8, 0.95]}, 100, False),
        ({"accuracy": 0.7, "interval": [0.6, 0.8]}, 49, False),
        ({"accuracy": 0.7, "interval": [0.6, 0.8]}, 50, True),
        ({"accuracy": None, "interval": None}, 100, False),
        ({}, 100, False),
    ],
    ids=["below", "touching", "within", "few", "just enough", "unmeasured", "unknown"],
)
def test_live_accuracy_is_wrong_where_even_the_upper_end_is_below(
    figures: dict[str, Any], feedback: int, wrong: bool
) -> None:
    facts = ServiceFacts(STRICT, measurement=measurement(figures, feedback=feedback))
    assert (rules.live_quality(facts) is not None) is wrong


def test_live_accuracy_is_told_with_its_interval() -> None:
    measured = measurement({"accuracy": 0.7, "interval": [0.605, 0.8]})
    found = rules.live_quality(ServiceFacts(STRICT, measurement=measured))
    assert found is not None
    assert "version 3 is right in 70.0 % of the 100 predictions" in found.detail
    assert "60.5 % to 80.0 %" in found.detail
    assert (found.value, found.requirement) == (0.7, "accuracy >= 0.9")


def test_without_a_gate_no_live_accuracy_is_wrong() -> None:
    measured = measurement({"accuracy": 0.1, "interval": [0.0, 0.2]})
    assert rules.live_quality(ServiceFacts(config(), measurement=measured)) is None


# Drift


@pytest.mark.parametrize(
    ("figures", "value"),
    [
        ({"label_psi": 0.1, "confidence_psi": 0.2}, None),
        ({"label_psi": 0.3, "confidence_psi": 0.2}, 0.3),
        ({"label_psi": 0.3, "confidence_psi": 0.4}, 0.4),
        ({"label_psi": None, "confidence_psi": 0.4}, 0.4),
        ({"label_psi": None, "confidence_psi": None}, None),
        ({"label_psi": 0.3, "label_psi_by_chance": 0.5, "confidence_psi": 0.26}, 0.26),
        ({"label_psi": 0.3, "label_psi_by_chance": 0.5, "confidence_psi": 0.1}, None),
        ({}, None),
    ],
    ids=["stable", "labels", "confidence", "one alone", "unmeasured", "chance beside", "chance", "unknown"],
)
def test_drift_is_the_larger_index_that_is_not_chance(figures: dict[str, Any], value: float | None) -> None:
    found = rules.drift(ServiceFacts(config(), measurement=measurement(figures)))
    assert (found and found.value) == value


# Traffic


@pytest.mark.parametrize(
    ("totals", "value"),
    [
        (Totals(), None),
        (Totals(answered=100), None),
        (Totals(answered=95, failed=5), None),
        (Totals(answered=90, failed=5, late=5), 0.1),
        (Totals(overloaded=20), 1.0),
        (Totals(failed=19), None),
        (Totals(refused=1000), None),
    ],
    ids=["none", "fine", "just met", "too many", "all", "few", "the inputs' own fault"],
)
def test_the_error_rate_counts_what_was_not_the_inputs_fault(totals: Totals, value: float | None) -> None:
    found = rules.error_rate(ServiceFacts(config(), traffic=totals))
    assert (found and found.value) == value


def test_slow_answers_are_told_once_there_are_enough_of_them() -> None:
    slow = next(bucket for bucket in range(100) if (Totals(latency={bucket: 20}).p95_ms or 0) > 1000)
    found = rules.latency(ServiceFacts(config(), traffic=Totals(answered=20, latency={slow: 20})))
    assert found is not None
    assert found.requirement == "<= 1000 ms"
    assert rules.latency(ServiceFacts(config(), traffic=Totals(answered=19, latency={slow: 19}))) is None
    assert rules.latency(ServiceFacts(config(), traffic=Totals(answered=20, latency={0: 20}))) is None


def test_a_champion_that_cannot_be_loaded_is_told() -> None:
    assert rules.degraded(ServiceFacts(config())) is None
    found = rules.degraded(ServiceFacts(config(), problem="weights.npz was changed"))
    assert found is not None
    assert found.detail == "the newest champion does not answer: weights.npz was changed"


# The whole project


@pytest.mark.parametrize(
    ("waited", "says"), [(None, None), (299.0, None), (301.0, "5 minutes"), (90_000.0, "25 hours")]
)
def test_a_job_that_waits_for_long_is_told(waited: float | None, says: str | None) -> None:
    found = rules.queue_age(ProjectFacts(project(), waiting_s=waited))
    assert (found is None) if says is None else (found is not None and says in found.detail)


def test_silent_workers_are_named_the_longest_silent_first() -> None:
    silent = {"a:1:x": 61.0, "b:2:y": 300.0, "c:3:z": 59.0}
    found = rules.worker_silent(ProjectFacts(project(), silent_s=silent))
    assert found is not None
    assert found.value == 300.0
    assert found.detail == "nothing was heard of workers: b:2:y for 5 minutes, a:1:x for 61 seconds"
    assert rules.worker_silent(ProjectFacts(project(), silent_s={"c:3:z": 59.0})) is None


def test_a_disk_that_is_nearly_full_is_told() -> None:
    found = rules.disk(ProjectFacts(project(), free_gb=0.42))
    assert found is not None
    assert (found.value, found.requirement) == (0.42, ">= 1 GB")
    assert rules.disk(ProjectFacts(project(), free_gb=1.0)) is None
    assert rules.disk(ProjectFacts(project())) is None


BAD_SERVICE: dict[str, tuple[Callable[[ServiceFacts], object], dict[str, Any]]] = {
    "drift": (rules.drift, {"measurement": measurement({"label_psi": 9.0})}),
    "error_rate": (rules.error_rate, {"traffic": Totals(failed=100)}),
    "latency_p95_ms": (rules.latency, {"traffic": Totals(latency={60: 100})}),
}
BAD_PROJECT: dict[str, tuple[Callable[[ProjectFacts], object], dict[str, Any]]] = {
    "queue_age_s": (rules.queue_age, {"waiting_s": 1e6}),
    "worker_silent_s": (rules.worker_silent, {"silent_s": {"a": 1e6}}),
    "disk_free_gb": (rules.disk, {"free_gb": 0.0}),
}


@pytest.mark.parametrize("name", BAD_SERVICE)
def test_a_rule_of_a_service_can_be_turned_off(name: str) -> None:
    find, facts = BAD_SERVICE[name]
    assert find(ServiceFacts(config(), **facts)) is not None
    assert find(ServiceFacts(config(alerts={name: "off"}), **facts)) is None


@pytest.mark.parametrize("name", BAD_PROJECT)
def test_a_rule_of_the_project_can_be_turned_off(name: str) -> None:
    find, facts = BAD_PROJECT[name]
    assert find(ProjectFacts(project(), **facts)) is not None
    assert find(ProjectFacts(project(**{name: "off"}), **facts)) is None
