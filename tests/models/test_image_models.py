"""Models of images: rows that fail alone, heads that compare, classifiers trained elsewhere, and their labels."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper
from PIL import Image
from sklearn.metrics.pairwise import rbf_kernel

from tests.models import pictures
from tests.models.conftest import READ_IMAGES, Train
from tests.models.pictures import LABELS, encoded, picture, write_classifier
from winnow.domain import Examples, no_progress
from winnow.errors import BundleRefused, InvalidInput, ModelFailed, ProjectError, TrainingFailed
from winnow.models import files
from winnow.models.base import Candidate, Model, Question, make_candidate
from winnow.models.bundle import load_bundle, save_bundle
from winnow.models.image_candidates import PixelsLinear, PixelsSVM
from winnow.models.image_labels import read_labels
from winnow.models.kernel import FACTS as KERNEL_FACTS
from winnow.models.kernel import Kernel, likeness
from winnow.models.kernel_training import fit_kernel, part_scale
from winnow.models.linear_layers import linear_svm
from winnow.models.pretrained_image import FACTS
from winnow.project import CandidateSpec

BROKEN = {
    "empty": b"",
    "text": b"an image, honestly",
    "cut": picture("plain", 1)[:60],
    "header": picture("plain", 1)[:8] + b"\xff" * 200,
}


def make(family: str, folder: Path, **parameters: Any) -> Candidate:
    spec = CandidateSpec(family=family, name=family, parameters=parameters)
    return make_candidate(spec, folder, "image-classification")


def pretrained(folder: Path, labels: Sequence[str] = LABELS[:3], **options: Any) -> Model:
    write_classifier(folder, **options)
    examples = Examples([picture("plain", i) for i in range(len(labels))], list(labels))
    return make("pretrained", folder).fit(examples, Question(tuple(labels)), no_progress)


def scores(model: Model, content: bytes) -> dict[str, float]:
    (answer,) = model.answer([content])
    assert isinstance(answer, dict), answer
    return answer["scores"]


@pytest.mark.parametrize("name", sorted(READ_IMAGES.keys() - {"majority-images"}))
def test_a_file_that_is_no_image_fails_alone(name: str, trained: Train) -> None:
    model, sample = trained(name, "three")
    good = sample.asked[:2]
    outcomes = model.answer([good[0], *BROKEN.values(), good[1]])
    assert [type(outcome) for outcome in outcomes[1:-1]] == [InvalidInput] * len(BROKEN)
    assert [outcomes[0], outcomes[-1]] == model.answer(good)


@pytest.mark.parametrize("candidate", [PixelsLinear(), PixelsSVM()])
def test_an_example_that_cannot_be_decoded_is_named(candidate: Candidate) -> None:
    examples = Examples([picture("plain", 1), BROKEN["cut"]], ["a", "b"])
    with pytest.raises(TrainingFailed, match="example 2 of 2 cannot be learned from: the PNG image is damaged"):
        candidate.fit(examples, Question(("a", "b")), no_progress)


def test_a_model_knows_no_limit_of_its_own(trained: Train) -> None:
    """The service's were put to the file by its task; what that let through must be answered."""
    model, _ = trained("pixels-linear", "two")
    large = encoded(Image.new("RGB", (8000, 7000)), "PNG", compress_level=1)
    assert set(scores(model, large)) == {"level", "upright"}


def test_a_kernel_compares_as_scikit_learn_does() -> None:
    random = np.random.default_rng(1)
    landmarks, rows = random.normal(size=(7, 5)), random.normal(size=(9, 5))
    found = [likeness(row, landmarks, (landmarks**2).sum(axis=1)) for row in rows]
    np.testing.assert_allclose(found, rbf_kernel(rows, landmarks, gamma=1.0), rtol=1e-12)


