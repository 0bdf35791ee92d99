"""Reads files of word vectors: the text format of word2vec, GloVe, fastText and wikipedia2vec, plain or gzip."""

from __future__ import annotations

import gzip
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TextIO

import numpy as np
import numpy.typing as npt

from winnow.errors import TrainingFailed

ENTITY = "ENTITY/"
"""With this, wikipedia2vec marks lines of entities, which are no words."""


def read_word_vectors(path: Path, words: Collection[str]) -> tuple[list[str], npt.NDArray[np.float32]]:
    """The words of the file that are among `words`, sorted, and their vectors (words x dimensions).

    A line is a word and its numbers, between spaces. A first line of two counts is skipped. `TrainingFailed` names
    the line that has another length, or says that the file knows none of the words.
    """
    found: dict[str, npt.NDArray[np.float32]] = {}
    try:
        with _open(path) as file:
            for line, word, numbers in _entries(path, file):
                if word in words and word not in found:
                    found[word] = _vector(path, line, numbers)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise TrainingFailed(f"{path} cannot be read: {error}") from error
    if not found:
        raise TrainingFailed(f"{path} has no vector for any word of the examples")
    known = sorted(found)
    return known, np.stack([found[word] for word in known])


def _open(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="\n")
    return path.open(encoding="utf-8", newline="\n")


def _entries(path: Path, file: TextIO) -> Iterator[tuple[int, str, list[str]]]:
    """Line number, word and numbers of each line; a word may have spaces in it, so lines are cut from their end."""
    dimensions: int | None = None
    for line, content in enumerate(file, 1):
        parts = content.rstrip().split(" ")
        if line == 1 and len(parts) == 2 and parts[1].isdigit():
            dimensions = int(parts[1])
            continue
        if dimensions is None:
            dimensions = len(parts) - 1
        if len(parts) <= dimensions or not dimensions:
            raise TrainingFailed(f"{path}, line {line}: {len(parts) - 1} numbers where {dimensions} are expected")
        word = " ".join(parts[:-dimensions])
        if not word.startswith(ENTITY):
            yield line, word, parts[-dimensions:]


def _vector(path: Path, line: int, numbers: list[str]) -> npt.NDArray[np.float32]:
    try:
        vector = np.array(numbers, np.float32)
    except ValueError as error:
        raise TrainingFailed(f"{path}, line {line}: {error}") from error
    if not np.isfinite(vector).all():
        raise TrainingFailed(f"{path}, line {line}: a number is not finite")
    return vector
