"""The profile of a version: what its inputs and answers looked like at training, against which drift is measured.

It holds counts, of a bounded number of labels and words, and no text: some thirty kilobytes at most.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from winnow.domain import Classification, Target
from winnow.models.reading import PATTERNS

BINS = 10
NO_LABEL = ""
"""What inputs count under to which none of several labels applies."""
CHARACTERS = 1_000
"""How much of a text is read: its first characters."""
_MOST_LABELS = 200
_MOST_WORDS = 1_000
_MOST_TEXTS = 20_000
_LONGEST_WORD = 40

_find_words = re.compile(PATTERNS["long"]).findall


@dataclass(frozen=True, slots=True)
class Mix:
    """How often each of some things occurred: the most frequent by name, most frequent first, out of `total`."""

    total: int
    counts: Mapping[str, int]

    @classmethod
    def of(cls, counter: Counter[str], most: int) -> Self:
        """Keep the most frequent; of those that are alike, the first by name."""
        ranked = sorted(counter.items(), key=lambda entry: (-entry[1], entry[0]))
        return cls(counter.total(), dict(ranked[:most]))

    @property
    def rest(self) -> int:
        """How often anything else occurred."""
        return self.total - sum(self.counts.values())

    @property
    def shares(self) -> dict[str, float]:
        """The share of each that is named."""
        return {name: count / self.total for name, count in self.counts.items()}

    def beside(self, other: Mix) -> tuple[list[int], list[int]]:
        """Both as rows of counts over the same bins: those that are named here, and all else."""
        there = [other.counts.get(name, 0) for name in self.counts]
        return [*self.counts.values(), self.rest], [*there, other.total - sum(there)]

    def to_json(self) -> dict[str, Any]:
        """As the store keeps it."""
        return {"total": self.total, "counts": dict(self.counts)}

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Self:
        """Read what `to_json` made."""
        return cls(facts["total"], facts["counts"])


@dataclass(frozen=True, slots=True)
class AnswerProfile:
    """What a version answered: labels, and how sure it was, in ten bins of the highest score from 0 to 1."""

    labels: Mix
    confidence: Sequence[int]

    @property
    def rows(self) -> int:
        """How many inputs were answered."""
        return sum(self.confidence)


@dataclass(frozen=True, slots=True)
class Profile:
    """A version's answers to the test rows, their targets, and the words of all examples; None for files."""

    answers: AnswerProfile
    targets: Mix
    words: Mix | None

    def to_json(self) -> dict[str, Any]:
        """As the store keeps it."""
        return {
            "labels": self.answers.labels.to_json(),
            "confidence": list(self.answers.confidence),
            "targets": self.targets.to_json(),
            "words": None if self.words is None else self.words.to_json(),
        }

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Self:
        """Read what `to_json` made."""
        return cls(
            AnswerProfile(Mix.from_json(facts["labels"]), facts["confidence"]),
            Mix.from_json(facts["targets"]),
            None if facts["words"] is None else Mix.from_json(facts["words"]),
        )


def profile_answers(answers: Iterable[Classification]) -> AnswerProfile:
    """Count labels and confidence. Rows without an answer are left out."""
    labels: Counter[str] = Counter()
    confidence = [0] * BINS
    for answer in answers:
        if not answer["scores"]:
            continue
        labels.update(answer["labels"] or [NO_LABEL] if "labels" in answer else [answer["label"]])
        confidence[min(BINS - 1, max(0, int(max(answer["scores"].values()) * BINS)))] += 1
    return AnswerProfile(Mix.of(labels, _MOST_LABELS), confidence)


def count_targets(targets: Iterable[Target]) -> Mix:
    """Count the labels of targets."""
    labels: Counter[str] = Counter()
    for target in targets:
        labels.update([target] if isinstance(target, str) else target or [NO_LABEL])
    return Mix.of(labels, _MOST_LABELS)


def count_words(texts: Sequence[str], known: Collection[str] | None = None) -> Mix:
    """The most frequent words, or only the `known` ones, of at most twenty thousand texts spread over all.

    A word that occurs once is not among them: it says nothing of the next texts, and may be somebody's name.
    """
    step = max(1, -(-len(texts) // _MOST_TEXTS))
    words: Counter[str] = Counter()
    for place in range(0, len(texts), step):
        words.update(_find_words(texts[place][:CHARACTERS].lower()))
    total = words.total()
    if known is not None:
        return Mix(total, {word: words[word] for word in known})
    frequent = {word: count for word, count in words.items() if count > 1 and len(word) <= _LONGEST_WORD}
    return Mix(total, Mix.of(Counter(frequent), _MOST_WORDS).counts)
