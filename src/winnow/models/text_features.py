"""Text as a sparse matrix of TF-IDF values, for training; and its way back into a compiled projection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from winnow.domain import Progress
from winnow.errors import TrainingFailed
from winnow.models.projection import Block, TextProjection
from winnow.models.reading import Reading
from winnow.models.terms import Ngrams
from winnow.models.weights import Floats, Weighting

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MANY_ROWS = 5000
"""Examples from which on a term has to stand in two of them: below, words are too rare to throw any away."""


@dataclass(frozen=True, slots=True)
class NgramOptions:
    """One kind of n-gram: lengths from `shortest` to `longest`; the `most` frequent terms; what they weigh.

    Where a `vocabulary` is given, its words are the terms, whatever the texts hold.
    """

    shortest: int
    longest: int
    most: int
    weight: float = 1.0
    vocabulary: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class FeatureOptions:
    """Which n-grams become terms and how they are weighed. `inverse` is for idf, which naive Bayes does not use."""

    reading: Reading
    weighting: Weighting
    words: NgramOptions | None
    characters: NgramOptions | None
    inverse: bool = True

    def vectorisers(self, rows: int) -> list[tuple[str, Any, NgramOptions]]:
        """scikit-learn's vectoriser for each kind of n-gram: its name, itself, its block."""
        named = (("words", "word", self.words), ("characters", "char_wb", self.characters))
        return [(name, self._vectoriser(kind, block, rows), block) for name, kind, block in named if block]

    def _vectoriser(self, kind: str, block: NgramOptions, rows: int) -> Any:
        from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

        options: dict[str, Any] = {
            **self.reading.vectoriser_options(),
            "analyzer": kind,
            "ngram_range": (block.shortest, block.longest),
            "max_features": block.most,
            "min_df": 2 if rows >= MANY_ROWS else 1,
            "vocabulary": block.vocabulary,
        }
        if kind == "char_wb":
            options["token_pattern"] = None
        if not self.inverse:
            return CountVectorizer(dtype=np.float64, **options)
        norm = "l2" if self.weighting.normalised else None
        return TfidfVectorizer(sublinear_tf=self.weighting.sublinear, norm=norm, **options)


@dataclass(frozen=True, slots=True)
class _Part:
    ngrams: Ngrams
    idf: npt.NDArray[np.float64]
    weight: float


@dataclass(frozen=True, slots=True)
class TextFeatures:
    """The matrix (examples x terms) and what is needed to compute its rows again for other texts."""

    matrix: csr_matrix
    options: FeatureOptions
    parts: Mapping[str, _Part]

    def projection(self, coefficients: Floats, offsets: Floats) -> TextProjection:
        """Compile a linear layer on this matrix: `coefficients` (columns x terms) and `offsets` (columns).

        The numbers of the projection have the precision of `coefficients`.
        """
        blocks: dict[str, Block] = {}
        start = 0
        for kind, part in self.parts.items():
            end = start + len(part.idf)
            weighted = (part.idf * part.weight)[:, None] * coefficients[:, start:end].T
            precision = coefficients.dtype
            squares = (part.idf * part.idf).astype(precision)
            blocks[kind] = Block(part.ngrams, squares, np.ascontiguousarray(weighted, precision))
            start = end
        reading, weighting = self.options.reading, self.options.weighting
        return TextProjection(
            reading,
            weighting,
            blocks.get("words"),
            blocks.get("characters"),
            np.asarray(offsets, coefficients.dtype),
        )


def text_features(inputs: Sequence[str], options: FeatureOptions, progress: Progress) -> TextFeatures:
    """Find the terms of these texts and weigh them; `TrainingFailed` where there are none."""
    from scipy.sparse import hstack

    parts: dict[str, _Part] = {}
    matrices = []
    for kind, vectoriser, wanted in options.vectorisers(len(inputs)):
        progress(f"reading {kind}", 0.5 if parts else 0.0)
        try:
            matrix = vectoriser.fit_transform(inputs)
        except ValueError as error:  # scikit-learn's way to say that nothing is left
            raise TrainingFailed(f"the inputs have no {kind} to learn from: {error}") from error
        terms = vectoriser.get_feature_names_out().tolist()
        idf = vectoriser.idf_ if options.inverse else np.ones(len(terms))
        parts[kind] = _Part(Ngrams(wanted.shortest, wanted.longest, terms), idf, wanted.weight)
        matrices.append(matrix * wanted.weight)
    if not matrices:
        raise TrainingFailed("neither words nor characters are to be read: switch at least one of them on")
    return TextFeatures(hstack(matrices, format="csr"), options, parts)
