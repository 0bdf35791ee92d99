"""Compiled linear text answers as scikit-learn's own pipeline does, to the last digits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression as SklearnLogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.svm import LinearSVC

from tests.models.samples import Sample, three_labels, two_labels
from winnow.domain import Examples, no_progress
from winnow.models import text_features, weights
from winnow.models.base import Model
from winnow.models.linear_candidates import LinearCandidate, LinearSVM, LogisticRegression, NaiveBayes
from winnow.models.reading import PATTERNS, Reading, strip_accents
from winnow.models.terms import CharacterTerms, Ngrams, WordTerms

ATOL = 1e-12

CANDIDATES: dict[str, tuple[LinearCandidate, Any]] = {
    "svm": (
        LinearSVM(),
        CalibratedClassifierCV(LinearSVC(C=0.4, random_state=0), method="sigmoid", ensemble=False, cv=3),
    ),
    "svm-plain": (
        LinearSVM(words="long", strip_accents=False, sublinear=False, character_ngrams=3, character_weight=1.0),
        CalibratedClassifierCV(LinearSVC(C=0.4, random_state=0), method="sigmoid", ensemble=False, cv=3),
    ),
    "characters-only": (
        LogisticRegression(word_ngrams=0, character_ngrams=4),
        SklearnLogisticRegression(C=10.0, max_iter=1000),
    ),
    "logistic": (
        LogisticRegression(words="all", word_ngrams=3),
        SklearnLogisticRegression(C=10.0, max_iter=1000),
    ),
    "bayes": (NaiveBayes(), MultinomialNB(alpha=0.3)),
    "bayes-few-terms": (NaiveBayes(max_terms=150, word_ngrams=3), MultinomialNB(alpha=0.3)),
}

each_candidate = pytest.mark.parametrize("name", CANDIDATES)


def scikit_learn(candidate: LinearCandidate, classifier: Any) -> Pipeline:
    """The pipeline that a candidate stands for."""
    shared = {
        "min_df": 1,
        "sublinear_tf": candidate.sublinear,
        "strip_accents": "unicode" if candidate.strip_accents else None,
        "max_features": candidate.max_terms,
    }
    blocks, scales = [], {}
    if candidate.word_ngrams:
        pattern = PATTERNS[candidate.words]
        words = TfidfVectorizer(ngram_range=(1, candidate.word_ngrams), token_pattern=pattern, **shared)
        blocks.append(("words", words))
    if candidate.character_ngrams:
        lengths = (2, candidate.character_ngrams)
        blocks.append(("characters", TfidfVectorizer(analyzer="char_wb", ngram_range=lengths, **shared)))
        scales["characters"] = candidate.character_weight
    return Pipeline(
        [("features", FeatureUnion(blocks, transformer_weights=scales)), ("classifier", clone(classifier))]
    )


@cache
def pair(name: str, sample_name: str) -> tuple[Model, Pipeline, Sample]:
    """Our model and scikit-learn's, of the same examples."""
    sample = two_labels() if sample_name == "two" else three_labels()
    candidate, classifier = CANDIDATES[name]
    known = [label for label in sample.question.labels if label in set(sample.examples.targets)]
    sample = replace(sample, question=replace(sample.question, labels=tuple(known)))
    positions = [known.index(str(target)) for target in sample.examples.targets]
    pipeline = scikit_learn(candidate, classifier).fit(sample.examples.inputs, positions)
    return candidate.fit(sample.examples, sample.question, no_progress), pipeline, sample


def assert_same(model: Model, pipeline: Pipeline, texts: Sequence[str]) -> None:
    ours = [list(answer["scores"].values()) for answer in model.answer(texts) if isinstance(answer, dict)]
    np.testing.assert_allclose(ours, pipeline.predict_proba(texts), rtol=0, atol=ATOL)


@each_candidate
@pytest.mark.parametrize("sample_name", ["two", "three"])
def test_real_and_odd_texts(name: str, sample_name: str) -> None:
    model, pipeline, sample = pair(name, sample_name)
    assert_same(model, pipeline, [*sample.examples.inputs, *sample.asked])


TEXTS = st.text(
    st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("éàç ,!.'aeinrst\u00a0\u0301Σİßﬁ"))
)


@given(texts=st.lists(TEXTS, min_size=1, max_size=5))
@settings(deadline=None, max_examples=150)
@pytest.mark.parametrize("name", ["svm", "svm-plain"])
def test_any_text(name: str, texts: list[str]) -> None:
    model, pipeline, _ = pair(name, "two")
    assert_same(model, pipeline, texts)


@given(texts=st.lists(TEXTS, min_size=1, max_size=4), words=st.sampled_from(sorted(PATTERNS)), strip=st.booleans())
@settings(deadline=None, max_examples=150)
def test_any_text_is_cut_into_the_terms_that_scikit_learn_finds(texts: list[str], words: Any, strip: bool) -> None:
    reading = Reading(strip_accents=strip, words=words)
    options = reading.vectoriser_options()
    for kind, terms_of, lengths in (("word", WordTerms, (1, 3)), ("char_wb", CharacterTerms, (2, 4))):
        given_options = options if kind == "word" else {**options, "token_pattern": None}
        analyse = TfidfVectorizer(analyzer=kind, ngram_range=lengths, **given_options).build_analyzer()
        expected = [sorted(analyse(text)) for text in texts]
        vocabulary = sorted({term for found in expected for term in found})
        reader = terms_of(reading, Ngrams(*lengths, vocabulary))
        for text, terms in zip(texts, expected, strict=True):
            ids = reader.ids(text.lower().split()).tolist()
            assert sorted(vocabulary[i - 1] for i in ids) == terms


def test_white_space_stays_white_space_without_accents() -> None:
    for code in range(0x11_0000):
        if chr(code).isspace():
            assert strip_accents(chr(code)).isspace()


def test_long_texts_are_counted_beyond_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    _, pipeline, sample = pair("svm", "two")
    monkeypatch.setattr(weights, "TABLED", 8)
    model = CANDIDATES["svm"][0].fit(sample.examples, sample.question, no_progress)
    assert_same(model, pipeline, sample.asked)


def test_the_memory_of_chunks_is_bounded_and_changes_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("winnow.models.terms.CACHED_CHUNKS", 10)
    model, pipeline, sample = pair("svm", "two")
    assert_same(model, pipeline, sample.asked)
    reader = WordTerms(Reading(), Ngrams(1, 1, ["ab"]))
    for i in range(1000):
        reader.ids([f"chunk{i}", "x" * 1000])
    assert 0 < len(reader._chunks) <= 10
    assert not any(len(chunk) > 48 for chunk in reader._chunks)


def test_rare_terms_are_left_out_of_many_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    examples = Examples(["rare bird", "a bird", "a cat", "a cat"], ["b", "b", "c", "c"])
    features = text_features.text_features(examples.inputs, LinearSVM()._feature_options(), no_progress)
    assert "rare" in features.parts["words"].ngrams.terms
    monkeypatch.setattr(text_features, "MANY_ROWS", 4)
    features = text_features.text_features(examples.inputs, LinearSVM()._feature_options(), no_progress)
    assert list(features.parts["words"].ngrams.terms) == ["a", "a cat", "bird", "cat"]


def test_terms_stand_for_nothing_that_is_not_in_the_vocabulary() -> None:
    reader = WordTerms(Reading(words="all"), Ngrams(2, 3, ["a b", "b c d"]))
    assert reader.ids(["a", "b", "c", "d", "a"]).tolist() == [1, 2]
    assert reader.ids(["e", "a"]).tolist() == []
