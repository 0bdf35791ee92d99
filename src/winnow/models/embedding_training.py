"""Learns embeddings from texts, or takes their words' vectors from a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from winnow.domain import Progress
from winnow.models.embeddings import Embedding
from winnow.models.projection import TextProjection
from winnow.models.reading import Reading
from winnow.models.shares import share
from winnow.models.text_features import FeatureOptions, NgramOptions, text_features
from winnow.models.weights import Doubles, Weighting
from winnow.models.word_vectors import read_word_vectors

TERMS = 10_000
"""Most frequent terms that an embedding reads. More make it larger and no better."""

TERM_OPTIONS = FeatureOptions(
    Reading(strip_accents=True, words="signs"), Weighting(), words=NgramOptions(1, 2, TERMS), characters=None
)


def fit_lsa(inputs: Sequence[str], columns: int, seed: int, progress: Progress) -> TextProjection:
    """Learn the `columns` directions in which these texts' TF-IDF differ most; fewer where there are fewer."""
    from sklearn.decomposition import TruncatedSVD

    features = text_features(inputs, TERM_OPTIONS, share(progress, 0.0, 0.5))
    progress("reducing", 0.5)
    columns = max(1, min(columns, min(features.matrix.shape) - 1))
    reduction = TruncatedSVD(columns, n_iter=4, random_state=seed).fit(features.matrix.astype(np.float32))
    return features.projection(reduction.components_.astype(np.float32), np.zeros(columns))


def fit_word_vectors(inputs: Sequence[str], path: Path, progress: Progress) -> TextProjection:
    """Take the vectors of these texts' words from a file. A text has the TF-IDF-weighted sum of its words'."""
    reading = Reading(words="signs")
    progress("reading word vectors", 0.0)
    words = {word for text in inputs for word in reading.find_words(text.lower())}
    vocabulary, vectors = read_word_vectors(path, words)
    terms = NgramOptions(1, 1, len(vocabulary), vocabulary=vocabulary)
    features = text_features(inputs, FeatureOptions(reading, Weighting(), terms, None), share(progress, 0.5, 1.0))
    return features.projection(vectors.T, np.zeros(vectors.shape[1]))


def embed_all(embedding: Embedding, inputs: Sequence[str], progress: Progress) -> Doubles:
    """The vectors of these texts, one by one as they will be at serving. Shape (inputs, columns)."""
    vectors = np.empty((len(inputs), embedding.columns))
    for row, text in enumerate(inputs):
        if row % 256 == 0:
            progress("embedding", row / len(inputs))
        vectors[row] = embedding.vector(text)
    return vectors
