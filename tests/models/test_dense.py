"""Heads answer as scikit-learn's estimators do; embeddings are what they are called."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.neural_network import MLPClassifier

from tests.models.samples import three_labels, two_labels
from winnow.domain import no_progress
from winnow.errors import BundleRefused, TrainingFailed
from winnow.models.base import Question
from winnow.models.embedding_training import fit_lsa, fit_word_vectors
from winnow.models.forest import Forest
from winnow.models.forest_training import grow_forest
from winnow.models.net import Net
from winnow.models.net_training import train_net, train_net_on_vectors
from winnow.models.reading import PATTERNS
from winnow.models.trees import Trees
from winnow.models.word_vectors import read_word_vectors

RANDOM = np.random.default_rng(3)
VECTORS = RANDOM.normal(size=(400, 6))
SIDES = (VECTORS[:, 0] + VECTORS[:, 1] ** 2 + RANDOM.normal(size=400) > 1).astype(np.intp)
THIRDS = np.digitize(VECTORS[:, 0] + VECTORS[:, 2], [-0.5, 0.5]).astype(np.intp)


@pytest.mark.parametrize("targets", [SIDES, THIRDS], ids=["two", "three"])
def test_a_forest_answers_as_scikit_learn(targets: Any) -> None:
    options = {"max_iter": 30, "max_leaf_nodes": 9, "random_state": 0}
    labels = tuple("abc"[: targets.max() + 1])
    forest = grow_forest(VECTORS, targets, Question(labels), options, no_progress)
    expected = HistGradientBoostingClassifier(**options).fit(VECTORS, targets).predict_proba(VECTORS)
    found = [forest.probabilities(vector) for vector in VECTORS]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_a_forest_on_its_thresholds_goes_the_same_way_as_scikit_learn() -> None:
    estimator = HistGradientBoostingClassifier(max_iter=20, random_state=0).fit(VECTORS, SIDES)
    trees = Trees.of([estimator])
    vectors = np.tile(VECTORS[:1], (len(trees.threshold), 1))
    for row, (feature, threshold) in enumerate(zip(trees.feature, trees.threshold, strict=True)):
        vectors[row, feature] = threshold if np.isfinite(threshold) else 0.0
    expected = estimator.decision_function(vectors)
    np.testing.assert_allclose([trees.scores(vector)[0] for vector in vectors], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("targets", [SIDES, THIRDS], ids=["two", "three"])
def test_a_net_answers_as_scikit_learn(targets: Any) -> None:
    options = {"hidden_layer_sizes": (9, 5), "max_iter": 30, "random_state": 0}
    layers, link = train_net(VECTORS, targets, Question(tuple("abc"[: targets.max() + 1])), options)
    whole = {**options, "batch_size": 16, "n_iter_no_change": 3}
    with pytest.warns(UserWarning, match="converged"):
        reference = MLPClassifier(**whole).fit(VECTORS.astype(np.float32), targets)
    net = Net(layers, link, activated=False)
    found = [net.probabilities(vector) for vector in VECTORS]
    np.testing.assert_allclose(found, reference.predict_proba(VECTORS.astype(np.float32)), rtol=0, atol=1e-5)


def test_scaling_is_folded_into_a_net() -> None:
    """Numbers far from 0 and 1 are learned as well, and a number that never changes does no harm."""
    far = np.column_stack([VECTORS * 1000 + 5000, np.full(len(VECTORS), 7.0)])
    options = {"hidden_layer_sizes": (16,), "max_iter": 60, "random_state": 0}
    layers, link = train_net_on_vectors(far, SIDES, Question(("a", "b")), options)
    net = Net(layers, link, activated=False)
    right = [np.argmax(net.probabilities(vector)) == side for vector, side in zip(far, SIDES, strict=True)]
    assert np.mean(right) > 0.75


def test_several_labels_are_learned_each_for_itself() -> None:
    targets = np.column_stack([SIDES, THIRDS == 0, np.zeros_like(SIDES), np.ones_like(SIDES)]).astype(np.intp)
    question = Question(("side", "first", "never", "always"), several=True)
    forest = grow_forest(VECTORS, targets, question, {"max_iter": 30, "random_state": 0}, no_progress)
    found = np.array([forest.probabilities(vector) for vector in VECTORS])
    assert ((found[:, :2] >= 0.5) == targets[:, :2]).mean() > 0.85
    assert set(found[:, 2]) == {1 / 402}
    assert set(found[:, 3]) == {401 / 402}


def test_lsa_is_scikit_learns() -> None:
    texts = three_labels().examples.inputs
    vectoriser = TfidfVectorizer(
        ngram_range=(1, 2),
        sublinear_tf=True,
        strip_accents="unicode",
        token_pattern=PATTERNS["signs"],
        max_features=10_000,
        dtype=np.float32,
    )
    reduction = TruncatedSVD(12, n_iter=4, random_state=0)
    expected: Any = reduction.fit_transform(vectoriser.fit_transform(texts))
    lsa = fit_lsa(texts, 12, 0, no_progress)
    found = np.array([lsa.vector(text) for text in texts])
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_lsa_has_no_more_directions_than_the_texts() -> None:
    assert fit_lsa(["a b", "b c", "c d"], 50, 0, no_progress).columns == 2


def test_a_text_has_the_vector_of_its_words(tmp_path: Path) -> None:
    path = tmp_path / "vectors.txt"
    path.write_text("4 2\ngreat 1 0\nnever 0 1\nunseen 5 5\nENTITY/Great 9 9\n", encoding="utf-8")
    vectors = fit_word_vectors(two_labels().examples.inputs, path, no_progress)
    assert vectors.vector("GREAT!").tolist() == pytest.approx([1.0, 0.0])
    assert vectors.vector("great, great").tolist() == pytest.approx([1.0, 0.0])
    both = vectors.vector("never great")
    assert both.min() > 0
    assert np.linalg.norm(both) == pytest.approx(1.0)
    assert vectors.vector("unseen").tolist() == [0.0, 0.0]


@pytest.mark.parametrize("packed", [False, True])
def test_word_vectors_are_read_from_text_and_gzip(packed: bool, tmp_path: Path) -> None:
    content = "3 2\nété 0.5 -1e-3\nNew York 1 2\nENTITY/Paris 3 4\n\u00a0 5 6\n".encode()
    path = tmp_path / ("vectors.txt.gz" if packed else "vectors.txt")
    path.write_bytes(gzip.compress(content) if packed else content)
    words, vectors = read_word_vectors(path, {"été", "New York", "ENTITY/Paris", "hiver"})
    assert words == ["New York", "été"]
    np.testing.assert_allclose(vectors, np.array([[1, 2], [0.5, -1e-3]]))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"a 1 2\nb 1\n", "line 2: 1 numbers where 2 are expected"),
        (b"a 1 x\n", "line 1: could not convert"),
        (b"a 1 nan\n", "line 1: a number is not finite"),
        (b"other 1 2\n", "no vector for any word"),
        (b"", "no vector for any word"),
        (b"a \xff 2\n", "cannot be read"),
    ],
)
def test_files_that_are_no_word_vectors_are_refused(content: bytes, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "vectors.txt"
    path.write_bytes(content)
    with pytest.raises(TrainingFailed, match=sentence):
        read_word_vectors(path, {"a", "b"})


def test_a_file_that_is_not_gzip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vectors.gz").write_bytes(b"a 1 2\n")
    with pytest.raises(TrainingFailed, match="cannot be read"):
        read_word_vectors(tmp_path / "vectors.gz", {"a"})


def test_heads_that_do_not_fit_their_vectors_are_refused(tmp_path: Path) -> None:
    question = Question(("a", "b"))
    forest = grow_forest(VECTORS, SIDES, question, {"max_iter": 5, "random_state": 0}, no_progress)
    forest.save(tmp_path)
    assert Forest.load(tmp_path, 6, 2).probabilities(VECTORS[0]) == forest.probabilities(VECTORS[0])
    for columns, labels in ((1, 2), (6, 3), (6, 1)):
        with pytest.raises(BundleRefused, match=r"forest\.json"):
            Forest.load(tmp_path, columns, labels)
    layers, link = train_net(VECTORS, SIDES, question, {"hidden_layer_sizes": (3,), "max_iter": 3})
    Net(layers, link, activated=False).save(tmp_path)
    with pytest.raises(BundleRefused, match=r"net\.json"):
        Net.load(tmp_path, 7, 2)
