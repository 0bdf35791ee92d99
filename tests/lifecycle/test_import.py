"""`winnow import`: a classifier trained elsewhere becomes a version, or nothing at all is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
import pytest

from tests.cli.conftest import winnow
from tests.models.pictures import LABELS, image_graph, odd_pictures, picture, write_classifier
from tests.projects import settings_of
from winnow.domain import Status
from winnow.errors import BundleRefused, Cancelled, Conflict, GateRefused, InvalidInput, NotFound
from winnow.lifecycle import importing
from winnow.lifecycle.importing import Imported, TrainedElsewhere
from winnow.models.bundle import load_bundle
from winnow.store import runs
from winnow.workspace import Workspace

TOML = """
[project]
name = "shop"

[services.photos]
task = "image-classification"

[services.photos.gates]
accuracy = ">= 0.9"
recall = { upright = ">= 0.5" }
size_mb = "<= 50"

[services.fixed]
task = "image-classification"
labels = ["upright", "level"]
library = "library"

[services.tags]
task = "image-classification"
separator = ","

[services.texts]
task = "text-classification"
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "winnow.toml").write_text(TOML, encoding="utf-8")
    write_classifier(folder)
    (folder / "library").mkdir()
    (folder / "library" / "bars.png").write_bytes(picture("upright", 4))
    workspace = Workspace(settings_of(folder))
    workspace.open()
    yield workspace
    workspace.close()


def folder_of(workspace: Workspace) -> Path:
    return workspace.project.folder


def bring(
    workspace: Workspace, service: str = "photos", *, image: Path | None = None, promote: bool = False, **more: Any
) -> Imported:
    folder = folder_of(workspace)
    given: dict[str, Any] = {
        "model": folder / "model.onnx",
        "labels": folder / "labels.json",
        "name": "mine",
    } | more
    return workspace.import_model(service, TrainedElsewhere(**given), image, promote=promote)


def nothing_is_kept(workspace: Workspace, service: str = "photos") -> bool:
    bundles = [path for path in workspace.models.rglob("*") if path.is_file()]
    return not workspace.versions(service, 10) and workspace.champion(service) is None and not bundles


def test_the_first_becomes_champion_with_its_reasons(workspace: Workspace) -> None:
    done = bring(workspace)
    assert (done.version, done.name, done.labels, done.champion) == (1, "mine", len(LABELS), True)
    assert len(done.answer["scores"]) == 5
    assert list(done.answer["scores"].values()) == sorted(done.answer["scores"].values(), reverse=True)
    version = workspace.champion("photos")
    assert version is not None
    assert version.candidate == "mine"
    assert version.parameters["model"] == "model.onnx"
    assert (version.parameters["resize"], version.parameters["crop"]) == (27, 24)
    (promotion,) = workspace.promotions("photos", 10)
    assert promotion.reasons == done.reasons
    assert promotion.reasons[:3] == [
        "imported by a person from model.onnx, and tried on an image that was made up",
        "there was no champion",
        "no run has compared its answers with examples",
    ]
    missing = "could not be measured, so >= 0.9 is not met: no test row was put to the model"
    assert f"accuracy {missing}" in promotion.reasons
    assert [gate["gate"] for gate in version.gates if gate["passed"]] == ["size_mb", "regression"]
    model = load_bundle(workspace.models / version.path, version.sha256)
    assert model.question.labels == LABELS


def test_its_run_has_ended_and_hides_no_report(workspace: Workspace) -> None:
    bring(workspace)
    (run,) = workspace.runs("photos", 10)
    assert (run.status, run.report) == (Status.FINISHED, None)
    with pytest.raises(NotFound, match="no report yet"):
        workspace.report("photos")
    with workspace.database.write() as connection:
        older = runs.create(connection, "photos")
        assert runs.finish(connection, older.id, {"run": older.id})
    bring(workspace)
    assert workspace.report("photos") == {"run": older.id}


