"""From a text's chunks to the ids of its terms: the reading half of the hot path.

Ids count from 1 in the order of the vocabulary. 0 stands for a word that no term has, and numbers past the last id
for words that only longer n-grams have: tables of weights hold zeros for both, so that neither needs a test.

Chunks are remembered: languages repeat their words so much that most texts are read without cutting one of them.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from winnow.models.reading import Reading, character_ngrams, strip_accents

Ids = npt.NDArray[np.intc]
Read = TypeVar("Read")

CACHED_CHUNKS = 1 << 15
LONGEST_CACHED = 48
"""Bounds of what is remembered: chunks, and characters of one. Together some tens of megabytes at the very most."""


@dataclass(frozen=True, slots=True)
class Ngrams:
    """Lengths of n-grams, both included, and all n-grams that are terms, in the order of their ids."""

    shortest: int
    longest: int
    terms: Sequence[str]


class Terms(Protocol):
    """One kind of n-gram. Immutable to the eye: what it remembers changes no answer, on any thread."""

    ngrams: Ngrams

    @property
    def numbers(self) -> int:
        """One more than the highest number that `ids` gives."""
        ...

    def ids(self, chunks: Sequence[str]) -> Ids:
        """The terms' ids, one for each time that a term stands in the text, in no order that means anything."""
        ...


class WordTerms:
    """Runs of words. They cross from chunk to chunk, so that a chunk is remembered as the numbers of its words."""

    def __init__(self, reading: Reading, ngrams: Ngrams) -> None:
        self.ngrams = ngrams
        self._find_words = reading.find_words
        self._fold = strip_accents if reading.strip_accents else str
        self._numbers, self._sequences = _number_words(ngrams.terms)
        self._chunks = _Remembered(self._read)

    @property
    def numbers(self) -> int:
        """One more than the highest number."""
        return max(len(self.ngrams.terms), max(self._numbers.values(), default=0)) + 1

    def ids(self, chunks: Sequence[str]) -> Ids:
        """The ids as an array."""
        return np.array(self.id_list(chunks), np.intc)

    def id_list(self, chunks: Sequence[str]) -> list[int]:
        """The ids as a list, for few of them."""
        numbers = list(chain.from_iterable(map(self._chunks.__getitem__, chunks)))
        ids = numbers.copy() if self.ngrams.shortest == 1 else []
        for n in range(max(2, self.ngrams.shortest), self.ngrams.longest + 1):
            runs = zip(*[numbers[start:] for start in range(n)], strict=False)
            ids += filter(None, map(self._sequences.get, runs))
        return ids

    def _read(self, chunk: str) -> tuple[int, ...]:
        return tuple([self._numbers.get(word, 0) for word in self._find_words(self._fold(chunk))])


class CharacterTerms:
    """Runs of characters inside words. A chunk is remembered as its many ids' bytes, because bytes join fast."""

    def __init__(self, reading: Reading, ngrams: Ngrams) -> None:
        self.ngrams = ngrams
        self._fold = strip_accents if reading.strip_accents else str
        self._ids = {term: i for i, term in enumerate(ngrams.terms, 1)}
        self._chunks = _Remembered(self._read)

    @property
    def numbers(self) -> int:
        """One more than the highest id."""
        return len(self.ngrams.terms) + 1

    def ids(self, chunks: Sequence[str]) -> Ids:
        """The ids as an array."""
        return np.frombuffer(bytearray().join(map(self._chunks.__getitem__, chunks)), np.intc)

    def _read(self, chunk: str) -> bytes:
        ngrams = character_ngrams(self._fold(chunk), self.ngrams.shortest, self.ngrams.longest)
        return array("i", filter(None, map(self._ids.get, ngrams))).tobytes()


class _Remembered(dict[str, Read], Generic[Read]):
    """What was read of a chunk. When full it starts afresh: the frequent chunks are back at once."""

    def __init__(self, read: Callable[[str], Read]) -> None:
        super().__init__()
        self._read_chunk = read

    def __missing__(self, chunk: str) -> Read:
        found = self._read_chunk(chunk)
        if len(chunk) <= LONGEST_CACHED:
            if len(self) >= CACHED_CHUNKS:
                self.clear()
            self[chunk] = found
        return found


def _number_words(terms: Sequence[str]) -> tuple[dict[str, int], dict[tuple[int, ...], int]]:
    """Number each word: its id where it is a term itself, otherwise a number past all ids.

    The second table leads from the numbers of a longer n-gram's words to the n-gram's id.
    """
    split = [term.split(" ") for term in terms]
    numbers = {words[0]: i for i, words in enumerate(split, 1) if len(words) == 1}
    sequences: dict[tuple[int, ...], int] = {}
    next_number = len(terms) + 1
    for i, words in enumerate(split, 1):
        if len(words) == 1:
            continue
        for word in words:
            if word not in numbers:
                numbers[word] = next_number
                next_number += 1
        sequences[tuple([numbers[word] for word in words])] = i
    return numbers, sequences
