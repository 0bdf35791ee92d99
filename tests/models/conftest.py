"""What the tests of models share: an encoder, and models that are trained once for each family."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.models import samples
from winnow.domain import no_progress
from winnow.models.base import Candidate, Model, make_candidate
from winnow.project import CandidateSpec

SAMPLES = {"two": samples.two_labels, "three": samples.three_labels, "several": samples.several_labels}

LEARNERS: dict[str, tuple[str, dict[str, object]]] = {
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
"""Every family, and every embedding, by a name of its own."""

Train = Callable[[str, str], tuple[Model, samples.Sample]]


@pytest.fixture(scope="session")
def project_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an encoder and a file of word vectors, as they would stand beside winnow.toml."""
    folder = tmp_path_factory.mktemp("project")
    samples.make_encoder(folder / "encoder")
    lines = ["5 3", "the 1 0 0", "great 0 1 0.5", "très 0.25 -1 0", "livraison 0 0 1", "ENTITY/France 9 9 9"]
    (folder / "vectors.txt").write_text("\n".join(lines), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def learner(project_folder: Path) -> Callable[[str], Candidate]:
    """Make a candidate by its name in `LEARNERS`."""

    def make(name: str) -> Candidate:
        family, parameters = LEARNERS[name]
        return make_candidate(
            CandidateSpec(family=family, name=name, parameters=parameters), project_folder, "text-classification"
        )

    return make


@pytest.fixture(scope="session")
def trained(learner: Callable[[str], Candidate]) -> Train:
    """Train on a sample; the same model for all tests that ask for it."""

    @cache
    def train(name: str, sample_name: str) -> tuple[Model, samples.Sample]:
        sample = SAMPLES[sample_name]()
        return learner(name).fit(sample.examples, sample.question, no_progress), sample

    return train
