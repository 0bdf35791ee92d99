"""The error tree: one root, facts beside the sentence, and the nearest name."""

from __future__ import annotations

import inspect
import json

import pytest

from winnow import errors
from winnow.errors import FileRefused, GateRefused, MissingExtra, Overloaded, RowRefused, WinnowError, nearest


def test_every_error_stands_in_the_tree_that_is_drawn() -> None:
    classes = [
        kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == errors.__name__
    ]
    assert len(classes) > 10
    for kind in classes:
        assert issubclass(kind, WinnowError)
        assert kind.__name__ in (errors.__doc__ or "")


@pytest.mark.parametrize(
    ("error", "sentence", "details"),
    [
        (RowRefused(7, "is blank"), "line 7: is blank", {}),
        (FileRefused("empty"), "empty", {}),
        (FileRefused("bad", {"rows": 1}), "bad", {"report": {"rows": 1}}),
        (GateRefused("short", iter([{"gate": "accuracy"}])), "short", {"failures": [{"gate": "accuracy"}]}),
        (Overloaded("full", 0.5), "full", {"retry_after": 0.5}),
        (
            MissingExtra("ONNX", "onnx"),
            'ONNX needs packages that are not installed: pip install "winnow[onnx]"',
            {},
        ),
    ],
)
def test_an_error_has_a_sentence_and_facts(error: WinnowError, sentence: str, details: object) -> None:
    assert str(error) == sentence
    assert error.details() == details
    json.dumps(error.details())


def test_the_nearest_name_is_suggested_or_all_are_listed() -> None:
    assert nearest("acuracy", ["accuracy", "f1"]) == " Did you mean 'accuracy'?"
    assert nearest("xyz", ["b", "a"]) == " There is: a, b."
    assert nearest("xyz", []) == ""
