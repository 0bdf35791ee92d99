"""Boosted trees as flat tables, walked for one row through all trees at once.

scikit-learn walks many rows through one tree at a time, which for a single row costs ten times as much.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from winnow.models.weights import Doubles

Indices = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Trees:
    """Vector → one raw score for each column. The columns of several estimators stand side by side.

    The nodes of all trees stand in one table. Node n leads to `children[2 n]` where its feature is at most its
    threshold, otherwise to `children[2 n + 1]`; a leaf leads to itself, so that all walks may have `depth` steps.
    """

    baseline: Doubles  # (columns,)
    roots: Indices  # (trees,)
    column: Indices  # (trees,), the column that a tree adds to
    feature: Indices  # (nodes,)
    threshold: Doubles  # (nodes,)
    value: Doubles  # (nodes,)
    children: Indices  # (2 x nodes,)
    depth: int

    @classmethod
    def of(cls, estimators: Sequence[Any]) -> Self:
        """Flatten fitted `HistGradientBoostingClassifier`s."""
        baseline = np.concatenate([np.ravel(each._baseline_prediction) for each in estimators])  # noqa: SLF001
        found: list[Any] = []
        column: list[int] = []
        first = 0
        for each in estimators:
            for round_ in each._predictors:  # noqa: SLF001
                found += [predictor.nodes for predictor in round_]
                column += range(first, first + len(round_))
            first += each.n_trees_per_iteration_
        sizes = np.array([len(nodes) for nodes in found], np.intp)
        roots = np.cumsum(sizes) - sizes
        nodes = np.concatenate(found)
        leaf = nodes["is_leaf"].astype(bool)
        here, start = np.arange(len(nodes)), np.repeat(roots, sizes)
        children = [np.where(leaf, here, start + nodes[side].astype(np.intp)) for side in ("left", "right")]
        return cls(
            baseline=baseline.astype(np.float64),
            roots=roots,
            column=np.array(column, np.intp),
            feature=np.where(leaf, 0, nodes["feature_idx"]).astype(np.intp),
            threshold=np.where(leaf, np.inf, nodes["num_threshold"]),
            value=nodes["value"].astype(np.float64),
            children=np.stack(children, axis=1).ravel(),
            depth=int(nodes["depth"].max()),
        )

    @property
    def features(self) -> int:
        """Length that a vector must have at least."""
        return int(self.feature.max()) + 1

    def scores(self, vector: Doubles) -> Doubles:
        """The raw scores of one vector. Shape (columns,)."""
        node = self.roots
        for _ in range(self.depth):
            right = vector.take(self.feature.take(node)) > self.threshold.take(node)
            node = self.children.take(node + node + right)
        added = np.bincount(self.column, self.value.take(node), len(self.baseline))
        return self.baseline + added
