"""The rows of a model of images: each is decoded and answered by itself, and fails by itself."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from winnow.domain import Classification, Input, Outcome, Progress
from winnow.errors import InvalidInput, ModelFailed, TrainingFailed
from winnow.models.picture import Limits, open_picture
from winnow.models.weights import Doubles

if TYPE_CHECKING:
    from PIL.Image import Image

CHECKED = Limits(bytes=sys.maxsize, pixels=sys.maxsize)
"""A model decodes what it is given: the service's own limits were put to the file by its task, before."""


def answer_each(inputs: Sequence[Input], answer: Callable[[Image], Classification]) -> list[Outcome]:
    """One outcome for each file, in order. One that cannot be decoded or answered has its error."""
    return [_outcome(content, answer) for content in inputs]


def _outcome(content: bytes, answer: Callable[[Image], Classification]) -> Outcome:
    try:
        return answer(open_picture(content, CHECKED))
    except (InvalidInput, ModelFailed) as error:
        return error


def vector_each(
    inputs: Sequence[Input], vector: Callable[[Image], Doubles], columns: int, progress: Progress
) -> Doubles:
    """The vectors of these files, one by one as they will be at serving. Shape (inputs, columns).

    `TrainingFailed` names the first that cannot be decoded.
    """
    vectors = np.empty((len(inputs), columns))
    for row in range(len(inputs)):
        if row % 64 == 0:
            progress("reading images", row / len(inputs))
        try:
            vectors[row] = vector(open_picture(inputs[row], CHECKED))
        except InvalidInput as error:
            raise TrainingFailed(f"example {row + 1} of {len(inputs)} cannot be learned from: {error}") from error
    return vectors