@pytest.mark.parametrize("landmarks", [40, 1000])
def test_a_kernel_learns_what_no_layer_can(landmarks: int) -> None:
    """Corners of a square that lie opposite have one label (exclusive or), and the middle is no line's."""
    random = np.random.default_rng(2)
    corners = random.integers(0, 2, (200, 2))
    vectors = corners + random.normal(0, 0.1, (200, 2))
    targets = (corners[:, 0] ^ corners[:, 1]).astype(np.intp)
    scale = part_scale(vectors, [(1, 1.0), (1, 1.0)])
    learn = linear_svm(10.0, balanced=False, seed=0)
    question = Question(("same", "other"))
    kernel = fit_kernel(learn, vectors, scale, landmarks, targets, question, 0, no_progress)
    found = [int(np.argmax(kernel.probabilities(row))) for row in vectors]
    assert found == targets.tolist()


def test_parts_of_vectors_weigh_what_they_should() -> None:
    random = np.random.default_rng(3)
    vectors = np.hstack([random.normal(0, 50, (5000, 10)), np.full((5000, 2), 7.0), random.normal(0, 1, (5000, 4))])
    scaled = vectors * part_scale(vectors, [(10, 1.0), (2, 1.0), (4, 0.5)])
    spread = [scaled[:, part].var(axis=0).sum() for part in (slice(0, 10), slice(10, 12), slice(12, 16))]
    np.testing.assert_allclose(spread, [0.8, 0.0, 0.2], rtol=1e-9)


def test_a_kernel_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    kernel = Kernel(np.ones(3), np.ones((4, 3)), np.ones((4, 2)), np.zeros(2), "softmax")
    kernel.save(tmp_path)
    assert Kernel.load(tmp_path, 3, 2).probabilities(np.ones(3)) == kernel.probabilities(np.ones(3))
    for columns, labels in ((2, 2), (3, 3)):
        with pytest.raises(BundleRefused, match=r"kernel\.npz"):
            Kernel.load(tmp_path, columns, labels)
    Kernel(np.ones(3), np.ones((4, 3)), np.ones((5, 2)), np.zeros(2), "softmax").save(tmp_path)
    with pytest.raises(BundleRefused, match="as many weights as landmarks"):
        Kernel.load(tmp_path, 3, 2)
    files.write_json(tmp_path / KERNEL_FACTS, {"link": "import os"})
    with pytest.raises(BundleRefused, match="no link of ours"):
        Kernel.load(tmp_path, 3, 2)


@pytest.mark.parametrize("flat", [True, False])
@pytest.mark.parametrize("softmax", [True, False])
def test_a_pretrained_classifier_answers_with_its_own_probabilities(
    softmax: bool, flat: bool, tmp_path: Path
) -> None:
    """Whether it gives logits or probabilities; compared with ONNX Runtime itself on the prepared image."""
    model = pretrained(tmp_path, LABELS, softmax=softmax, flat=flat)
    content = encoded(Image.linear_gradient("L").resize((24, 24)).convert("RGB"))
    pixels = np.asarray(Image.open(tmp_path / _write(tmp_path / "x.png", content)).convert("RGB"), np.float32) / 255
    resized = make("pretrained", tmp_path, resize=24)
    examples = Examples([content] * len(LABELS), list(LABELS))
    model = resized.fit(examples, Question(LABELS), no_progress)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    tensor = ((pixels - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)).astype(np.float32).transpose(2, 0, 1)[None]
    raw = np.ravel(session.run(None, {"image": tensor})[0]).astype(np.float64)
    expected = raw if softmax else np.exp(raw - raw.max()) / np.exp(raw - raw.max()).sum()
    np.testing.assert_allclose(list(scores(model, content).values()), expected, atol=1e-6)


