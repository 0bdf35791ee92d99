"""The labels of a net that somebody else has trained: what each of its outputs means.

["goldfish", "gecko"]      {"0": "goldfish", "1": "gecko"}      {"0": ["n01443537", "goldfish"], …}
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from winnow.errors import BundleRefused

SHAPES = '["goldfish", …], {"0": "goldfish", …} or {"0": ["n01443537", "goldfish"], …}'


def read_labels(path: Path) -> tuple[str, ...]:
    """The label of each output, in order; `BundleRefused` says what is wrong with the file and what would be right.

    Labels that stand there more than once (ImageNet has two kinds of crane) get their ids, or their places, behind
    them: they are different answers.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BundleRefused(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise BundleRefused(f"{path} is not JSON ({error}); labels are written as {SHAPES}") from error
    entries = [_entry(path, place, value) for place, value in enumerate(_in_order(path, content))]
    counts = Counter(label for _, label in entries)
    labels = tuple(label if counts[label] == 1 else f"{label} ({own})" for own, label in entries)
    if len(labels) < 2:
        raise BundleRefused(f"{path} has {len(labels)} labels; a classifier has at least two")
    if len(set(labels)) < len(labels):
        twice = next(label for label, count in Counter(labels).items() if count > 1)
        raise BundleRefused(f"{path} has the label '{twice}' twice, with the same id")
    return labels


def _in_order(path: Path, content: Any) -> Sequence[Any]:
    if isinstance(content, list):
        return content
    if not isinstance(content, dict):
        raise BundleRefused(f"{path} holds {type(content).__name__}; labels are written as {SHAPES}")
    missing = next((str(place) for place in range(len(content)) if str(place) not in content), None)
    if missing is not None:
        raise BundleRefused(f"{path} has {len(content)} labels, and none of them is number {missing}: {SHAPES}")
    return [content[str(place)] for place in range(len(content))]


def _entry(path: Path, place: int, value: Any) -> tuple[str, str]:
    """What tells a label from others of the same name, and the label."""
    own, label = (str(place), value) if not isinstance(value, list) or len(value) != 2 else value
    if not isinstance(own, str) or not isinstance(label, str) or not label.strip():
        raise BundleRefused(f"{path}: number {place} is {value!r}, which is no label; they are written as {SHAPES}")
    return own, label.strip()
