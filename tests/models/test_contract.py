"""What every candidate and every model keeps to, whatever its family."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.models.conftest import LEARNERS, SAMPLES, Train, inputs_for, sample_for, task_of
from winnow import plugins
from winnow.domain import Examples, Input, no_progress
from winnow.errors import Cancelled, TrainingFailed
from winnow.models.base import Candidate, Model, Question
from winnow.models.bundle import load_bundle, save_bundle

each_family = pytest.mark.parametrize("name", LEARNERS)
each_question = pytest.mark.parametrize(
    ("name", "sample_name"),
    [(name, sample) for name in LEARNERS for sample in SAMPLES if (name, sample) != ("pretrained", "several")],
)
"""Each family with each question. A pretrained classifier gives one label."""
Learner = Callable[[str], Candidate]

NEVER_LEARN = {"majority", "majority-images", "pretrained"}
"""What does not tell examples of one label from those of another."""
TOO_SIMPLE = NEVER_LEARN | {"boosting-vectors"}
"""What sees too little, even of what it has learned from."""


def test_every_family_that_is_registered_is_tested() -> None:
    registered = set(plugins.names(plugins.CANDIDATES))
    tested = {(f"{task_of(name)}.{family}", family) for name, (family, _) in LEARNERS.items()}
    assert {own if own in registered else family for own, family in tested} == registered


@each_question
def test_an_answer_has_a_probability_for_each_label(name: str, sample_name: str, trained: Train) -> None:
    model, sample = trained(name, sample_name)
    for answer in model.answer(sample.asked):
        assert isinstance(answer, dict)
        scores = answer["scores"]
        assert tuple(scores) == sample.question.labels
        assert all(type(score) is float and 0.0 <= score <= 1.0 for score in scores.values())
        if sample.question.several:
            assert answer["labels"] == [label for label in scores if scores[label] >= 0.5]
        else:
            assert sum(scores.values()) == pytest.approx(1.0, abs=1e-12)
            assert scores[answer["label"]] == max(scores.values())


@each_question
def test_a_batch_is_answered_exactly_as_its_rows_one_at_a_time(name: str, sample_name: str, trained: Train) -> None:
    model, sample = trained(name, sample_name)
    batch = model.answer(sample.asked)
    assert batch == [model.answer([value])[0] for value in sample.asked]
    assert batch[::-1] == model.answer(sample.asked[::-1])
    assert model.answer([]) == []


@each_question
def test_a_saved_model_answers_exactly_as_before(
    name: str, sample_name: str, trained: Train, tmp_path: Path
) -> None:
    model, sample = trained(name, sample_name)
    golden = sample.asked[-5:]
    bundle = save_bundle(model, tmp_path / "first", task=task_of(name), golden=golden)
    loaded = load_bundle(bundle.folder, bundle.sha256)
    assert type(loaded) is type(model)
    assert loaded.answer(sample.asked) == model.answer(sample.asked)
    again = save_bundle(loaded, tmp_path / "again", task=task_of(name), golden=golden)
    assert load_bundle(again.folder).answer(sample.asked) == model.answer(sample.asked)


@each_question
def test_the_same_examples_give_the_same_model(
    name: str, sample_name: str, trained: Train, learner: Learner
) -> None:
    model, sample = trained(name, sample_name)
    again = learner(name).fit(sample.examples, sample.question, no_progress)
    assert again.answer(sample.asked) == model.answer(sample.asked)


@each_family
def test_a_model_answers_from_several_threads_as_from_one(name: str, trained: Train) -> None:
    model, sample = trained(name, "two")
    alone = model.answer(sample.asked)
    with ThreadPoolExecutor(4) as threads:
        assert all(found == alone for found in threads.map(model.answer, [sample.asked] * 8))


@each_family
def test_progress_grows_and_stops_the_work(name: str, learner: Learner) -> None:
    sample = sample_for(name, "three" if name == "pretrained" else "several")
    told: list[float] = []
    learner(name).fit(sample.examples, sample.question, lambda _, done: told.append(done))
    assert told == sorted(told)
    assert told[-1] <= 1.0

    def stop(_stage: str, done: float) -> None:
        if done >= told[-1] / 2:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled, match="stopped"):
        learner(name).fit(sample.examples, sample.question, stop)


@pytest.mark.parametrize("name", sorted(LEARNERS.keys() - TOO_SIMPLE))
def test_a_model_beats_chance_on_what_it_has_seen(name: str, trained: Train) -> None:
    model, sample = trained(name, "two")
    answers = model.answer(sample.examples.inputs)
    right = sum(
        isinstance(answer, dict) and answer["label"] == target
        for answer, target in zip(answers, sample.examples.targets, strict=True)
    )
    assert right / len(answers) > 0.6


@each_family
def test_one_label_alone_teaches_nothing(name: str, learner: Learner) -> None:
    question = Question(("bad", "good"))
    first, second = inputs_for(name, ["the first great thing", "the second great thing"])
    examples = Examples([first, second], ["good", "good"])
    if name in NEVER_LEARN:
        assert _label(learner(name).fit(examples, question, no_progress), first) in ("bad", "good")
        return
    with pytest.raises(TrainingFailed, match="at least two labels, and all 2 examples are 'good'"):
        learner(name).fit(examples, question, no_progress)


@each_family
def test_no_examples_teach_nothing(name: str, learner: Learner) -> None:
    with pytest.raises(TrainingFailed, match="no examples"):
        learner(name).fit(Examples([], []), Question(("bad", "good")), no_progress)


@each_family
def test_a_label_that_the_question_does_not_know_is_named(name: str, learner: Learner) -> None:
    examples = Examples(inputs_for(name, ["the great one", "the other", "the third"]), ["good", "bad", "ugly"])
    with pytest.raises(TrainingFailed, match="'ugly'"):
        learner(name).fit(examples, Question(("bad", "good")), no_progress)


@each_family
def test_two_examples_are_enough_to_learn_something(name: str, learner: Learner) -> None:
    examples = Examples(inputs_for(name, ["the great one", "the awful one"]), ["good", "bad"])
    model = learner(name).fit(examples, Question(("bad", "good")), no_progress)
    assert _label(model, examples.inputs[0]) in ("bad", "good")


@each_family
def test_a_label_with_one_example_is_learned_beside_frequent_ones(name: str, learner: Learner) -> None:
    texts = [f"the great thing number {i}" for i in range(15)] + [f"the awful one {i}" for i in range(15)]
    examples = Examples(inputs_for(name, [*texts, "the odd one"]), ["good"] * 15 + ["bad"] * 15 + ["odd"])
    model = learner(name).fit(examples, Question(("bad", "good", "odd")), no_progress)
    assert _label(model, examples.inputs[3]) in ("bad", "good", "odd")


def _label(model: Model, value: Input) -> str:
    (answer,) = model.answer([value])
    assert isinstance(answer, dict)
    return answer["label"]