def test_the_next_waits_for_a_person_and_gates_are_asked_then(workspace: Workspace) -> None:
    bring(workspace)
    second = bring(workspace, name="second")
    assert (second.version, second.champion) == (2, False)
    assert second.reasons[1] == "the champion was version 1"
    with pytest.raises(GateRefused, match=r"recall\.upright could not be measured"):
        workspace.promote("photos", 2)
    assert bring(workspace, name="third", promote=True).champion
    champion = workspace.champion("photos")
    assert champion is not None
    assert champion.number == 3
    assert workspace.rollback("photos").version == 1


def test_it_is_tried_on_what_there_is(workspace: Workspace) -> None:
    given = folder_of(workspace) / "given.png"
    given.write_bytes(picture("level", 8))
    assert bring(workspace, image=given).image == "given.png"
    assert bring(workspace, "fixed").image == "bars.png of the library"
    workspace.add_example("photos", picture("plain", 1), "plain")
    assert bring(workspace).image == "the newest example"


@pytest.mark.parametrize("number", range(len(odd_pictures())))
def test_any_sound_image_will_do(number: int, workspace: Workspace) -> None:
    given = folder_of(workspace) / "odd"
    given.write_bytes(odd_pictures()[number])
    assert bring(workspace, image=given).champion


def test_labels_of_winnow_toml_are_the_question(workspace: Workspace) -> None:
    assert bring(workspace, "fixed").labels == 2
    version = workspace.champion("fixed")
    assert version is not None
    assert load_bundle(workspace.models / version.path).question.labels == ("upright", "level")
    other = folder_of(workspace) / "other.json"
    other.write_text(json.dumps([label.replace("level", "lever") for label in LABELS]))
    with pytest.raises(
        BundleRefused, match=r"other\.json does not have the label 'level', .* Did you mean 'lever'\?"
    ):
        bring(workspace, "fixed", labels=other)


def test_services_that_ask_for_something_else_are_named(workspace: Workspace) -> None:
    with pytest.raises(InvalidInput, match="'texts' asks for text-classification"):
        bring(workspace, "texts")
    with pytest.raises(InvalidInput, match="'tags' asks for several labels of an image"):
        bring(workspace, "tags")
    with pytest.raises(NotFound, match="no service 'photo'"):
        bring(workspace, "photo")
    assert not workspace.runs("texts", 1)


