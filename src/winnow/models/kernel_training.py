"""Learns a `Kernel`: a support vector machine with a radial basis function, on as many landmarks as one can afford.

The exact machine's time grows with the square of the examples and more. Nyström's approximation learns a linear
machine on how alike each example is to some of them; where all of them are landmarks the two are the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from winnow.domain import Progress
from winnow.models.base import Question
from winnow.models.kernel import Kernel, likeness
from winnow.models.linear_layers import Learn, fit_layer
from winnow.models.shares import share
from winnow.models.targets import Targets
from winnow.models.weights import Doubles

_NOISE = 1e-9  # directions weaker than this share of the strongest are rounding errors


def part_scale(vectors: Doubles, parts: Sequence[tuple[int, float]]) -> Doubles:
    """What to multiply each column with, so that each part of the vectors weighs what it should. Shape (columns,).

    `parts` are (columns, weight): with weights 1 and 0.5 the first part's differences count twice as much, however
    many columns each has. Together they are scaled so that two examples are 2 apart on average (squared). A part
    that is the same in all examples counts nothing.
    """
    scale, start, total = np.zeros(vectors.shape[1]), 0, 0.0
    for columns, weight in parts:
        varied = float(vectors[:, start : start + columns].var(axis=0).sum())
        if varied > 0:
            scale[start : start + columns] = weight / np.sqrt(varied)
            total += weight**2
        start += columns
    scale /= np.sqrt(total or 1.0)
    return scale


def fit_kernel(
    learn: Learn,
    vectors: Doubles,
    scale: Doubles,
    landmarks: int,
    targets: Targets,
    question: Question,
    seed: int,
    progress: Progress,
) -> Kernel:
    """Choose landmarks among the examples, and learn a layer on how alike each example is to them."""
    progress("choosing landmarks", 0.0)
    chosen = np.random.default_rng(seed).permutation(len(vectors))[:landmarks]
    remembered = vectors[chosen] * scale
    squares = (remembered * remembered).sum(axis=1)
    whitening = _whitening(_compared(remembered, remembered, squares, share(progress, 0.0, 0.1)))
    alike = _compared(vectors * scale, remembered, squares, share(progress, 0.1, 0.3))
    layer = fit_layer(learn, alike @ whitening, targets, question, share(progress, 0.3, 1.0))
    return Kernel(scale, remembered, whitening @ layer.coefficients.T, layer.offsets, layer.link)


def _compared(vectors: Doubles, landmarks: Doubles, squares: Doubles, progress: Progress) -> Doubles:
    """How alike each vector is to each landmark, as it will be computed at serving. Shape (vectors, landmarks)."""
    alike = np.empty((len(vectors), len(landmarks)))
    for row, vector in enumerate(vectors):
        if row % 256 == 0:
            progress("comparing", row / len(vectors))
        alike[row] = likeness(vector, landmarks, squares)
    return alike


def _whitening(alike: Doubles) -> Doubles:
    """The inverse square root of the landmarks' likeness among themselves: makes distances of it again."""
    strengths, directions = np.linalg.eigh((alike + alike.T) / 2)
    kept = strengths > strengths[-1] * _NOISE
    whitening: Doubles = (directions[:, kept] / np.sqrt(strengths[kept])) @ directions[:, kept].T
    return whitening
