"""Live figures: quality on what people spoke on, drift on what was asked, and silence where too little is known."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest

from winnow.domain import Classification, Target
from winnow.jobs.measuring import judge
from winnow.monitoring.live import NO_PROFILE, measure_drift, measure_quality
from winnow.monitoring.profile import Profile, count_targets, count_words, profile_answers
from winnow.project import Gates, ServiceConfig
from winnow.store.measurements import Judged, Sample
from winnow.tasks.text_classification import TextClassification

TASK = TextClassification(ServiceConfig.model_validate({"task": "text-classification"}))
SEVERAL = TextClassification(
    ServiceConfig.model_validate({"task": "text-classification", "label": ["a", "b"], "labels": ["a", "b"]})
)
WORDS = ["price", "taste", "delivery", "screen", "battery", "story", "actor", "music", "room", "breakfast"]


def drawn(count: int, good: float, words: Sequence[str] = WORDS, *, seed: int = 0, sure: float = 0.7) -> Sample:
    """Answers of which such a share is `good`, about so sure, to texts of these words."""
    chance = random.Random(seed)
    answers: list[Classification] = []
    texts = []
    for _ in range(count):
        label, other = ("good", "bad") if chance.random() < good else ("bad", "good")
        score = min(1.0, max(0.5, chance.gauss(sure, 0.1)))
        answers.append({"label": label, "scores": {label: score, other: 1 - score}})
        texts.append(" ".join(chance.choices(words, k=12)))
    return Sample(answers, texts)


def profile_of(sample: Sample) -> Profile:
    return Profile(profile_answers(sample.answers), count_targets(["good"]), count_words(sample.texts))


TRAINED = profile_of(drawn(1000, 0.6, seed=1))


@pytest.mark.parametrize("seed", range(5))
def test_what_stays_as_it_was_is_stable(seed: int) -> None:
    found = measure_drift(TRAINED, drawn(500, 0.6, seed=100 + seed))
    for figure in ("label_psi", "confidence_psi", "label_js", "vocabulary_js"):
        assert found[figure] < 0.1, figure
    assert found["label_psi"] < 0.02
    assert found["unseen"] == found["reference_unseen"] == 0
    assert found["drift_unknown"] is None


def test_other_labels_other_confidence_and_other_words_each_show() -> None:
    labels = measure_drift(TRAINED, drawn(500, 0.2))
    assert labels["label_psi"] > 0.25
    assert labels["label_psi"] > 10 * labels["label_psi_by_chance"]
    assert labels["label_js"] > 0.2
    assert labels["confidence_psi"] < 0.1
    unsure = measure_drift(TRAINED, drawn(500, 0.6, sure=0.55))
    assert unsure["confidence_psi"] > 0.25
    assert unsure["label_psi"] < 0.1
    words = measure_drift(TRAINED, drawn(500, 0.6, [*WORDS[:3], "firmware", "update", "router"]))
    assert words["vocabulary_js"] > 0.3
    assert words["unseen"] == pytest.approx(0.5, abs=0.05)
    assert words["label_psi"] < 0.1


def test_the_shares_of_now_stand_beside_those_of_training() -> None:
    found = measure_drift(TRAINED, drawn(500, 0.2))
    assert sum(found["labels"].values()) == pytest.approx(1)
    assert found["labels"]["good"] == pytest.approx(0.2, abs=0.05)
    assert found["reference_labels"]["good"] == pytest.approx(0.6, abs=0.05)
    assert found["reference_targets"] == {"good": 1.0}
    assert len(found["confidence"]) == len(found["reference_confidence"]) == 10


def test_a_few_predictions_say_nothing_yet() -> None:
    found = measure_drift(TRAINED, drawn(99, 0.0))
    assert found["label_psi"] is found["confidence_psi"] is found["vocabulary_js"] is found["labels"] is None
    assert found["drift_unknown"] == "fewer than 100 predictions of the last days"
    assert found["reference_labels"]["good"] == pytest.approx(0.6, abs=0.05)


def test_a_version_that_was_trained_elsewhere_has_nothing_to_drift_from() -> None:
    found = measure_drift(None, drawn(500, 0.6))
    assert found["label_psi"] is found["vocabulary_js"] is None
    assert found["drift_unknown"] == NO_PROFILE
    assert found["labels"]["good"] > 0.5


def test_images_have_no_vocabulary() -> None:
    profile = Profile(TRAINED.answers, TRAINED.targets, None)
    found = measure_drift(profile, Sample(drawn(200, 0.6).answers, []))
    assert found["vocabulary_js"] is found["unseen"] is found["reference_unseen"] is None
    assert found["label_psi"] < 0.1


def test_the_same_figures_are_there_whatever_is_known() -> None:
    samples = drawn(200, 0.6), drawn(1, 0.6), Sample([], [])
    named = {tuple(sorted(measure_drift(known, sample))) for known in (TRAINED, None) for sample in samples}
    assert len(named) == 1


def judged(right: int, wrong: int) -> Judged:
    """All are `good`; the wrong ones were answered `bad`."""
    answers: list[Classification] = [
        {"label": label, "scores": {label: 0.9}} for label in ["good"] * right + ["bad"] * wrong
    ]
    targets: list[Target] = ["good"] * (right + wrong)
    return Judged(targets, answers)


def test_quality_is_that_of_what_people_spoke_on() -> None:
    found = measure_quality(TASK, judged(8, 2))
    assert found["accuracy"] == 0.8
    assert found["interval"] == pytest.approx([0.4902, 0.9433], abs=1e-4)
    assert found["recall"] == {"good": 0.8}
    assert found["f1_macro"] == pytest.approx((16 / 18 + 0) / 2), "`bad` was answered, and never right"


def test_less_than_ten_say_nothing() -> None:
    assert set(measure_quality(TASK, judged(5, 4)).values()) == {None}


def test_several_labels_are_right_together_or_not() -> None:
    answers: list[Classification] = [{"labels": ["a"], "scores": {"a": 0.9, "b": 0.1}}] * 10
    found = measure_quality(SEVERAL, Judged([*[["a"]] * 6, *[["a", "b"]] * 4], answers))
    assert found["accuracy"] == 0.6
    assert found["recall"] == {"a": 1.0, "b": 0.0}


def gates(**given: Any) -> Gates:
    return Gates.model_validate(given)


def test_gates_that_can_be_judged_live_are_and_no_others() -> None:
    asked = gates(
        accuracy=">= 0.9", f1_macro=">= 0.1", recall={"good": ">= 0.8", "bad": ">= 0.5"}, latency_p95_ms="<= 1",
        size_mb="<= 1", regression="<= 0",
    )  # fmt: skip
    found = {entry["gate"]: entry for entry in judge(asked, measure_quality(TASK, judged(8, 2)))}
    assert found.keys() == {"accuracy", "f1_macro", "recall.good"}, "nobody said that anything was `bad`"
    assert (found["accuracy"]["passed"], found["accuracy"]["short_by"]) == (False, pytest.approx(0.1))
    assert found["f1_macro"]["passed"]
    assert found["recall.good"]["passed"]
    assert judge(asked, measure_quality(TASK, judged(1, 1))) == []
    assert judge(gates(), measure_quality(TASK, judged(8, 2))) == []
