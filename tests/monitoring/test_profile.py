"""Profiles: what is counted of answers, targets and words, and how much of it is kept."""

from __future__ import annotations

import json
import random
import string

from hypothesis import given
from hypothesis import strategies as st

from winnow.domain import Classification
from winnow.monitoring.profile import (
    CHARACTERS,
    NO_LABEL,
    Mix,
    Profile,
    count_targets,
    count_words,
    profile_answers,
)
from winnow.tasks.classification import UNANSWERED


def answer(label: str, score: float) -> Classification:
    return {"label": label, "scores": {label: score, "other": 1 - score}}


def test_answers_are_counted_by_label_and_confidence() -> None:
    found = profile_answers([answer("good", 0.95), answer("good", 1.0), answer("bad", 0.55), UNANSWERED])
    assert found.labels == Mix(3, {"good": 2, "bad": 1})
    assert found.confidence == [0, 0, 0, 0, 0, 1, 0, 0, 0, 2]
    assert found.rows == 3


def test_several_labels_are_counted_each_and_none_as_none() -> None:
    answers: list[Classification] = [
        {"labels": ["a", "b"], "scores": {"a": 0.9, "b": 0.7}},
        {"labels": [], "scores": {"a": 0.1, "b": 0.2}},
    ]
    found = profile_answers(answers)
    assert found.labels.counts == {"a": 1, "b": 1, NO_LABEL: 1}
    assert found.confidence == [0, 0, 1, 0, 0, 0, 0, 0, 0, 1]
    assert count_targets([["a", "b"], [], ["a"]]).counts == {"a": 2, NO_LABEL: 1, "b": 1}


def test_scores_past_the_ends_are_counted_in_the_outermost_bins() -> None:
    """Rounding may leave a hair above one."""
    found = profile_answers([answer("a", 1.0000000002), {"label": "a", "scores": {"a": -1e-9}}])
    assert found.confidence == [1, *[0] * 8, 1]


def test_words_are_folded_counted_and_the_single_ones_left_to_the_rest() -> None:
    found = count_words(["The cat, the CAT!", "a Dog barks", "the dog"])
    assert found == Mix(8, {"the": 3, "cat": 2, "dog": 2})
    assert found.rest == 1


def test_known_words_are_counted_whatever_else_there_is() -> None:
    found = count_words(["the bird sang to the bird"], ["the", "cat"])
    assert found == Mix(6, {"the": 2, "cat": 0})
    assert found.beside(Mix(3, {"the": 1})) == ([2, 0, 4], [1, 0, 2])


def test_only_the_beginning_of_a_huge_text_is_read() -> None:
    assert count_words(["ab " * 1_000_000]).total == CHARACTERS // len("ab ")


def test_many_texts_are_counted_in_part() -> None:
    texts = [f"common word{number}" for number in range(50_001)]
    found = count_words(texts)
    assert found.counts["common"] <= 20_000
    assert abs(found.shares["common"] - 0.5) < 0.01


def test_a_profile_is_bounded_and_comes_back() -> None:
    chance = random.Random(1)
    words = ["".join(chance.choices(string.ascii_lowercase, k=chance.randint(2, 60))) for _ in range(5000)]
    texts = [" ".join(chance.choices(words, k=200)) for _ in range(500)]
    labels = [f"label number {number}" for number in range(3000)]
    profile = Profile(
        profile_answers([answer(chance.choice(labels), chance.random()) for _ in range(9000)]),
        count_targets(chance.choices(labels, k=9000)),
        count_words(texts),
    )
    told = json.dumps(profile.to_json(), separators=(",", ":"))
    assert len(told) < 64_000
    assert Profile.from_json(json.loads(told)) == profile
    assert profile.words is not None
    assert len(profile.words.counts) == 1000
    assert profile.answers.labels.total == 9000


@given(st.lists(st.text(max_size=60), max_size=30))
def test_any_text_can_be_counted(texts: list[str]) -> None:
    found = count_words(texts)
    assert 0 <= found.rest <= found.total
    assert Profile.from_json(
        json.loads(json.dumps(Profile(profile_answers([]), count_targets([]), found).to_json()))
    ) == Profile(profile_answers([]), count_targets([]), found)
