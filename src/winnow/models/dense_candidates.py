"""Candidates that learn on embeddings: boosted trees and a neural net."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field, PrivateAttr, ValidationInfo, field_validator

from winnow.domain import Examples, Progress
from winnow.models.base import Candidate, Model, Question
from winnow.models.dense_text import DenseText
from winnow.models.embedding_training import TERM_OPTIONS, embed_all, fit_lsa, fit_word_vectors
from winnow.models.embeddings import Embedding
from winnow.models.encoder import Encoder
from winnow.models.forest_training import boosting_options, grow_forest
from winnow.models.net import Net
from winnow.models.net_training import train_net, train_net_on_vectors
from winnow.models.paths import checked_embedding, project_folder
from winnow.models.shares import share
from winnow.models.targets import read_targets
from winnow.models.text_features import MANY_ROWS, text_features

LSA, TERMS = "lsa", "terms"


class DenseCandidate(Candidate):
    """What candidates on embeddings share: where the embedding comes from."""

    embedding: str = Field(
        LSA, description="`lsa`; or a file of word vectors, or a folder with an ONNX encoder, beside winnow.toml."
    )
    dimensions: int | None = Field(
        None, ge=2, le=1000, description="Length of LSA's vectors; by default 200, and 50 below 5,000 examples."
    )
    seed: int = Field(0, ge=0, le=2**32 - 1, description="Seed of what is random in training.")

    _folder: Path = PrivateAttr(Path())

    def model_post_init(self, context: Any) -> None:
        """Remember which folder paths are relative to."""
        self._folder = project_folder(context)

    @field_validator("embedding")
    @classmethod
    def _embedding_exists(cls, value: str, info: ValidationInfo) -> str:
        return checked_embedding(value, info, (LSA,))

    def _embed(self, inputs: Sequence[str], progress: Progress) -> Embedding:
        if self.embedding == LSA:
            columns = self.dimensions or (200 if len(inputs) >= MANY_ROWS else 50)
            return fit_lsa(inputs, columns, self.seed, progress)
        path = self._folder / self.embedding
        return Encoder(path) if path.is_dir() else fit_word_vectors(inputs, path, progress)


class GradientBoosting(DenseCandidate):
    """Gradient-boosted trees on an embedding."""

    learning_rate: float = Field(0.1, gt=0, le=1, description="How much of its error each round corrects.")
    rounds: int = Field(200, ge=1, le=5000, description="Most rounds of boosting.")
    leaves: int = Field(15, ge=2, le=1000, description="Most leaves of a tree.")
    smoothing: float = Field(1.0, ge=0, le=1000, description="L2 penalty on the values of leaves.")

    def fit(self, examples: Examples, question: Question, progress: Progress) -> Model:
        """Embed the inputs and boost trees on their vectors."""
        targets = read_targets(examples, question)
        embedding = self._embed(examples.inputs, share(progress, 0.0, 0.3))
        vectors = embed_all(embedding, examples.inputs, share(progress, 0.3, 0.6))
        options = boosting_options(self.learning_rate, self.rounds, self.leaves, self.smoothing, self.seed)
        forest = grow_forest(vectors, targets, question, options, share(progress, 0.6, 1.0))
        progress("compiling", 1.0)
        return DenseText(question, embedding, forest)


class NeuralNet(DenseCandidate):
    """A neural net on TF-IDF terms, whose first layer learns the embedding; or on an embedding from elsewhere."""

    embedding: str = Field(
        TERMS,
        description="`terms`: the net learns its own; `lsa`; or a file of word vectors, or a folder with an ONNX "
        "encoder, beside winnow.toml.",
    )
    hidden: tuple[int, ...] = Field((32,), min_length=1, max_length=5, description="Units of each hidden layer.")
    penalty: float = Field(1e-3, ge=0, le=10, description="L2 penalty on weights (alpha).")
    rounds: int = Field(20, ge=1, le=1000, description="Most passes over the examples.")

    @field_validator("embedding")
    @classmethod
    def _embedding_exists(cls, value: str, info: ValidationInfo) -> str:
        return checked_embedding(value, info, (TERMS, LSA))

    def fit(self, examples: Examples, question: Question, progress: Progress) -> Model:
        """Embed the inputs and train a net on their vectors; or one net on their terms."""
        options = {
            "hidden_layer_sizes": self.hidden,
            "alpha": self.penalty,
            "max_iter": self.rounds,
            "random_state": self.seed,
        }
        if self.embedding == TERMS:
            return self._fit_on_terms(examples, question, options, progress)
        targets = read_targets(examples, question)
        embedding = self._embed(examples.inputs, share(progress, 0.0, 0.3))
        vectors = embed_all(embedding, examples.inputs, share(progress, 0.3, 0.6))
        progress("fitting", 0.6)
        layers, link = train_net_on_vectors(vectors, targets, question, options)
        progress("compiling", 1.0)
        return DenseText(question, embedding, Net(layers, link, activated=False))

    def _fit_on_terms(
        self, examples: Examples, question: Question, options: dict[str, Any], progress: Progress
    ) -> Model:
        """Train on the sparse matrix. The first layer becomes a projection of the terms, which is fast to ask."""
        targets = read_targets(examples, question)
        features = text_features(examples.inputs, TERM_OPTIONS, share(progress, 0.0, 0.3))
        progress("fitting", 0.3)
        layers, link = train_net(features.matrix, targets, question, options)
        weights, biases = layers[0]
        embedding = features.projection(np.ascontiguousarray(weights.T), biases)
        progress("compiling", 1.0)
        return DenseText(question, embedding, Net(layers[1:], link, activated=True))
