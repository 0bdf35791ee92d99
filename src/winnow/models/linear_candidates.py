"""Candidates that learn linear text models: fast to train, exact and very fast to serve."""

from __future__ import annotations

from abc import abstractmethod

from pydantic import Field

from winnow.domain import Examples, Progress
from winnow.models.base import Candidate, Model, Question
from winnow.models.linear_layers import Learn, fit_layer, linear_svm, logistic_regression, naive_bayes
from winnow.models.linear_text import LinearText
from winnow.models.reading import Reading, Words
from winnow.models.shares import share
from winnow.models.targets import read_targets
from winnow.models.text_features import FeatureOptions, NgramOptions, text_features
from winnow.models.weights import Weighting


class LinearCandidate(Candidate):
    """What linear candidates share: how text is read, and that their layer is compiled into `LinearText`."""

    words: Words = Field(
        "signs",
        description="What counts as a word: `long` (two or more letters or digits), `all` (one or more), "
        "`signs` (also each sign, such as `!`).",
    )
    word_ngrams: int = Field(2, ge=0, le=5, description="Longest run of words that is a term; 0 for no words.")
    character_ngrams: int = Field(
        5, ge=0, le=8, description="Longest run of characters inside a word that is a term; 0 for none."
    )
    character_weight: float = Field(0.5, gt=0, le=10, description="Weight of characters where words weigh 1.")
    strip_accents: bool = Field(default=True, description="Whether é is read as e.")
    sublinear: bool = Field(
        default=True, description="Whether a term that stands n times counts 1 + ln n instead of n."
    )
    max_terms: int = Field(200_000, ge=100, le=5_000_000, description="Most terms of each kind, by frequency.")
    seed: int = Field(0, ge=0, le=2**32 - 1, description="Seed of what is random in training.")

    def fit(self, examples: Examples, question: Question, progress: Progress) -> Model:
        """Weigh the terms, learn a layer on them, compile both."""
        targets = read_targets(examples, question)
        features = text_features(examples.inputs, self._feature_options(), share(progress, 0.0, 0.4))
        layer = fit_layer(self._learner(), features.matrix, targets, question, share(progress, 0.4, 0.9))
        progress("compiling", 0.9)
        model = LinearText(question, features.projection(layer.coefficients, layer.offsets), layer.link)
        progress("compiling", 1.0)
        return model

    @abstractmethod
    def _learner(self) -> Learn: ...

    def _feature_options(self) -> FeatureOptions:
        return FeatureOptions(
            reading=Reading(strip_accents=self.strip_accents, words=self.words),
            weighting=Weighting(sublinear=self.sublinear),
            words=NgramOptions(1, self.word_ngrams, self.max_terms) if self.word_ngrams else None,
            characters=NgramOptions(
                min(2, self.character_ngrams), self.character_ngrams, self.max_terms, self.character_weight
            )
            if self.character_ngrams
            else None,
        )


class LinearSVM(LinearCandidate):
    """A linear support vector machine on TF-IDF of words and characters, calibrated to give probabilities."""

    strength: float = Field(0.4, gt=0, le=1000, description="How closely examples are followed (C).")
    balanced: bool = Field(
        default=False, description="Whether rare labels weigh as much as frequent ones in training."
    )

    def _learner(self) -> Learn:
        return linear_svm(self.strength, balanced=self.balanced, seed=self.seed)


class LogisticRegression(LinearCandidate):
    """Logistic regression on TF-IDF of words (and characters, where asked for)."""

    character_ngrams: int = Field(
        0, ge=0, le=8, description="Longest run of characters inside a word that is a term; 0 for none."
    )
    strength: float = Field(10.0, gt=0, le=10_000, description="How closely examples are followed (C).")
    balanced: bool = Field(
        default=False, description="Whether rare labels weigh as much as frequent ones in training."
    )

    def _learner(self) -> Learn:
        return logistic_regression(self.strength, balanced=self.balanced, seed=self.seed)


class NaiveBayes(LinearCandidate):
    """Multinomial naive Bayes on TF-IDF of words: the fastest to train."""

    character_ngrams: int = Field(
        0, ge=0, le=8, description="Longest run of characters inside a word that is a term; 0 for none."
    )
    smoothing: float = Field(0.3, gt=0, le=100, description="What is added to each term's count.")

    def _learner(self) -> Learn:
        return naive_bayes(self.smoothing)
