"""What tasks that answer with labels have in common: how labels are read, and how answers compare with them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from winnow.domain import Classification, Input, Target
from winnow.errors import InvalidInput, nearest
from winnow.models.base import Question
from winnow.project import ServiceConfig
from winnow.tasks import classification

_TRUE = frozenset({"1", "1.0", "true", "yes"})
_FALSE = frozenset({"0", "0.0", "false", "no", ""})


class Labelling(ABC):
    """A task whose targets are labels as winnow.toml describes them. What its inputs are is left to say."""

    primary_metric = "f1_macro"

    def __init__(self, config: ServiceConfig) -> None:
        self._config = config
        self._labels = config.known_labels
        self._meaning = {value: label for label, values in config.label_values.items() for value in values}

    @abstractmethod
    def read_input(self, value: object) -> Input:
        """An input from JSON, a cell or a file's bytes; `InvalidInput` says what is wrong with it."""

    def read_target(self, value: object) -> Target:
        """A label, or a list of labels where several may apply."""
        if not self._config.several:
            return self._known(value)
        if not isinstance(value, list):
            raise InvalidInput(f"the target should be a list of labels, not {value!r}")
        return self._in_order({self._known(entry) for entry in value})

    def read_row(self, row: Mapping[str, Any]) -> tuple[Input, Target]:
        """The input and its label (or labels) from the columns that winnow.toml names."""
        return self.read_input(row[self._config.input]), self._row_target(row)

    def columns(self) -> tuple[str, ...]:
        """The column of the input and those of the label."""
        label = self._config.label
        return (self._config.input, *((label,) if isinstance(label, str) else label))

    def question(self, targets: Sequence[Target]) -> Question:
        """The labels of winnow.toml, or else those that occur, sorted."""
        if self._labels is not None:
            return Question(self._labels, self._config.several)
        seen = {label for target in targets for label in ([target] if isinstance(target, str) else target)}
        return Question(tuple(sorted(seen)), self._config.several)

    def metrics(
        self, question: Question, targets: Sequence[Target], answers: Sequence[Classification]
    ) -> Mapping[str, Any]:
        """Accuracy, macro F1, figures for each label, confusion matrix and calibration."""
        return classification.metrics(question, targets, answers)

    def intervals(
        self, question: Question, targets: Sequence[Target], answers: Sequence[Classification]
    ) -> Mapping[str, Sequence[float] | None]:
        """Bootstrap intervals of accuracy and macro F1."""
        return classification.intervals(question, targets, answers)

    def correct(self, targets: Sequence[Target], answers: Sequence[Classification]) -> Sequence[bool]:
        """Which answers have exactly the right label or labels."""
        return classification.correct(targets, answers)

    def _row_target(self, row: Mapping[str, Any]) -> Target:
        column = self._config.label
        if not isinstance(column, str):
            return [label for label in column if _flag(label, row[label])]
        value = row[column]
        if self._config.separator is None:
            return self._labelled(column, value)
        cells = value if isinstance(value, list) else _text(value).split(self._config.separator)
        return self._in_order({self._labelled(column, cell) for cell in cells if _text(cell)})

    def _labelled(self, column: str, value: object) -> str:
        if isinstance(value, list | dict):
            raise InvalidInput(f"column '{column}' should hold one label, not {_short(str(value))}")
        cell = _text(value)
        if not cell:
            raise InvalidInput(f"column '{column}' is empty: there is no label")
        if self._meaning:
            label = self._meaning.get(cell)
            if label is None:
                raise InvalidInput(f"column '{column}' has '{_short(cell)}', which no label in winnow.toml means")
            return label
        return self._known(cell)

    def _known(self, value: object) -> str:
        if not isinstance(value, str) or not value.strip():
            raise InvalidInput(f"the label should be a text, not {value!r}")
        if self._labels is None:
            refuse_lone_surrogates(value)
        elif value not in self._labels:
            raise InvalidInput(f"there is no label '{_short(value)}'.{nearest(value, self._labels)}")
        return value

    def _in_order(self, labels: set[str]) -> list[str]:
        order = self._labels
        return sorted(labels) if order is None else sorted(labels, key=order.index)


def refuse_lone_surrogates(text: str) -> None:
    """Raise `InvalidInput` for half of a surrogate pair, which no store and no client can hold."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(
            f"the text has half of a surrogate pair at position {error.start + 1}: it was cut or decoded wrongly"
        ) from None


def _text(value: object) -> str:
    """A cell as text: JSON has numbers and booleans where CSV has their text."""
    if value is None:
        return ""
    return str(value).strip() if not isinstance(value, bool) else str(value).lower()


def _flag(column: str, value: object) -> bool:
    cell = _text(value).lower()
    if cell in _TRUE:
        return True
    if cell in _FALSE:
        return False
    raise InvalidInput(f"column '{column}' should hold 0 or 1, not '{_short(cell)}'")


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."
