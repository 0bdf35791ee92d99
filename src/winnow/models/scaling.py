"""Brings the columns of vectors to one scale, which learners of layers count on."""

from __future__ import annotations

import numpy as np

from winnow.models.weights import Doubles


def column_scale(vectors: Doubles) -> tuple[Doubles, Doubles]:
    """The mean of each column and its standard deviation, 1 where it is always the same. Shapes (columns,)."""
    spread = vectors.std(axis=0)
    return vectors.mean(axis=0), np.where(spread == 0, 1.0, spread)
