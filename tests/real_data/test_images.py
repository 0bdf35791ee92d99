"""Images as they are: 2,000 photographs of CIFAR-10 through a whole training, and photographs of ImageNet through a
net of ResNet-18's shape, from its import to answers over HTTP.

Settings and features of the candidates were chosen by cross-validation on the rows that the split learns from;
nothing was chosen by looking at the rows that are tested here.
"""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from tests.cli.conftest import winnow
from tests.projects import Server, settings_of
from tests.proofs.clients import Client
from tests.real_data.resnet import write_resnet18
from winnow.domain import Status
from winnow.lifecycle.trainer import watch_run
from winnow.workspace import Workspace

DATA = Path(os.environ.get("WINNOW_REAL_DATA") or Path(__file__).parents[3] / "shared" / "data") / "images"
CIFAR, IMAGENET = DATA / "cifar10", DATA / "imagenet_samples"
CANDIDATES = ("pixels-linear", "pixels-svm", "gradient-boosting")

PHOTOS = """
[project]
name = "photos"

[services.things]
task = "image-classification"
candidates = ["pixels-linear", "pixels-svm", "gradient-boosting"]
gates = { accuracy = ">= 0.45" }
"""

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.slow,
    pytest.mark.skipif(
        not CIFAR.is_dir(), reason=f"no real images in {DATA}: name the folder of real data in WINNOW_REAL_DATA"
    ),
]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """The report of one training on the photographs, by the real trainer process."""
    project = tmp_path_factory.mktemp("cifar")
    (project / "winnow.toml").write_text(PHOTOS, encoding="utf-8")
    workspace = Workspace(settings_of(project))
    workspace.open()
    try:
        loaded = workspace.load("things", CIFAR, name=CIFAR.name)
        assert (loaded.rows, loaded.refused, loaded.accepted) == (2000, 0, 2000)
        run = watch_run(workspace.database, "things", workspace.start_run("things").id, lambda _progress: None)
        assert run.status is Status.FINISHED, run.error
        assert run.report is not None
        for candidate in run.report["candidates"]:
            figures = [f"{candidate[key]:.2f}" for key in ("fit_seconds", "size_mb")]
            print(candidate["name"], candidate["metrics"]["accuracy"], *figures, candidate["predict"])  # noqa: T201
        return run.report
    finally:
        workspace.close()


def test_the_best_candidate_that_is_no_neural_net_knows_nearly_every_second_photograph(
    report: Mapping[str, Any],
) -> None:
    """Of ten kinds of things; a guess is right one time in ten."""
    assert report["counts"]["test"] > 350
    accuracy = {entry["name"]: entry["metrics"]["accuracy"] for entry in report["candidates"]}
    assert max(accuracy.values()) >= 0.45
    assert report["decision"]["promoted"] == 2, "pixels-svm is the best of them"
    assert all(figure > report["baseline"]["metrics"]["accuracy"] + 0.15 for figure in accuracy.values())


def test_every_photograph_was_answered(report: Mapping[str, Any]) -> None:
    assert [entry["name"] for entry in report["candidates"]] == list(CANDIDATES)
    assert all(entry["metrics"]["unanswered"] == 0 for entry in report["candidates"])


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Server]]:
    """A project whose only model was imported by command; and its server."""
    project = tmp_path_factory.mktemp("imagenet")
    library = json.dumps(str(IMAGENET))
    (project / "winnow.toml").write_text(
        f'[project]\nname = "gallery"\n[services.things]\ntask = "image-classification"\nlibrary = {library}\n'
        "[services.things.serving]\ntimeout_ms = 60000\n",
        encoding="utf-8",
    )
    parameters = write_resnet18(project / "resnet18.onnx")
    assert parameters == 11_689_512, "as many as ResNet-18 has"
    labels = {str(place): [f"n{place:08}", f"kind {place}"] for place in range(1000)}
    (project / "labels.json").write_text(json.dumps(labels))
    shown = winnow("import", "things", "resnet18.onnx", "--labels", "labels.json", project=project)
    assert shown.code == 0, shown.err
    assert "of 1,000 labels for n01443537_goldfish.JPEG of the library" in shown.out
    with Server(project) as server:
        yield project, server


def prepared(path: Path) -> np.ndarray:
    """An image as ImageNet's nets are given it, by the usual steps: resize to 256, cut 224, standardise."""
    with Image.open(path) as file:
        image = file.convert("RGB")
    scale = 256 / min(image.size)
    image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BILINEAR)
    left, top = (image.width - 224) // 2, (image.height - 224) // 2
    pixels = np.asarray(image.crop((left, top, left + 224, top + 224)), np.float32) / 255
    standardised = (pixels - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    found: np.ndarray = standardised.transpose(2, 0, 1)[None].astype(np.float32)
    return found


def test_photographs_are_answered_with_the_top_five(gallery: tuple[Path, Server]) -> None:
    """As the graph itself answers, up to what half a pixel's shift does to a net that was never trained."""
    project, server = gallery
    session = onnxruntime.InferenceSession(project / "resnet18.onnx", providers=["CPUExecutionProvider"])
    files = sorted(IMAGENET.iterdir())
    assert len(files) >= 20
    agreed = 0
    with Client(server.url) as client:
        for path in files:
            body = {"input": b64encode(path.read_bytes()).decode(), "top_k": 5}
            reply = client.ask("POST", "/services/things/predict", body)
            assert reply.status == 200, reply.body
            scores = reply.body["scores"]
            assert len(scores) == 5
            assert list(scores.values()) == sorted(scores.values(), reverse=True)
            assert reply.body["label"] == next(iter(scores))
            named = client.ask("POST", "/services/things/predict", {"input": {"library": path.name}, "top_k": 5})
            assert named.body["scores"] == scores
            (logits,) = session.run(None, {"image": prepared(path)})
            best = {f"kind {place}" for place in np.argsort(-logits[0])[:5]}
            agreed += len(best & set(scores))
    assert agreed / (5 * len(files)) > 0.8
