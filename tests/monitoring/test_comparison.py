"""The comparison of versions: who is right, who alone, and on which rows they differ; rows that break included."""

from __future__ import annotations

from collections.abc import Sequence

from winnow.domain import Classification, Examples, Input
from winnow.errors import ModelFailed, WinnowError
from winnow.lifecycle.comparison import MOST_DIFFERENCES, Ask, compare
from winnow.project import ServiceConfig
from winnow.store.blobs import reference
from winnow.tasks.text_classification import TextClassification

TASK = TextClassification(ServiceConfig.model_validate({"task": "text-classification"}))
Outcome = Classification | WinnowError


def one(label: str) -> Classification:
    return {"label": label, "scores": {label: 0.9}}


def asking(*outcomes: Outcome) -> Ask:
    """Answers the rows in order with these."""
    left = list(outcomes)

    async def ask(inputs: Sequence[Input]) -> list[Outcome]:
        return [left.pop(0) for _ in inputs]

    return ask


async def test_each_row_counts_for_whom_it_should() -> None:
    rows = Examples(["p", "q", "r", "s"], ["a", "a", "a", "a"])
    first = asking(one("a"), one("a"), one("b"), one("b"))
    second = asking(one("a"), one("b"), one("a"), one("c"))
    found = await compare(TASK, rows, first, second)
    assert (found.rows, found.first_right, found.second_right) == (4, 2, 2)
    assert (found.only_first_right, found.only_second_right) == (1, 1)
    assert [row.input for row in found.differences] == ["q", "r", "s"]
    assert found.differences[0].first["label"] == "a"
    assert found.differences[0].target == "a"


async def test_a_row_that_breaks_a_model_is_wrong_and_says_so() -> None:
    rows = Examples(["p", "q"], ["a", "a"])
    broken = ModelFailed("the model broke on this input")
    found = await compare(TASK, rows, asking(broken, broken), asking(one("a"), broken))
    assert (found.first_right, found.second_right, found.only_second_right) == (0, 1, 1)
    (difference,) = found.differences
    assert difference.first == {"error": "the model broke on this input"}


async def test_sets_of_labels_are_compared_as_sets() -> None:
    task = TextClassification(
        ServiceConfig.model_validate(
            {"task": "text-classification", "label": ["a", "b"], "labels": ["a", "b"]},
        )
    )
    forth: Classification = {"labels": ["a", "b"], "scores": {"a": 0.9, "b": 0.9}}
    back: Classification = {"labels": ["b", "a"], "scores": {"a": 0.9, "b": 0.6}}
    found = await compare(task, Examples(["p"], [["a", "b"]]), asking(forth), asking(back))
    assert (found.first_right, found.second_right, found.differences) == (1, 1, [])


async def test_files_are_named_by_their_reference_and_many_differences_cut_off() -> None:
    count = MOST_DIFFERENCES + 50
    rows = Examples([b"%d" % number for number in range(count)], ["a"] * count)
    found = await compare(TASK, rows, asking(*[one("a")] * count), asking(*[one("b")] * count))
    assert found.rows == found.first_right == found.only_first_right == count
    assert len(found.differences) == MOST_DIFFERENCES
    assert found.differences[3].input == reference(b"3")


async def test_nothing_to_compare_on_is_no_error() -> None:
    found = await compare(TASK, Examples([], []), asking(), asking())
    assert (found.rows, found.differences) == (0, [])
