"""What the tests of models share: files beside a project, and models that are trained once for each family."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import pytest

from tests.models import pictures, samples
from winnow.domain import Input, no_progress
from winnow.models.base import Candidate, Model, make_candidate
from winnow.project import CandidateSpec

SAMPLES = ("two", "three", "several")
TEXTS = {"two": samples.two_labels, "three": samples.three_labels, "several": samples.several_labels}
PICTURES = {"two": pictures.two_labels, "three": pictures.three_labels, "several": pictures.several_labels}

READ_TEXT: dict[str, tuple[str, dict[str, object]]] = {
    "majority": ("majority", {}),
    "naive-bayes": ("naive-bayes", {}),
    "linear-svm": ("linear-svm", {}),
    "logistic-regression": ("logistic-regression", {}),
    "boosting": ("gradient-boosting", {"rounds": 15}),
    "boosting-vectors": ("gradient-boosting", {"rounds": 15, "embedding": "vectors.txt"}),
    "net": ("neural-net", {}),
    "net-lsa": ("neural-net", {"embedding": "lsa", "dimensions": 10, "hidden": [8, 4]}),
    "net-encoder": ("neural-net", {"embedding": "encoder"}),
    "encoder-linear": ("encoder-linear", {}),
    "hybrid": ("hybrid", {}),
}
"""Every family that reads texts, and every embedding, by a name of its own."""

READ_IMAGES: dict[str, tuple[str, dict[str, object]]] = {
    "majority-images": ("majority", {}),
    "pixels-linear": ("pixels-linear", {}),
    "pixels-svm": ("pixels-svm", {}),
    "pixels-svm-few": ("pixels-svm", {"landmarks": 20}),
    "boosting-images": ("gradient-boosting", {"rounds": 8}),
    "backbone-linear": ("backbone-linear", {"crop": 32, "strength": 10}),
    "pretrained": ("pretrained", {}),
}
"""Every family that reads images, by a name that no other has."""

LEARNERS = READ_TEXT | READ_IMAGES

Train = Callable[[str, str], tuple[Model, samples.Sample]]


@pytest.fixture(scope="session")
def project_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an encoder, word vectors and graphs that read images, as they stand beside winnow.toml."""
    folder = tmp_path_factory.mktemp("project")
    samples.make_encoder(folder / "encoder")
    lines = ["5 3", "the 1 0 0", "great 0 1 0.5", "très 0.25 -1 0", "livraison 0 0 1", "ENTITY/France 9 9 9"]
    (folder / "vectors.txt").write_text("\n".join(lines), encoding="utf-8")
    pictures.write_classifier(folder)
    pictures.write_classifier(folder / "deep", name="backbone", shape=("n", 3, "height", "width"), flat=False)
    (folder / "deep" / "backbone.onnx").rename(folder / "backbone.onnx")
    return folder


def task_of(name: str) -> str:
    """The task that a learner is tested with."""
    return "image-classification" if name in READ_IMAGES else "text-classification"


def sample_for(name: str, sample_name: str) -> samples.Sample:
    """A question that this learner can read, with its examples."""
    return (PICTURES if name in READ_IMAGES else TEXTS)[sample_name]()


def inputs_for(name: str, texts: Sequence[str]) -> list[Input]:
    """These texts, or an image for each of them where the learner reads images."""
    return [pictures.picture_of(text) for text in texts] if name in READ_IMAGES else list(texts)


@pytest.fixture(scope="session")
def learner(project_folder: Path) -> Callable[[str], Candidate]:
    """Make a candidate by its name in `LEARNERS`."""

    def make(name: str) -> Candidate:
        family, parameters = LEARNERS[name]
        return make_candidate(
            CandidateSpec(family=family, name=name, parameters=parameters), project_folder, task_of(name)
        )

    return make


@pytest.fixture(scope="session")
def trained(learner: Callable[[str], Candidate]) -> Train:
    """Train on a sample; the same model for all tests that ask for it."""

    @cache
    def train(name: str, sample_name: str) -> tuple[Model, samples.Sample]:
        sample = sample_for(name, sample_name)
        return learner(name).fit(sample.examples, sample.question, no_progress), sample

    return train
