"""From a text to a few numbers by one matrix over its terms: the hot path, and the feature map of other models.

This is scikit-learn's `FeatureUnion` of `TfidfVectorizer`s followed by a matrix product, compiled: `terms.py` finds
the terms, `weights.py` adds up what they weigh. Scores are those of scikit-learn to the last digits (1e-12).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from winnow.errors import BundleRefused
from winnow.models import files
from winnow.models.reading import Reading
from winnow.models.terms import CharacterTerms, Ngrams, Terms, WordTerms
from winnow.models.weights import Doubles, Floats, TermWeights, Weighting

FACTS, ARRAYS = "projection.json", "projection.npz"


@dataclass(frozen=True, slots=True)
class Block:
    """The terms of one kind, with idf² (terms) and idf x weight (terms x columns). It is normalised by itself."""

    ngrams: Ngrams
    squares: Floats
    weighted: Floats


class TextProjection:
    """Text → one number for each column. Immutable; may be asked from any thread. It is an `Embedding`, too.

    There are words, characters or both. `offsets` (columns) is added to the result.
    """

    kind: ClassVar[str] = "projection"

    def __init__(
        self, reading: Reading, weighting: Weighting, words: Block | None, characters: Block | None, offsets: Floats
    ) -> None:
        self.columns = len(offsets)
        self._reading = reading
        self._weighting = weighting
        self._offsets = offsets.astype(np.float64)
        self._parts: dict[str, tuple[Terms, TermWeights]] = {}
        self._scorers: list[Callable[[Sequence[str]], float]] = []
        if words:
            word_terms = WordTerms(reading, words.ngrams)
            self._add("words", word_terms, words)
        if characters:
            self._add("characters", CharacterTerms(reading, characters.ngrams), characters)

    def _add(self, kind: str, terms: WordTerms | CharacterTerms, block: Block) -> None:
        weights = TermWeights(self._weighting, block.squares, block.weighted, terms.numbers)
        self._parts[kind] = terms, weights
        if self.columns > 1:
            return
        if isinstance(terms, WordTerms):
            few, listed = terms.id_list, weights.listed().share
            self._scorers.append(lambda chunks: listed(few(chunks)))
        else:
            many, share = terms.ids, weights.share
            self._scorers.append(lambda chunks: float(share(many(chunks))[0]))

    def scores(self, text: str) -> Sequence[float]:
        """The numbers of one text, as plain floats."""
        if self.columns > 1:
            found: list[float] = self.vector(text).tolist()
            return found
        chunks = self._chunks(text)
        score = float(self._offsets[0])
        for share in self._scorers:
            score += share(chunks)
        return (score,)

    def vector(self, text: str) -> Doubles:
        """The numbers of one text, as an array."""
        chunks = self._chunks(text)
        vector = self._offsets.copy()
        for terms, weights in self._parts.values():
            vector += weights.share(terms.ids(chunks))
        return vector

    def _chunks(self, text: str) -> list[str]:
        return text.lower().split() if self._reading.lowercase else text.split()

    def save(self, folder: Path) -> None:
        """Write the settings, the terms and the numbers."""
        facts: dict[str, Any] = {"reading": asdict(self._reading), "weighting": asdict(self._weighting)}
        arrays: dict[str, Floats] = {"offsets": self._offsets}
        for kind, (terms, weights) in self._parts.items():
            facts[kind] = [terms.ngrams.shortest, terms.ngrams.longest]
            files.write_json(folder / f"{kind}.json", list(terms.ngrams.terms))
            arrays[f"{kind}_squares"], arrays[f"{kind}_weighted"] = weights.arrays()
        files.write_json(folder / FACTS, facts)
        files.write_arrays(folder / ARRAYS, arrays)

    @classmethod
    def load(cls, folder: Path, columns: int) -> Self:
        """Read what `save` wrote; `BundleRefused` where it does not fit together or has not so many columns."""
        facts = files.read_object(folder / FACTS)
        try:
            reading = Reading.from_json(facts["reading"])
            weighting = Weighting(**facts["weighting"])
            ngrams = {
                kind: _load_ngrams(folder, kind, facts[kind]) for kind in ("words", "characters") if kind in facts
            }
        except (KeyError, TypeError, ValueError) as error:
            raise BundleRefused(f"{folder / FACTS} is not what was saved: {error!r}") from error
        shapes: dict[str, tuple[int, ...]] = {"offsets": (columns,)}
        for kind, found in ngrams.items():
            shapes[f"{kind}_squares"] = (len(found.terms),)
            shapes[f"{kind}_weighted"] = (len(found.terms), columns)
        arrays = files.read_arrays(folder / ARRAYS, shapes)
        blocks = {
            kind: Block(found, arrays[f"{kind}_squares"], arrays[f"{kind}_weighted"])
            for kind, found in ngrams.items()
        }
        return cls(reading, weighting, blocks.get("words"), blocks.get("characters"), arrays["offsets"])


def _load_ngrams(folder: Path, kind: str, lengths: Sequence[int]) -> Ngrams:
    shortest, longest = map(int, lengths)
    if not 1 <= shortest <= longest:
        raise ValueError(f"{kind} of {shortest} to {longest}")
    return Ngrams(shortest, longest, files.read_strings(folder / f"{kind}.json"))
