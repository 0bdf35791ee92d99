"""The two ports of learning: `Candidate` learns, `Model` answers.

A candidate is registered under `winnow.candidates`, the model that it returns under `winnow.models`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

from pydantic import BaseModel, ConfigDict, ValidationError

from winnow import plugins
from winnow.domain import Classification, Examples, Input, Outcome, Progress
from winnow.errors import ModelFailed, NotFound, ProjectError, nearest
from winnow.project import CandidateSpec


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be learned: the labels in their order, and whether several may apply to one input."""

    labels: tuple[str, ...]
    several: bool = False

    def answer(self, probabilities: Sequence[float]) -> Classification:
        """Word the probabilities, one per label in order, as an answer.

        `ModelFailed` where one of them is no number.

        One label: the most probable (the first of equals). Several: each with at least one half.
        """
        if not isfinite(sum(probabilities)):
            raise ModelFailed("the model gave a probability that is no number")
        scores = dict(zip(self.labels, probabilities, strict=True))
        if self.several:
            return {"labels": [label for label, score in scores.items() if score >= 0.5], "scores": scores}
        return {"label": max(scores, key=scores.__getitem__), "scores": scores}


@runtime_checkable
class Model(Protocol):
    """Answers. A model is immutable once loaded, and may be asked from any thread."""

    family: ClassVar[str]
    question: Question

    def answer(self, inputs: Sequence[Input]) -> list[Outcome]:
        """One outcome for each input, in order. A row's outcome does not depend on the rows beside it."""
        ...

    def save(self, folder: Path) -> None:
        """Write data files (JSON, npz, ONNX, skops; never code) into this empty folder."""
        ...

    @classmethod
    def load(cls, folder: Path, question: Question) -> Self:
        """Read what `save` wrote; `BundleRefused` where it cannot be used. The caller has checked the hashes."""
        ...


class Candidate(BaseModel):
    """Learns. Its fields are the parameters that winnow.toml may set; each has a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tasks: ClassVar[tuple[str, ...]] = ("text-classification",)
    """The tasks that it can learn."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Every parameter with its value; JSON-ready."""
        return self.model_dump(mode="json")

    @abstractmethod
    def fit(self, examples: Examples, question: Question, progress: Progress) -> Model:
        """Learn from these examples. Reports progress as it goes and stops where that raises `Cancelled`.

        `TrainingFailed` says what in the examples or the parameters makes learning impossible.
        The same examples give the same model.
        """


def make_candidate(spec: CandidateSpec, folder: Path, task: str) -> Candidate:
    """Make the candidate that winnow.toml names; paths in its parameters are relative to `folder`.

    `ProjectError` for an unknown family, one that cannot learn this task, an unknown parameter or an impossible
    value.
    """
    family = _find_family(spec, task)
    try:
        return family.model_validate(dict(spec.parameters), context={"folder": folder})
    except ValidationError as error:
        raise ProjectError("\n".join(_sentence(spec, family, entry) for entry in error.errors())) from error


def _find_family(spec: CandidateSpec, task: str) -> type[Candidate]:
    """One name may mean a family for each task: then it is registered as `<task>.<name>` beside the plain one."""
    registered = plugins.names(plugins.CANDIDATES)
    own = f"{task}.{spec.family}"
    try:
        family: type[Candidate] = plugins.find(plugins.CANDIDATES, own if own in registered else spec.family)
    except NotFound as error:
        raise ProjectError(f"candidate '{spec.name}': {error}") from None
    if task not in family.tasks:
        raise ProjectError(f"candidate '{spec.name}': '{spec.family}' learns {', '.join(family.tasks)}, not {task}")
    return family


def _sentence(spec: CandidateSpec, family: type[Candidate], entry: Any) -> str:
    name = ".".join(str(part) for part in entry["loc"])
    if entry["type"] == "extra_forbidden":
        return f"candidate '{spec.name}': unknown parameter '{name}'.{nearest(name, family.model_fields)}"
    message = str(entry.get("ctx", {}).get("error", entry["msg"]))
    return f"candidate '{spec.name}': '{name}' {message[0].lower()}{message[1:]}, not {entry['input']!r}"
