"""Texts and labels are read as winnow.toml describes them, from CSV cells and from JSON alike."""

from __future__ import annotations

from typing import Any

import pytest

from winnow.domain import Target
from winnow.errors import InvalidInput
from winnow.project import ServiceConfig
from winnow.tasks.text_classification import TextClassification


def task(**options: Any) -> TextClassification:
    return TextClassification(ServiceConfig.model_validate({"task": "text-classification", **options}))


STARS = {"labels": {"negative": ["1", "2"], "positive": ["3", "4", "5"]}}
TAGS = {"separator": "|", "labels": ["news", "sport", "art"]}
FLAGS = {"label": ["toxic", "insult"]}


@pytest.mark.parametrize(
    ("options", "row", "target"),
    [
        ({}, {"label": " good "}, "good"),
        ({}, {"label": 3}, "3"),
        ({}, {"label": True}, "true"),
        (STARS, {"label": "2"}, "negative"),
        (STARS, {"label": 5}, "positive"),
        (TAGS, {"label": "art|news"}, ["news", "art"]),
        (TAGS, {"label": ["art", "news", "art"]}, ["news", "art"]),
        (TAGS, {"label": ""}, []),
        (FLAGS, {"toxic": "1", "insult": "0"}, ["toxic"]),
        (FLAGS, {"toxic": False, "insult": 1.0}, ["insult"]),
    ],
)
def test_targets_of_rows(options: dict[str, Any], row: dict[str, Any], target: Target) -> None:
    assert task(**options).read_row({"text": "a", **row}) == ("a", target)


@pytest.mark.parametrize(
    ("options", "row", "says"),
    [
        ({}, {"label": ""}, "column 'label' is empty"),
        ({}, {"label": None}, "column 'label' is empty"),
        ({}, {"label": ["a"]}, "should hold one label, not ['a']"),
        ({}, {"label": {"a": 1}}, "should hold one label"),
        (STARS, {"label": "6"}, "has '6', which no label in winnow.toml means"),
        (TAGS, {"label": "news|spot"}, "Did you mean 'sport'?"),
        (FLAGS, {"toxic": "maybe", "insult": "0"}, "column 'toxic' should hold 0 or 1, not 'maybe'"),
    ],
)
def test_refused_targets_of_rows(options: dict[str, Any], row: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        task(**options).read_row({"text": "a", **row})
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("options", "value", "target"),
    [(STARS, "negative", "negative"), (TAGS, ["art", "news"], ["news", "art"]), (TAGS, [], []), ({}, "new", "new")],
)
def test_targets_of_feedback(options: dict[str, Any], value: object, target: Target) -> None:
    assert task(**options).read_target(value) == target


@pytest.mark.parametrize(
    ("options", "value", "says"),
    [
        (STARS, "negativ", "Did you mean 'negative'?"),
        (STARS, ["negative"], "the label should be a text"),
        (STARS, None, "the label should be a text"),
        (TAGS, "art", "should be a list of labels"),
        ({}, " ", "the label should be a text"),
        ({}, "a\ud800", "surrogate"),
    ],
)
def test_refused_targets_of_feedback(options: dict[str, Any], value: object, says: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        task(**options).read_target(value)
    assert says in str(refused.value)


def test_labels_keep_the_order_of_the_project_file_or_else_the_alphabets() -> None:
    assert task(**STARS).question(["positive"]).labels == ("negative", "positive")
    assert task().question(["b", "a", "b"]).labels == ("a", "b")
    several = task(separator="|").question([["b"], ["a", "c"], []])
    assert (several.labels, several.several) == (("a", "b", "c"), True)