def _write(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return path.name


@pytest.mark.parametrize("softmax", [True, False])
def test_of_a_classifier_with_more_labels_only_those_of_the_question_count(softmax: bool, tmp_path: Path) -> None:
    whole, part = (pretrained(tmp_path, labels, softmax=softmax) for labels in (LABELS, ("good", "plain")))
    content = picture("level", 5)
    every = scores(whole, content)
    total = every["good"] + every["plain"]
    expected = {"good": every["good"] / total, "plain": every["plain"] / total}
    assert scores(part, content) == pytest.approx(expected, abs=1e-9)


def test_a_pretrained_classifier_names_the_label_that_it_does_not_know(tmp_path: Path) -> None:
    with pytest.raises(TrainingFailed, match=r"does not have the label 'uprigth'\. Did you mean 'upright'\?"):
        pretrained(tmp_path, ("uprigth", "level"))


def test_a_pretrained_classifier_gives_one_label(tmp_path: Path) -> None:
    write_classifier(tmp_path)
    sample = pictures.several_labels()
    with pytest.raises(TrainingFailed, match="gives one label, and here several may apply"):
        make("pretrained", tmp_path).fit(sample.examples, sample.question, no_progress)


def test_as_many_labels_as_outputs(tmp_path: Path) -> None:
    write_classifier(tmp_path)
    (tmp_path / "labels.json").write_text(json.dumps(LABELS[:5]))
    examples = Examples([picture("plain", 1), picture("plain", 2)], list(LABELS[:2]))
    with pytest.raises(BundleRefused, match="gives 8 numbers for an image, and there are 5 labels"):
        make("pretrained", tmp_path).fit(examples, Question(LABELS[:2]), no_progress)


def test_maps_are_no_answer_of_a_classifier(tmp_path: Path) -> None:
    path = write_classifier(tmp_path)
    model = onnx.load(path)
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info("kept", TensorProto.FLOAT, [1, 6, 24, 24]))
    onnx.save(model, path)
    examples = Examples([picture("plain", 1), picture("plain", 2)], list(LABELS[:2]))
    with pytest.raises(BundleRefused, match="a classifier gives one per label"):
        make("pretrained", tmp_path).fit(examples, Question(LABELS[:2]), no_progress)


def test_a_net_that_breaks_on_one_image_fails_for_that_one(tmp_path: Path) -> None:
    """Its numbers are none for images that are all white: a logarithm of nothing."""
    path = write_classifier(tmp_path)
    model = onnx.load(path)
    first = next(node for node in model.graph.node if node.op_type == "Conv")
    nodes = [helper.make_node("ReduceMax", ["image"], ["most"], keepdims=1)]
    nodes.append(helper.make_node("Sub", ["white", "most"], ["left"]))
    nodes += [
        helper.make_node("Log", ["left"], ["logarithm"]),
        helper.make_node("Mul", ["logarithm", "none"], ["nil"]),
    ]
    nodes.append(helper.make_node("Add", ["image", "nil"], ["read"]))
    first.input[0] = "read"
    rest = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*nodes, *rest])
    white = np.float32((1 - 0.406) / 0.225)
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.full((1, 1, 1, 1), white), "white"))
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.zeros((1, 1, 1, 1), np.float32), "none"))
    onnx.save(model, path)
    examples = Examples([picture("plain", 1), picture("plain", 2)], list(LABELS[:2]))
    found = make("pretrained", tmp_path, resize=24).fit(examples, Question(LABELS[:2]), no_progress)
    good, bad = picture("plain", 3), encoded(Image.new("RGB", (24, 24), (255, 255, 255)))
    outcomes = found.answer([good, bad, good])
    assert isinstance(outcomes[1], ModelFailed)
    assert outcomes[0] == outcomes[2] == found.answer([good])[0]
    assert isinstance(outcomes[0], dict)


