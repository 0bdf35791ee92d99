"""How text becomes words: lower case, accents, and what counts as a word.

The same settings make scikit-learn's vectorisers at training and our own reader at serving, so that both see the
same terms. Everything here works on one whitespace-separated chunk of a text at a time. That is exact, because
neither a word nor a character n-gram ever crosses white space, and it makes chunks worth remembering.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, Self
from unicodedata import combining, normalize

Words = Literal["long", "all", "signs"]
"""What counts as a word: runs of two or more word characters; any run; any run, and each other sign by itself."""

PATTERNS: Mapping[Words, str] = MappingProxyType({"long": r"(?u)\b\w\w+\b", "all": r"\w+", "signs": r"\w+|[^\w\s]"})


@dataclass(frozen=True, slots=True)
class Reading:
    """How text is folded and cut into words. A text is put in lower case before it is cut into chunks."""

    lowercase: bool = True
    strip_accents: bool = False
    words: Words = "long"

    def vectoriser_options(self) -> dict[str, Any]:
        """The same settings in scikit-learn's names."""
        return {
            "lowercase": self.lowercase,
            "strip_accents": "unicode" if self.strip_accents else None,
            "token_pattern": PATTERNS[self.words],
        }

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Self:
        """Settings as JSON holds them; `ValueError` or `TypeError` for anything else."""
        reading = cls(**facts)
        if reading.words not in PATTERNS:
            raise ValueError(f"unknown kind of words: {reading.words!r}")
        return reading

    @property
    def find_words(self) -> Callable[[str], list[str]]:
        """Cuts a folded chunk into words."""
        return re.compile(PATTERNS[self.words]).findall


def strip_accents(text: str) -> str:
    """Take accents off as scikit-learn's `strip_accents_unicode` does: decompose, drop what combines."""
    if text.isascii():
        return text
    return "".join([character for character in normalize("NFKD", text) if not combining(character)])


def character_ngrams(chunk: str, shortest: int, longest: int) -> list[str]:
    """Every n-gram of each word of a folded chunk, padded with one space on both sides, as `char_wb` cuts them.

    A chunk is one word, unless taking off its accents put spaces in it. A word shorter than an n-gram counts once.
    """
    ngrams: list[str] = []
    for word in chunk.split():
        padded = f" {word} "
        for n in range(shortest, longest + 1):
            if n >= len(padded):
                ngrams.append(padded)
                break
            ngrams += [padded[start : start + n] for start in range(len(padded) - n + 1)]
    return ngrams