def spoil(workspace: Workspace, what: str) -> dict[str, Any]:
    """Make one thing wrong; returns what to import then."""
    folder = folder_of(workspace)
    wrong: dict[str, Any] = {}
    match what:
        case "no graph":
            (folder / "model.onnx").write_bytes(b"weights, honestly")
        case "external weights":
            shape = {"save_as_external_data": True, "location": "weights.bin", "size_threshold": 0}
            onnx.save(image_graph(len(LABELS)), folder / "model.onnx", **shape)
        case "no file":
            wrong["model"] = folder / "elsewhere.onnx"
        case "grey":
            onnx.save(image_graph(len(LABELS), shape=("n", "c", 24, 24)), folder / "model.onnx")
            model = onnx.load(folder / "model.onnx")
            model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 1
            onnx.save(model, folder / "model.onnx")
        case "other labels":
            (folder / "labels.json").write_text(json.dumps(LABELS[:-1]))
        case "no labels":
            (folder / "labels.json").write_text("upright\nlevel")
        case "crop":
            wrong["crop"] = 32
        case "deviation":
            wrong["deviation"] = (0.0, 1.0, 1.0)
    return wrong


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("no graph", r"model\.onnx cannot be read as an ONNX graph"),
        ("external weights", r"model\.onnx cannot be read as an ONNX graph"),
        ("no file", r"elsewhere\.onnx cannot be read: No such file"),
        ("grey", r"model\.onnx"),
        ("other labels", "gives 8 numbers for an image, and there are 7 labels"),
        ("no labels", r"labels\.json is not JSON"),
        ("crop", "takes images of 24 pixels a side, and they would be cut to 32"),
        ("deviation", "deviations above 0"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_and_nothing_is_kept(what: str, said: str, workspace: Workspace) -> None:
    wrong = spoil(workspace, what)
    with pytest.raises(BundleRefused, match=said):
        bring(workspace, **wrong)
    assert nothing_is_kept(workspace)
    assert not workspace.runs("photos", 10)


@pytest.mark.parametrize(
    "content", [b"", b"an image, honestly", picture("plain", 1)[:60]], ids=["empty", "text", "cut"]
)
def test_an_image_that_cannot_be_read_is_named(content: bytes, workspace: Workspace) -> None:
    given = folder_of(workspace) / "given.png"
    given.write_bytes(content)
    with pytest.raises(InvalidInput, match=r"given\.png: the "):
        bring(workspace, image=given)
    assert nothing_is_kept(workspace)


def test_a_service_that_is_being_trained_takes_none(workspace: Workspace) -> None:
    with workspace.database.write() as connection:
        run = runs.create(connection, "photos")
    with pytest.raises(Conflict, match="is being trained already"):
        bring(workspace)
    assert nothing_is_kept(workspace)
    assert [found.id for found in workspace.runs("photos", 10)] == [run.id]


@pytest.mark.parametrize("step", ["save_bundle", "load_bundle", "_version", "_register"])
def test_a_failure_half_way_keeps_nothing_and_says_why(
    step: str, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(*_given: object, **_named: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(importing, step, break_off)
    with pytest.raises(OSError, match="no space left"):
        bring(workspace)
    assert nothing_is_kept(workspace)
    (run,) = workspace.runs("photos", 10)
    assert run.status is Status.FAILED
    assert run.error == "the import of model.onnx failed: no space left on device"
    monkeypatch.undo()
    assert bring(workspace).version == 1


def test_an_import_that_was_cancelled_meanwhile_keeps_nothing(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = load_bundle

    def cancel(*given: Any) -> Any:
        (run,) = workspace.runs("photos", 1)
        workspace.cancel_run("photos", run.id)
        return loaded(*given)

    monkeypatch.setattr(importing, "load_bundle", cancel)
    with pytest.raises(Cancelled):
        bring(workspace)
    assert nothing_is_kept(workspace)
    assert workspace.runs("photos", 1)[0].status is Status.CANCELLED


@pytest.mark.slow
def test_the_command_shows_the_most_probable_labels_and_what_became_of_it(workspace: Workspace) -> None:
    folder = folder_of(workspace)
    (folder / "pic.png").write_bytes(picture("upright", 6))
    options = ("--labels", "labels.json", "--image", "pic.png", "--mean", 0.5, 0.5, 0.5)
    shown = winnow("import", "photos", "model.onnx", *options, project=folder)
    assert shown.code == 0, shown.err
    lines = shown.out.splitlines()
    assert lines[0] == "Most probable of 8 labels for pic.png:"
    assert "Version 1 of photos, model, is the champion now" in lines
    again = winnow("import", "photos", "model.onnx", *options, "--name", "again", "--json", project=folder)
    assert again.json["version"] == 2
    assert again.json["champion"] is False
    assert len(again.json["answer"]["scores"]) == 5
    assert workspace.versions("photos", 1)[0].parameters["mean"] == [0.5, 0.5, 0.5]
    refused = winnow("import", "photos", "model.onnx", *options, "--crop", 9, project=folder)
    assert refused.code == 5
    assert "they would be cut to 9" in refused.err
    assert "imported" in winnow("versions", "photos", project=folder).out
    assert winnow("status", project=folder).code == 0
    assert winnow("promote", "photos", 2, project=folder).code == 1
    assert winnow("promote", "photos", 2, "--force", project=folder).code == 0
