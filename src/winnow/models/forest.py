"""A head of gradient-boosted trees."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

from winnow.errors import BundleRefused
from winnow.models import files
from winnow.models.estimators import load_forests, save_estimators
from winnow.models.links import LINKS
from winnow.models.trees import Trees
from winnow.models.weights import Doubles

FACTS, ESTIMATORS = "forest.json", "estimator.skops"


class Forest:
    """One estimator for all labels; or, with the link "independent", one for each label.

    `places` says which label each raw score is for. Labels that have none have their number in `constants` instead.
    """

    kind: ClassVar[str] = "forest"

    def __init__(
        self, estimators: Sequence[Any], link: str, places: Sequence[int], constants: Sequence[float]
    ) -> None:
        self._estimators = estimators
        self._link_name = link
        self._link = LINKS[link]
        self._places = places
        self._constants = constants
        self._trees = Trees.of(estimators)
        self.columns = self._trees.features

    def probabilities(self, vector: Doubles) -> Sequence[float]:
        """One probability for each label."""
        found = self._link(self._trees.scores(vector).tolist())
        probabilities = list(self._constants)
        for place, probability in zip(self._places, found, strict=True):
            probabilities[place] = probability
        return probabilities

    def save(self, folder: Path) -> None:
        """Write the estimators and what their scores are for."""
        facts = {"link": self._link_name, "places": list(self._places), "constants": list(self._constants)}
        files.write_json(folder / FACTS, facts)
        save_estimators(folder / ESTIMATORS, self._estimators)

    @classmethod
    def load(cls, folder: Path, columns: int, labels: int) -> Self:
        """Read what `save` wrote; `BundleRefused` where it cannot be used."""
        facts = files.read_object(folder / FACTS)
        estimators = load_forests(folder / ESTIMATORS)
        try:
            link, places, constants = facts["link"], facts["places"], facts["constants"]
            fits = len(constants) == labels and set(places) <= set(range(labels))
            forest = cls(estimators, link, places, [float(number) for number in constants])
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise BundleRefused(f"{folder / FACTS} or {ESTIMATORS} is not what was saved: {error!r}") from error
        if not fits or forest.columns > columns:
            raise BundleRefused(f"{folder / FACTS} does not fit {labels} labels and vectors of {columns} numbers")
        return forest