@pytest.mark.parametrize(
    "wrong",
    [
        {"places": [0, 1]},
        {"places": [0, 1, 8]},
        {"places": [0, 1, -1]},
        {"places": "012"},
        {"scale": "logit"},
        {"preprocessing": {}},
    ],
)
def test_a_tampered_classifier_is_refused(wrong: dict[str, Any], tmp_path: Path) -> None:
    pretrained(tmp_path).save(_folder(tmp_path / "bundle"))
    facts = files.read_object(tmp_path / "bundle" / FACTS)
    files.write_json(tmp_path / "bundle" / FACTS, facts | wrong)
    family = type(pretrained(tmp_path))
    with pytest.raises(BundleRefused, match=r"pretrained\.json"):
        family.load(tmp_path / "bundle", Question(LABELS[:3]))


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def test_a_changed_graph_is_refused(tmp_path: Path) -> None:
    model = pretrained(tmp_path)
    bundle = save_bundle(model, tmp_path / "bundle", task="image-classification", golden=[picture("level", 1)])
    graph = bundle.folder / "model.onnx"
    graph.write_bytes(graph.read_bytes() + b"\0")
    with pytest.raises(BundleRefused, match=r"model\.onnx was changed"):
        load_bundle(bundle.folder, bundle.sha256)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (["crow", "crane"], ("crow", "crane")),
        ({"1": "crane", "0": " crow "}, ("crow", "crane")),
        ({"0": ["n01", "crow"], "1": ["n02", "crane"]}, ("crow", "crane")),
        ([["n01", "crane"], ["n02", "crane"], ["n03", "crow"]], ("crane (n01)", "crane (n02)", "crow")),
        (["crane", "crow", "crane"], ("crane (0)", "crow", "crane (2)")),
        ({str(place): str(place) for place in range(11)}, tuple(map(str, range(11)))),
    ],
)
def test_labels_are_read_as_they_are_usually_written(
    content: object, expected: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "labels.json"
    path.write_text("\ufeff" + json.dumps(content), encoding="utf-8")
    assert read_labels(path) == expected


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("crow\ncrane", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ('"crow"', "holds str; labels are written as"),
        ('{"0": "crow", "2": "crane"}', "none of them is number 1"),
        ('["crow", 7]', "number 1 is 7, which is no label"),
        ('["crow", ""]', "number 1 is '', which is no label"),
        ('["crow", ["a", "b", "c"]]', "which is no label"),
        ('["crow"]', "has 1 labels; a classifier has at least two"),
        ('[["n1", "crane"], ["n1", "crane"]]', r"has the label 'crane \(n1\)' twice"),
    ],
)
def test_labels_that_cannot_be_used_are_refused(content: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "labels.json"
    path.write_text(content)
    with pytest.raises(BundleRefused, match=f"labels.json.*{said}"):
        read_labels(path)
    with pytest.raises(BundleRefused, match=r"none\.json cannot be read: No such file"):
        read_labels(tmp_path / "none.json")


def test_files_stand_beside_the_project_file(tmp_path: Path) -> None:
    for family, what in (
        ("backbone-linear", "'model' should be an ONNX file"),
        ("pretrained", "'model' should be"),
    ):
        with pytest.raises(ProjectError, match=f"candidate '{family}': {what} .*beside winnow.toml"):
            make(family, tmp_path)
    write_classifier(tmp_path, name="deep")
    assert make("backbone-linear", tmp_path, model="deep.onnx").parameters["model"] == "deep.onnx"
    with pytest.raises(ProjectError, match=r"'labels' should be a JSON file beside winnow\.toml, not 'none\.json'"):
        make("pretrained", tmp_path, model="deep.onnx", labels="none.json")
    with pytest.raises(ProjectError, match="'deviation' should be three numbers above 0"):
        make("backbone-linear", tmp_path, model="deep.onnx", deviation=[0, 1, 1])
    with pytest.raises(ProjectError, match="'crop' should be at most `resize`, which is 20, not 30"):
        make("backbone-linear", tmp_path, model="deep.onnx", resize=20, crop=30)


def test_one_name_is_another_family_for_texts(tmp_path: Path) -> None:
    assert type(make("gradient-boosting", tmp_path)).__name__ == "ImageGradientBoosting"
    spec = CandidateSpec(family="pixels-svm", name="svm")
    with pytest.raises(ProjectError, match="learns image-classification, not text-classification"):
        make_candidate(spec, tmp_path, "text-classification")
