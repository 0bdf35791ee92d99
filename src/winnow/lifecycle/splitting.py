"""The split: which examples a model learns from, and which it is tested with.

Where a row goes is decided by the hash of its input, so the split stays as it is while data grow:

1. The first example of each label, in order of arrival, is learned from.
2. Of the others, those whose hash is in the lowest fifth are test rows, and so is each label's lowest.

From rule 2 every label has a test row, and from rule 1 a row to learn from. Adding new inputs can move a row from
test to train (when its label gets one with a lower hash) but never from train to test: a version is never tested
with a row that an earlier one of the same service has learned.

Inputs that differ only in case or white space go together, so that no trivial variant of a test row is learned.
Where such a group, or an input with several labels, is the first of one label and the only other one of a second,
rule 1 wins: the second label has no test row, and its recall is unknown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from winnow.domain import Examples, Target

TEST_SHARE = 0.2
RULE = (
    "by hash of the input: the lowest fifth, and at least one example of each label, is for testing; the first "
    "example of each label is for training; inputs that differ only in case or white space stay together"
)
_SALT = b"winnow split 1"  # another salt is another split: every test row of the past would become a training row


@dataclass(frozen=True, slots=True)
class Split:
    """Row numbers of the two sides, each in order of arrival. Together they are all rows."""

    train: Sequence[int]
    test: Sequence[int]


def split(examples: Examples) -> Split:
    """Split examples that are in order of arrival."""
    keys = [key(text) for text in examples.inputs]
    groups = groups_by_label(keys, examples.targets)
    first = {next(iter(members)) for members in groups.values()}
    lowest = {min(rest) for members in groups.values() if (rest := members.keys() - first)}
    tested = [(hashed in lowest or _share(hashed) < TEST_SHARE) and hashed not in first for hashed in keys]
    rows = range(len(keys))
    return Split([row for row in rows if not tested[row]], [row for row in rows if tested[row]])


def key(text: str) -> bytes:
    """What inputs share that differ only in case or white space: 8 bytes, spread evenly."""
    normal = " ".join(text.casefold().split())
    return hashlib.blake2b(normal.encode(), digest_size=8, key=_SALT).digest()


def groups_by_label(keys: Sequence[bytes], targets: Sequence[Target]) -> Mapping[str, Mapping[bytes, None]]:
    """Label → the distinct keys of its inputs, in order of arrival."""
    groups: dict[str, dict[bytes, None]] = {}
    for hashed, target in zip(keys, targets, strict=True):
        for label in [target] if isinstance(target, str) else target:
            groups.setdefault(label, {})[hashed] = None
    return groups


def _share(hashed: bytes) -> float:
    """Where a key lies between the lowest (0) and the highest (1) that there could be."""
    return int.from_bytes(hashed, "big") / 2**64
