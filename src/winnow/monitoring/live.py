"""Live figures: how a version does in use, against what its answers and inputs looked like at training.

Two things are measured, of different predictions. Quality, on those that people spoke on: where they speak up only
when an answer is wrong, it looks worse than it is, and still shows a change. Drift, on the newest of all: it says
that inputs or answers have become different, not that they have become worse.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from winnow.domain import Classification
from winnow.monitoring.drift import jensen_shannon, population_stability, stability_by_chance, wilson
from winnow.monitoring.profile import Mix, Profile, count_words, profile_answers
from winnow.store.measurements import Judged, Sample
from winnow.tasks.base import Task

FEWEST_PREDICTIONS = 100
FEWEST_FEEDBACK = 10
"""Below these nothing is measured: chance would speak, not the service."""
_EXPECTED = 5
"""How often a word should occur in the sample, going by training, to be compared by itself."""

NO_PROFILE = "this version has no profile: it was trained elsewhere, or by a Winnow that made none"


def measure_quality(task: Task, judged: Judged) -> dict[str, Any]:
    """How right a version was on what people spoke on. All None with fewer than ten predictions.

    `accuracy` is the share answered exactly right, `interval` its 95 % interval [low, high] (Wilson's), `f1_macro`
    as in reports, and `recall` label → the share of its inputs that were found.
    """
    if len(judged.targets) < FEWEST_FEEDBACK:
        return {"accuracy": None, "interval": None, "f1_macro": None, "recall": None}
    right = sum(task.correct(judged.targets, judged.answers))
    named = [_labels_of(answer) for answer in judged.answers]
    question = task.question([*judged.targets, *named])
    figures = task.metrics(question, judged.targets, judged.answers)
    interval = wilson(right, len(judged.targets))
    recalls = {label: entry["recall"] for label, entry in figures["labels"].items()}
    return {
        "accuracy": right / len(judged.targets),
        "interval": None if interval is None else list(interval),
        "f1_macro": figures["f1_macro"],
        "recall": {label: recall for label, recall in recalls.items() if recall is not None},
    }


def measure_drift(profile: Profile | None, sample: Sample) -> dict[str, Any]:
    """How far labels, confidence and words have moved from training.

    `label_psi` and `confidence_psi` are population stability indexes, `label_psi_by_chance` and
    `confidence_psi_by_chance` what they would stay below if nothing had shifted; `label_js` and `vocabulary_js` are
    Jensen-Shannon distances from 0 to 1. `labels`, `confidence` and `unseen` are shares now, `reference_…` those at
    training. With fewer than a hundred predictions, or without a profile, what needs them is None, and
    `drift_unknown` says why.
    """
    known = _reference_figures(profile)
    if len(sample.answers) < FEWEST_PREDICTIONS:
        few = f"fewer than {FEWEST_PREDICTIONS} predictions of the last days"
        return {**_unmeasured(), **known, "drift_unknown": few}
    now = profile_answers(sample.answers)
    found: dict[str, Any] = {"labels": now.labels.shares, "confidence": _shares(now.confidence)}
    if profile is None:
        return {**_unmeasured(), **known, **found, "drift_unknown": NO_PROFILE}
    labels = profile.answers.labels.beside(now.labels)
    confidence = profile.answers.confidence, now.confidence
    return {
        **_unmeasured(),
        **known,
        **found,
        "label_psi": population_stability(*labels),
        "label_psi_by_chance": stability_by_chance(*labels),
        "label_js": jensen_shannon(*labels),
        "confidence_psi": population_stability(*confidence),
        "confidence_psi_by_chance": stability_by_chance(*confidence),
        **_vocabulary(profile.words, sample.texts),
        "drift_unknown": None,
    }


def _unmeasured() -> dict[str, Any]:
    names = ("label_psi", "label_js", "confidence_psi")
    chances = ("label_psi_by_chance", "confidence_psi_by_chance")
    return dict.fromkeys((*names, *chances, "vocabulary_js", "unseen", "labels", "confidence"))


def _reference_figures(profile: Profile | None) -> dict[str, Any]:
    if profile is None:
        return dict.fromkeys(("reference_labels", "reference_targets", "reference_confidence", "reference_unseen"))
    words = profile.words
    return {
        "reference_labels": profile.answers.labels.shares,
        "reference_targets": profile.targets.shares,
        "reference_confidence": _shares(profile.answers.confidence),
        "reference_unseen": words.rest / words.total if words is not None and words.total else None,
    }


def _vocabulary(reference: Mix | None, texts: Sequence[str]) -> dict[str, Any]:
    """Words too rare for so small a sample are compared together, with those that were rare at training."""
    if reference is None or not reference.total:
        return {"vocabulary_js": None, "unseen": None}
    now = count_words(texts, reference.counts)
    if not now.total:
        return {"vocabulary_js": None, "unseen": None}
    enough = _EXPECTED * reference.total / now.total
    frequent = Mix(reference.total, {word: count for word, count in reference.counts.items() if count >= enough})
    return {"vocabulary_js": jensen_shannon(*frequent.beside(now)), "unseen": now.rest / now.total}


def _shares(counts: Sequence[int]) -> list[float] | None:
    total = sum(counts)
    return [count / total for count in counts] if total else None


def _labels_of(answer: Classification) -> list[str]:
    return answer["labels"] if "labels" in answer else [answer["label"]]
