"""Candidates on a neural net in ONNX that somebody else has trained on images: its vectors, or its own answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, PrivateAttr, ValidationInfo, field_validator

from winnow.domain import Examples, Progress
from winnow.errors import TrainingFailed, nearest
from winnow.models.backbone import Backbone
from winnow.models.base import Model, Question
from winnow.models.image_candidates import ImageCandidate, fit_linear
from winnow.models.image_graph import ImageGraph
from winnow.models.image_labels import read_labels
from winnow.models.linear_layers import logistic_regression
from winnow.models.paths import checked_file, project_folder
from winnow.models.preprocessing import IMAGENET_DEVIATION, IMAGENET_MEAN, MOST, Three
from winnow.models.pretrained_image import PretrainedImage
from winnow.models.targets import label_positions, read_targets


class GraphCandidate(ImageCandidate):
    """What candidates on a graph share: where it is, and how images are prepared for it."""

    model: str = Field(
        "model.onnx", validate_default=True, description="ONNX file beside winnow.toml; all of it in one file."
    )
    resize: int | None = Field(
        None, ge=1, le=MOST, description="Pixels of an image's shorter side; by default 8/7 of `crop`, such as 256."
    )
    crop: int | None = Field(
        None,
        ge=1,
        le=MOST,
        description="Pixels a side of the square in its middle; by default the graph's, or 224.",
    )
    mean: Three = Field(
        IMAGENET_MEAN, description="Mean of red, green and blue, from 0 to 1; ImageNet's by default."
    )
    deviation: Three = Field(IMAGENET_DEVIATION, description="Standard deviation of red, green and blue, likewise.")

    _folder: Path = PrivateAttr(Path())

    def model_post_init(self, context: Any) -> None:
        """Remember which folder paths are relative to."""
        self._folder = project_folder(context)

    @field_validator("model")
    @classmethod
    def _model_exists(cls, value: str, info: ValidationInfo) -> str:
        return checked_file(value, info, "an ONNX file")

    @field_validator("crop")
    @classmethod
    def _fits_inside(cls, value: int | None, info: ValidationInfo) -> int | None:
        resize = info.data.get("resize")
        if value is not None and resize is not None and value > resize:
            raise ValueError(f"should be at most `resize`, which is {resize}")
        return value

    @field_validator("deviation")
    @classmethod
    def _divides(cls, value: Three) -> Three:
        if min(value) <= 0:
            raise ValueError("should be three numbers above 0")
        return value

    def _open(self) -> ImageGraph:
        return ImageGraph.suggested(self._folder / self.model, self.resize, self.crop, self.mean, self.deviation)


class BackboneLinear(GraphCandidate):
    """Logistic regression on the vectors of a neural net that has learned to see elsewhere."""

    model: str = Field(
        "backbone.onnx",
        validate_default=True,
        description="ONNX file beside winnow.toml, whose first output is a vector of an image; all in one file.",
    )
    strength: float = Field(0.1, gt=0, le=10_000, description="How closely examples are followed (C).")
    balanced: bool = Field(
        default=False, description="Whether rare labels weigh as much as frequent ones in training."
    )

    def fit(self, examples: Examples, question: Question, progress: Progress) -> Model:
        """Put the images to the net and learn a layer on their vectors."""
        targets = read_targets(examples, question)
        learn = logistic_regression(self.strength, balanced=self.balanced, seed=0)  # nothing in it is random
        return fit_linear(Backbone(self._open()), examples, targets, question, learn, progress)


class Pretrained(GraphCandidate):
    """A classifier of images that somebody else has trained. It learns nothing; it is compared like any other.

    Its labels must include those of the examples; its answers are about these alone.
    """

    labels: str = Field(
        "labels.json",
        validate_default=True,
        description='JSON file beside winnow.toml with the label of each output: a list, or {"0": label, …}.',
    )

    @field_validator("labels")
    @classmethod
    def _labels_exist(cls, value: str, info: ValidationInfo) -> str:
        return checked_file(value, info, "a JSON file")

    def fit(self, examples: Examples, question: Question, progress: Progress) -> Model:
        """Take the classifier into use for the question's labels."""
        if question.several:
            raise TrainingFailed("a pretrained classifier gives one label, and here several may apply")
        label_positions(examples, question)  # says what is wrong with the examples
        progress("reading the classifier", 0.0)
        known = read_labels(self._folder / self.labels)
        for label in question.labels:
            if label not in known:
                raise TrainingFailed(f"{self.labels} does not have the label '{label}'.{nearest(label, known)}")
        model = PretrainedImage.of(question, self._open(), known)
        progress("reading the classifier", 1.0)
        return model
