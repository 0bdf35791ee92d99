"""The port `Task`: what a service answers. Registered under `winnow.tasks`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from winnow.domain import Classification, Input, Target
from winnow.models.base import Question
from winnow.project import ServiceConfig


class Task(Protocol):
    """Reads inputs and targets, and compares answers with targets. Made once per service; has no other state."""

    primary_metric: str
    """The figure by which candidates are ranked and compared with the champion; higher is better."""

    reads_files: bool
    """Whether inputs are files (`bytes`) rather than texts. The store keeps files as blobs."""

    file_bytes: int
    """How many bytes one file may have; 0 where inputs are texts."""

    @property
    def sample(self) -> Input:
        """An ordinary input, to warm a model up with."""
        ...

    def __init__(self, config: ServiceConfig) -> None: ...

    def read_input(self, value: object) -> Input:
        """An input from JSON, a cell or a file's bytes; `InvalidInput` says what is wrong with it.

        It is cheap where inputs are texts. Where they are files it may take milliseconds.
        """
        ...

    def check_example(self, value: Input) -> None:
        """Look at an input as closely as learning from it needs; `InvalidInput` says what is wrong with it.

        Files are decoded to their end here, which `read_input` leaves to the model.
        """
        ...

    def read_target(self, value: object) -> Target:
        """A target from JSON, as feedback gives it; `InvalidInput` names the labels that there are."""
        ...

    def read_row(self, row: Mapping[str, Any]) -> tuple[Input, Target]:
        """The input and target of a table row or JSON object; `InvalidInput` says which column is wrong and how."""
        ...

    def columns(self) -> tuple[str, ...]:
        """The columns that `read_row` needs."""
        ...

    def question(self, targets: Sequence[Target]) -> Question:
        """What is to be learned from these targets."""
        ...

    def metrics(
        self, question: Question, targets: Sequence[Target], answers: Sequence[Classification]
    ) -> Mapping[str, Any]:
        """Compare answers with targets: JSON-ready figures, among them `primary_metric`."""
        ...

    def intervals(
        self, question: Question, targets: Sequence[Target], answers: Sequence[Classification]
    ) -> Mapping[str, Sequence[float] | None]:
        """The 95 % interval [low, high] of the leading figures of `metrics`, `primary_metric` among them."""
        ...

    def correct(self, targets: Sequence[Target], answers: Sequence[Classification]) -> Sequence[bool]:
        """Which answers are exactly right."""
        ...
