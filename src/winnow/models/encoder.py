"""A transformer in ONNX as an embedding: a folder with `model.onnx` and `tokenizer.json`.

Texts are encoded one at a time: padding them to one length would let the rows of a batch influence each other, and
on one core it is no faster.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from winnow.errors import BundleRefused, MissingExtra
from winnow.models.onnx_graph import open_session
from winnow.models.weights import Doubles

GRAPH, TOKENIZER = "model.onnx", "tokenizer.json"
FOLDER = "encoder"
FEATURE = "an ONNX encoder"
LONGEST = 512
"""Tokens after which a text is cut."""

INPUTS = frozenset({"input_ids", "attention_mask", "token_type_ids"})


class Encoder:
    """Text → the graph's sentence vector, or the mean of its token vectors; of length 1 (L2).

    A graph takes `input_ids` and, where it names them, `attention_mask` and `token_type_ids`. What it gives is
    (1, columns) or (1, tokens, columns): an output with "sentence" in its name, otherwise its first.
    """

    kind: ClassVar[str] = "encoder"

    def __init__(self, folder: Path) -> None:
        """Open an encoder's folder; `BundleRefused`, naming the file, where it cannot be used."""
        self._folder = folder
        self._tokenizer = _open_tokenizer(folder / TOKENIZER)
        self._session = open_session(folder / GRAPH, FEATURE)
        self._inputs = [entry.name for entry in self._session.get_inputs()]
        if "input_ids" not in self._inputs or not INPUTS.issuperset(self._inputs):
            raise BundleRefused(
                f"{folder / GRAPH} takes {', '.join(self._inputs)}, not {', '.join(sorted(INPUTS))}"
            )
        outputs = [entry.name for entry in self._session.get_outputs()]
        self._output = next((name for name in outputs if "sentence" in name), outputs[0])
        self.columns = self._try_out()

    def vector(self, text: str) -> Doubles:
        """The vector of one text. Shape (columns,); zeros where the tokenizer finds nothing in it."""
        tokens = self._tokenizer.encode(text)
        return self._run(tokens) if tokens.ids else np.zeros(self.columns)

    def _run(self, tokens: Any) -> Doubles:
        given = {
            "input_ids": tokens.ids,
            "attention_mask": tokens.attention_mask,
            "token_type_ids": tokens.type_ids,
        }
        feed = {name: np.array([given[name]], np.int64) for name in self._inputs}
        found: Doubles = np.asarray(self._session.run([self._output], feed)[0][0], np.float64)
        if found.ndim > 1:  # one vector for each token; none of them is padding
            found = found.mean(axis=0)
        length = float(np.sqrt(found.dot(found)))
        return found / length if length else found

    def _try_out(self) -> int:
        """Encode a word, so that a graph that cannot is refused now; the length of its vector."""
        tokens = self._tokenizer.encode("a")
        try:
            vector = self._run(tokens)
        except Exception as error:  # its own kinds of error are no part of onnxruntime's interface
            raise BundleRefused(f"{self._folder / GRAPH} cannot encode a text: {error}") from error
        if vector.ndim != 1 or not np.isfinite(vector).all():
            raise BundleRefused(f"{self._folder / GRAPH} does not give a vector for a text")
        return len(vector)

    def save(self, folder: Path) -> None:
        """Copy the graph and the tokenizer, so that a bundle needs nothing but itself."""
        (folder / FOLDER).mkdir()
        for name in (GRAPH, TOKENIZER):
            shutil.copyfile(self._folder / name, folder / FOLDER / name)

    @classmethod
    def load(cls, folder: Path, columns: int) -> Self:
        """Read what `save` wrote; `BundleRefused` where it gives vectors of another length."""
        encoder = cls(folder / FOLDER)
        if encoder.columns != columns:
            raise BundleRefused(f"{folder / FOLDER / GRAPH} gives {encoder.columns} numbers, not {columns}")
        return encoder


def _open_tokenizer(path: Path) -> Any:
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise MissingExtra(FEATURE, "onnx") from error
    try:
        tokenizer = Tokenizer.from_buffer(path.read_bytes())
    except Exception as error:  # tokenizers raises `Exception` itself
        raise BundleRefused(f"{path} cannot be read as a tokenizer: {error}") from error
    tokenizer.no_padding()
    tokenizer.enable_truncation(LONGEST)
    return tokenizer
