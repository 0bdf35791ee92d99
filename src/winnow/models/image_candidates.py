"""Candidates that learn images from their colours and edges: quick to train, small, and in need of nothing else."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from winnow.domain import Examples, Progress
from winnow.models.base import Candidate, Model, Question
from winnow.models.dense_image import DenseImage, ImageEmbedding
from winnow.models.forest_training import boosting_options, grow_forest
from winnow.models.image_features import ImageFeatures
from winnow.models.image_rows import vector_each
from winnow.models.kernel_training import fit_kernel, part_scale
from winnow.models.linear_layers import Learn, fit_layer, linear_svm, logistic_regression
from winnow.models.net import Net
from winnow.models.scaling import column_scale
from winnow.models.shares import share
from winnow.models.targets import Targets, read_targets
from winnow.models.weights import Doubles


class ImageCandidate(Candidate):
    """What all candidates of images share: that they read images."""

    tasks: ClassVar[tuple[str, ...]] = ("image-classification",)


class PixelsLinear(ImageCandidate):
    """Logistic regression on an image's pixels, made few: the simplest thing that may work."""

    size: int = Field(16, ge=2, le=128, description="Pixels a side that an image is squeezed into.")
    strength: float = Field(0.003, gt=0, le=10_000, description="How closely examples are followed (C).")
    balanced: bool = Field(
        default=False, description="Whether rare labels weigh as much as frequent ones in training."
    )

    def fit(self, examples: Examples, question: Question, progress: Progress) -> Model:
        """Squeeze the images and learn a layer on their pixels."""
        targets = read_targets(examples, question)
        features = ImageFeatures(self.size, thumbnail=self.size)
        learn = logistic_regression(self.strength, balanced=self.balanced, seed=0)  # nothing in it is random
        return fit_linear(features, examples, targets, question, learn, progress)


class PixelsSVM(ImageCandidate):
    """A support vector machine (radial basis function) on edges, colours and a thumbnail, calibrated."""

    size: int = Field(
        32,
        ge=32,
        le=512,
        multiple_of=8,
        description="Pixels a side that an image is squeezed into; a multiple of 8.",
    )
    landmarks: int = Field(
        1000, ge=10, le=10_000, description="Examples, at most, that others are compared with. More are slower."
    )
    sharpness: float = Field(1.0, gt=0, le=100, description="How fast likeness fades with distance (gamma).")
    strength: float = Field(1.0, gt=0, le=1000, description="How closely examples are followed (C).")
    balanced: bool = Field(
        default=False, description="Whether rare labels weigh as much as frequent ones in training."
    )
    seed: int = Field(0, ge=0, le=2**32 - 1, description="Seed of what is random in training.")

    def fit(self, examples: Examples, question: Question, progress: Progress) -> Model:
        """Describe the images, choose landmarks among them, learn a layer on how alike the others are to these."""
        targets = read_targets(examples, question)
        features = ImageFeatures(self.size, thumbnail=8, edges=(4,), colours=2)
        vectors = vector_each(examples.inputs, features.vector, features.columns, share(progress, 0.0, 0.4))
        weights = zip(features.parts, (0.5, 1.0, 0.5), strict=True)  # edges say more than colours
        scale = part_scale(vectors, list(weights)) * self.sharpness**0.5
        learn = linear_svm(self.strength, balanced=self.balanced, seed=self.seed)
        kernel = fit_kernel(
            learn, vectors, scale, self.landmarks, targets, question, self.seed, share(progress, 0.4, 1.0)
        )
        progress("compiling", 1.0)
        return DenseImage(question, features, kernel)


class ImageGradientBoosting(ImageCandidate):
    """Gradient-boosted trees on an image's edges, colours and thumbnail."""

    size: int = Field(
        32,
        ge=32,
        le=512,
        multiple_of=8,
        description="Pixels a side that an image is squeezed into; a multiple of 8.",
    )
    learning_rate: float = Field(0.1, gt=0, le=1, description="How much of its error each round corrects.")
    rounds: int = Field(100, ge=1, le=5000, description="Most rounds of boosting.")
    leaves: int = Field(15, ge=2, le=1000, description="Most leaves of a tree.")
    smoothing: float = Field(1.0, ge=0, le=1000, description="L2 penalty on the values of leaves.")
    seed: int = Field(0, ge=0, le=2**32 - 1, description="Seed of what is random in training.")

    def fit(self, examples: Examples, question: Question, progress: Progress) -> Model:
        """Describe the images and boost trees on that."""
        targets = read_targets(examples, question)
        features = ImageFeatures(self.size, thumbnail=8, edges=(4,), colours=1)
        vectors = vector_each(examples.inputs, features.vector, features.columns, share(progress, 0.0, 0.4))
        options = boosting_options(self.learning_rate, self.rounds, self.leaves, self.smoothing, self.seed)
        forest = grow_forest(vectors, targets, question, options, share(progress, 0.4, 1.0))
        progress("compiling", 1.0)
        return DenseImage(question, features, forest)


def fit_linear(
    embedding: ImageEmbedding,
    examples: Examples,
    targets: Targets,
    question: Question,
    learn: Learn,
    progress: Progress,
) -> DenseImage:
    """Learn a layer on the images' vectors, each column of which is brought to one scale for that."""
    vectors = vector_each(examples.inputs, embedding.vector, embedding.columns, share(progress, 0.0, 0.8))
    middle, deviation = column_scale(vectors)
    scaled: Doubles = (vectors - middle) / deviation
    layer = fit_layer(learn, scaled, targets, question, share(progress, 0.8, 1.0))
    weights = (layer.coefficients / deviation).T
    progress("compiling", 1.0)
    head = Net([(weights, layer.offsets - middle.dot(weights))], layer.link, activated=False)
    return DenseImage(question, embedding, head)
