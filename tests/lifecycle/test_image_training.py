"""The whole loop for images: loaded, learned from, tested, promoted, asked and corrected, in this process."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.pictures import encoded, plain
from winnow.domain import Examples, Prediction
from winnow.errors import InvalidInput, WinnowError
from winnow.lifecycle.lesson import Lesson, prepare_lesson
from winnow.lifecycle.training import train
from winnow.models.bundle import FACTS
from winnow.runtime import Runtime
from winnow.serving.service import Caller
from winnow.settings import load_settings
from winnow.store import examples, runs
from winnow.store.blobs import StoredFiles, reference
from winnow.tasks.image_classification import ImageClassification
from winnow.workspace import Workspace

PROJECT = """
[project]
name = "tests"

[services.colours]
task = "image-classification"
data = ["colours"]
candidates = ["majority", "pixels-linear"]
"""
CALLER = Caller("a-request", "a test")


def shade(red: int, green: int, blue: int, size: tuple[int, int] = (12, 10)) -> bytes:
    return encoded(plain("RGB", (red, green, blue), size))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Forty red and forty blue pictures of many sizes, all different."""
    (tmp_path / "winnow.toml").write_text(PROJECT)
    for number in range(40):
        for label, colour in (("red", (150 + number, number, 0)), ("blue", (0, number, 150 + number))):
            path = tmp_path / "colours" / label / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(shade(*colour, size=(8 + number, 30 - number // 2)))
    return tmp_path


@pytest_asyncio.fixture
async def runtime(project: Path) -> AsyncIterator[Runtime]:
    """The project at work, trained once."""
    workspace = Workspace(load_settings(project=project))
    workspace.open()
    (report,) = workspace.load_first_data("colours")
    assert (report.format, report.accepted) == ("folder", 80)
    train_here(workspace)
    workspace.close()
    async with Runtime(load_settings(project=project)) as runtime:
        yield runtime


def train_here(workspace: Workspace) -> None:
    """A run in this process."""
    with workspace.database.write() as connection:
        run = runs.create(connection, "colours")
    train(workspace.database, workspace.project, "colours", run.id, workspace.models)


def lesson_of(workspace: Workspace) -> Lesson:
    with workspace.database.read() as connection:
        snapshot = examples.latest_snapshot(connection, "colours")
    assert snapshot is not None
    return prepare_lesson(workspace.database, "colours", workspace.config("colours"), snapshot)


async def test_images_are_learned_and_answered(runtime: Runtime) -> None:
    report = runtime.workspace.report("colours")
    baseline, learned = report["candidates"]
    assert (baseline["name"], learned["name"]) == ("majority", "pixels-linear")
    assert learned["metrics"]["accuracy"] == 1.0
    assert report["counts"]["examples"] == 80
    champion = runtime.workspace.champion("colours")
    assert champion is not None
    assert champion.candidate == "pixels-linear"

    asked = [shade(210, 5, 5), "no base64", shade(5, 5, 210)[:40], shade(5, 5, 210)]
    red, unreadable, cut, blue = await runtime.service("colours").answer(asked, CALLER)
    assert isinstance(red, Prediction)
    assert isinstance(blue, Prediction)
    assert (red.answer["label"], blue.answer["label"]) == ("red", "blue")
    assert isinstance(unreadable, InvalidInput)
    assert isinstance(cut, WinnowError)
    newest = runtime.workspace.history("colours", 10)
    assert {entry.input for entry in newest} == {reference(shade(210, 5, 5)), reference(shade(5, 5, 210))}


async def test_a_correction_becomes_an_example_with_its_image(runtime: Runtime) -> None:
    violet = shade(200, 0, 160)
    (prediction,) = await runtime.service("colours").answer([violet], CALLER)
    assert isinstance(prediction, Prediction)
    runtime.workspace.give_feedback(prediction.id, "violet")
    runtime.workspace.add_example("colours", shade(190, 0, 170), "violet")
    assert [row["input"] for row in runtime.workspace.examples("colours", 2)] == [
        reference(shade(190, 0, 170)),
        reference(violet),
    ]
    train_here(runtime.workspace)
    lesson = lesson_of(runtime.workspace)
    assert lesson.question.labels == ("blue", "red", "violet")
    assert {violet, shade(190, 0, 170)} <= {*lesson.train.inputs, *lesson.test.inputs}
    assert runtime.workspace.report("colours")["champion"]["version"] is not None


async def test_golden_inputs_are_images_and_answered_again(runtime: Runtime) -> None:
    champion = runtime.workspace.champion("colours")
    assert champion is not None
    facts = json.loads((runtime.workspace.models / champion.path / FACTS).read_text())
    golden = [b64decode(case["input"]["base64"]) for case in facts["golden"]]
    assert len(golden) == 8
    assert set(golden) <= set(lesson_of(runtime.workspace).test.inputs)
    assert {case["answer"]["label"] for case in facts["golden"]} == {"red", "blue"}


def test_golden_images_are_small_and_of_every_label_however_many_there_are(project: Path) -> None:
    """Only some are looked at, since each has to be read to know its size."""
    reads = []

    class Counting(StoredFiles):
        def __len__(self) -> int:
            return 5000

        def __getitem__(self, place: int) -> bytes:  # type: ignore[override]
            reads.append(place)
            return bytes(200_000) if place == 3 else bytes(place + 1)

    workspace = Workspace(load_settings(project=project))
    task = workspace.tasks["colours"]
    assert isinstance(task, ImageClassification)
    targets = ["common"] * 4990 + ["rare"] * 10
    test = Examples(Counting(workspace.database, []), targets)
    golden = Lesson(task, task.question(targets), test, test, {}).golden
    assert len(golden) == 8
    assert bytes(4991) in golden, "the first of a label that comes late"
    assert bytes(200_000) not in golden
    assert len(reads) <= 120
    workspace.close()
