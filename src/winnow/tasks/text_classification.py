"""The task `text-classification`: which label a text has, or which labels where several may apply."""

from __future__ import annotations

from winnow.domain import Input
from winnow.errors import InvalidInput
from winnow.project import ServiceConfig
from winnow.tasks.labels import Labelling, refuse_lone_surrogates


class TextClassification(Labelling):
    """Reads texts and labels as winnow.toml describes them."""

    reads_files = False
    file_bytes = 0
    sample = "A sentence of ordinary length, to learn how long a model takes for a character of it."

    def __init__(self, config: ServiceConfig) -> None:
        super().__init__(config)
        self._max_chars = config.serving.max_chars

    def read_input(self, value: object) -> str:
        """A text that is not blank, not too long, and that every store and client can hold."""
        if not isinstance(value, str):
            kind = "null" if value is None else type(value).__name__
            raise InvalidInput(f"the input should be a text, not {kind}")
        if len(value) > self._max_chars:
            raise InvalidInput(f"the input has {len(value):,} characters; at most {self._max_chars:,} are read")
        if not value or value.isspace():
            raise InvalidInput("the input is blank: there is nothing to classify")
        if not value.isascii():
            refuse_lone_surrogates(value)
        if "\0" in value:
            raise InvalidInput(f"the input has a NUL character at position {value.index(chr(0)) + 1}")
        return value

    def check_example(self, value: Input) -> None:
        """Nothing more: `read_input` has looked at all of a text."""
