"""From the ids of a text's terms to its share of the scores: the weighing half of the hot path.

What depends on a term alone (idf², and idf times each weight) is multiplied beforehand, so that a text costs one
look-up and one addition for each of its terms.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import log, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from winnow.models.terms import Ids

Floats = npt.NDArray[np.floating[Any]]
Doubles = npt.NDArray[np.float64]

TABLED = 4096
"""Up to this many terms in a text, what standing there n times counts is looked up."""


@dataclass(frozen=True, slots=True)
class Weighting:
    """Whether a term that stands n times counts 1 + ln n (`sublinear`) and whether lengths are made equal (L2)."""

    sublinear: bool = True
    normalised: bool = True

    def frequencies(self, most: int) -> list[float]:
        """What standing 0, 1, … `most` times counts."""
        return [0.0, *(1.0 + log(n) if self.sublinear else float(n) for n in range(1, most + 1))]


class TermWeights:
    """`squares` holds idf² (terms) and `weighted` idf x weight (terms x columns), in the order of the terms' ids.

    `numbers` is the length of the tables that are made of them, with zeros for what is no term. Tables are doubles,
    whatever the precision of what is stored, so that other processors give the same answers.
    """

    def __init__(self, weighting: Weighting, squares: Floats, weighted: Floats, numbers: int) -> None:
        self._weighting = weighting
        self._stored = slice(1, len(squares) + 1), weighted.dtype
        self._squares = _table(squares, numbers)
        self._weighted = _table(weighted, numbers)
        self._frequencies = np.array(weighting.frequencies(TABLED))

    def share(self, ids: Ids) -> Doubles:
        """What the terms add to each column. Sorts `ids` in place. Shape (columns,)."""
        ids.sort()
        edge = np.empty(len(ids) + 1, np.bool_)
        edge[0] = edge[-1] = True
        np.not_equal(ids[1:], ids[:-1], out=edge[1:-1])
        edges = edge.nonzero()[0]
        distinct = ids[edges[:-1]]
        frequencies = self._frequencies if len(ids) <= TABLED else self._longer_table(len(ids))
        frequency = frequencies.take(edges[1:] - edges[:-1])
        share: Doubles = frequency.dot(self._weighted.take(distinct, axis=0))
        if self._weighting.normalised:
            square = float((frequency * frequency).dot(self._squares.take(distinct)))
            if square:
                share /= sqrt(square)
        return share

    def _longer_table(self, most: int) -> Doubles:
        return np.array(self._weighting.frequencies(most))

    def listed(self) -> ListedWeights:
        """The only column once more, for plain Python."""
        return ListedWeights(self._weighting, self._squares.tolist(), self._weighted[:, 0].tolist())

    def arrays(self) -> tuple[Floats, Floats]:
        """`squares` and `weighted`, as they were given."""
        rows, precision = self._stored
        return self._squares[rows].astype(precision), self._weighted[rows].astype(precision)


class ListedWeights:
    """The same for one column and few terms, in plain Python: each call of numpy costs as much as twenty terms."""

    def __init__(self, weighting: Weighting, squares: list[float], weighted: list[float]) -> None:
        self._weighting = weighting
        self._squares = squares
        self._weighted = weighted
        self._frequencies = weighting.frequencies(TABLED)

    def share(self, ids: list[int]) -> float:
        """What the terms add to the score."""
        squares, weighted = self._squares, self._weighted
        frequencies = self._frequencies if len(ids) <= TABLED else self._weighting.frequencies(len(ids))
        score = square = 0.0
        for i, n in Counter(ids).items():
            if n == 1:
                score += weighted[i]
                square += squares[i]
            else:
                frequency = frequencies[n]
                score += frequency * weighted[i]
                square += frequency * frequency * squares[i]
        if not self._weighting.normalised:
            return score
        return score / sqrt(square) if square else 0.0


def _table(numbers: Floats, length: int) -> Doubles:
    """A row for each id and number: zeros for 0, then the terms', then zeros for words that are no terms."""
    table = np.zeros((length, *numbers.shape[1:]))
    table[1 : len(numbers) + 1] = numbers
    return table
