"""The model of images that somebody else has trained: a classifier in ONNX, with the labels of its outputs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from winnow.domain import Classification, Input, Outcome
from winnow.errors import BundleRefused
from winnow.models import files
from winnow.models.base import Question
from winnow.models.image_graph import GRAPH, ImageGraph, ordinary_picture
from winnow.models.image_rows import answer_each
from winnow.models.links import softmax
from winnow.models.preprocessing import Preprocessing
from winnow.models.weights import Doubles

if TYPE_CHECKING:
    from PIL.Image import Image

FACTS = "pretrained.json"
LOGITS, PROBABILITIES = SCALES = "logits", "probabilities"


class PretrainedImage:
    """Answers with the probabilities of some of a classifier's outputs: `places` has one for each label, in order.

    Where these are not all outputs, the probabilities are as if the others were out of the question. `scale` says
    whether the outputs are logits or probabilities already.
    """

    family: ClassVar[str] = "pretrained-image"

    def __init__(self, question: Question, graph: ImageGraph, places: Sequence[int], scale: str) -> None:
        self.question = question
        self.graph = graph
        self._places = np.array(places, np.intp)
        self._scale = scale

    @classmethod
    def of(cls, question: Question, graph: ImageGraph, known: Sequence[str]) -> Self:
        """Take a classifier into use, whose outputs mean `known`, for a question with some or all of these labels.

        `BundleRefused` where it has another number of outputs than labels. Whether it gives logits or probabilities
        is seen in what it answers to an ordinary image: probabilities are never negative and add up to 1.
        """
        found = _outputs(graph)
        if found.size != len(known):
            raise BundleRefused(
                f"{graph.path} gives {found.size} numbers for an image, and there are {len(known)} labels"
            )
        is_share = bool((found >= 0).all() and abs(found.sum() - 1.0) < 1e-3)
        place = {label: i for i, label in enumerate(known)}
        places = [place[label] for label in question.labels]
        return cls(question, graph, places, PROBABILITIES if is_share else LOGITS)

    def answer(self, inputs: Sequence[Input]) -> list[Outcome]:
        """One outcome for each file, one after the other."""
        return answer_each(inputs, self._answer)

    def _answer(self, picture: Image) -> Classification:
        chosen = self.graph.output(picture).ravel().take(self._places).tolist()
        return self.question.answer(softmax(chosen) if self._scale == LOGITS else _shares(chosen))

    def save(self, folder: Path) -> None:
        """Copy the graph, and write what its outputs mean and how images are prepared for it."""
        facts = {"places": self._places.tolist(), "scale": self._scale}
        files.write_json(folder / FACTS, {**facts, "preprocessing": self.graph.preprocessing.to_json()})
        self.graph.save(folder)

    @classmethod
    def load(cls, folder: Path, question: Question) -> Self:
        """Read what `save` wrote; `BundleRefused` where it cannot be used."""
        facts = files.read_object(folder / FACTS)
        places: Any = facts.get("places")
        scale = str(facts.get("scale"))
        preprocessing = Preprocessing.from_json(facts.get("preprocessing"), str(folder / FACTS))
        graph = ImageGraph.open(folder / GRAPH, preprocessing)
        outputs = _outputs(graph).size
        if not _are_places(places, outputs) or len(places) != len(question.labels) or scale not in SCALES:
            raise BundleRefused(
                f"{folder / FACTS} does not fit {outputs} outputs and {len(question.labels)} labels"
            )
        return cls(question, graph, places, scale)


def _are_places(places: Any, outputs: int) -> bool:
    return isinstance(places, list) and all(type(place) is int and 0 <= place < outputs for place in places)


def _outputs(graph: ImageGraph) -> Doubles:
    """What a classifier gives for an ordinary image; `BundleRefused` where it is not one number for each label."""
    found = graph.try_out(ordinary_picture())
    if found.size != max(found.shape):  # (labels), or (labels, 1, 1) as some graphs leave it
        raise BundleRefused(
            f"{graph.path} gives {found.shape} numbers for an image; a classifier gives one per label"
        )
    return found.ravel()


def _shares(probabilities: Sequence[float]) -> list[float]:
    """Shares of their sum; even shares where none of them has any probability."""
    positive = [max(probability, 0.0) for probability in probabilities]
    total = sum(positive)
    return [value / total for value in positive] if total else [1.0 / len(positive)] * len(positive)
