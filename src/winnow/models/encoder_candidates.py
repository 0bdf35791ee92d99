"""Candidates on a transformer's vectors: alone, or beside TF-IDF of words and characters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field, PrivateAttr, ValidationInfo, field_validator

from winnow.domain import Examples, Progress
from winnow.models.base import Candidate, Model, Question
from winnow.models.embedding_training import embed_all
from winnow.models.encoder import Encoder
from winnow.models.encoder_text import EncoderText
from winnow.models.linear_layers import fit_layer, logistic_regression
from winnow.models.paths import checked_encoder, project_folder
from winnow.models.reading import Reading
from winnow.models.shares import share
from winnow.models.targets import read_targets
from winnow.models.text_features import FeatureOptions, NgramOptions, text_features
from winnow.models.weights import Weighting


class EncoderCandidate(Candidate):
    """What candidates on an encoder share: where it is, and logistic regression."""

    encoder: str = Field(
        "encoder",
        validate_default=True,
        description="Folder beside winnow.toml with `model.onnx` and `tokenizer.json`.",
    )
    strength: float = Field(10.0, gt=0, le=10_000, description="How closely examples are followed (C).")
    balanced: bool = Field(
        default=False, description="Whether rare labels weigh as much as frequent ones in training."
    )
    seed: int = Field(0, ge=0, le=2**32 - 1, description="Seed of what is random in training.")

    _folder: Path = PrivateAttr(Path())

    def model_post_init(self, context: Any) -> None:
        """Remember which folder paths are relative to."""
        self._folder = project_folder(context)

    @field_validator("encoder")
    @classmethod
    def _encoder_exists(cls, value: str, info: ValidationInfo) -> str:
        return checked_encoder(value, info)

    def _open(self) -> Encoder:
        return Encoder(self._folder / self.encoder)


class EncoderLinear(EncoderCandidate):
    """Logistic regression on an encoder's vectors."""

    def fit(self, examples: Examples, question: Question, progress: Progress) -> Model:
        """Encode the inputs and learn a layer on their vectors."""
        targets = read_targets(examples, question)
        encoder = self._open()
        vectors = embed_all(encoder, examples.inputs, share(progress, 0.0, 0.8))
        learn = logistic_regression(self.strength, balanced=self.balanced, seed=self.seed)
        layer = fit_layer(learn, vectors, targets, question, share(progress, 0.8, 1.0))
        progress("compiling", 1.0)
        return EncoderText(question, encoder, np.ascontiguousarray(layer.coefficients.T), layer.offsets, layer.link)


class Hybrid(EncoderCandidate):
    """Logistic regression on an encoder's vectors beside TF-IDF of words and characters: better than either."""

    vector_weight: float = Field(1.0, gt=0, le=100, description="Weight of the vectors where words weigh 1.")
    character_weight: float = Field(0.5, gt=0, le=10, description="Weight of characters where words weigh 1.")

    def fit(self, examples: Examples, question: Question, progress: Progress) -> Model:
        """Encode the inputs, weigh their terms, learn one layer on both."""
        from scipy.sparse import csr_matrix, hstack

        targets = read_targets(examples, question)
        encoder = self._open()
        vectors = embed_all(encoder, examples.inputs, share(progress, 0.0, 0.7))
        terms = FeatureOptions(
            Reading(strip_accents=True, words="signs"),
            Weighting(),
            words=NgramOptions(1, 2, 200_000),
            characters=NgramOptions(2, 5, 200_000, self.character_weight),
        )
        features = text_features(examples.inputs, terms, share(progress, 0.7, 0.8))
        matrix = hstack([csr_matrix(vectors * self.vector_weight), features.matrix], format="csr")
        learn = logistic_regression(self.strength, balanced=self.balanced, seed=self.seed)
        layer = fit_layer(learn, matrix, targets, question, share(progress, 0.8, 1.0))
        progress("compiling", 1.0)
        own, rest = np.split(layer.coefficients, [encoder.columns], axis=1)
        weights = np.ascontiguousarray(own.T * self.vector_weight)
        beside = features.projection(np.ascontiguousarray(rest), np.zeros(len(layer.offsets)))
        return EncoderText(question, encoder, weights, layer.offsets, layer.link, beside)
