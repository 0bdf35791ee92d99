"""The project file, `winnow.toml`: what is asked, of which data, by which candidates, behind which gates.

`load_project(folder)` reads it. Every mistake in it becomes one sentence that names file, key and remedy.
"""

from __future__ import annotations

import operator
import re
import tomllib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

from cronsim import CronSim, CronSimError
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from winnow.domain import PromoteMode
from winnow.errors import NotFound, ProjectError, nearest
from winnow.mistakes import sentences

FILE_NAME = "winnow.toml"

_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = MappingProxyType(
    {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
)
_REQUIREMENT = re.compile(r"\s*(>=|<=|>|<)\s*(-?[0-9]*\.?[0-9]+)\s*")
_IMAGES = "image-classification"
_TEXTS = "text-classification"
_CLASSIC_TASKS: Mapping[str, str] = MappingProxyType(
    {"images": _IMAGES, "sentiment": _TEXTS, "satisfaction": _TEXTS}
)
_LESS_IS_BETTER = (
    "latency_p95_ms",
    "size_mb",
    "regression",
    "error_rate",
    "drift",
    "queue_age_s",
    "worker_silent_s",
)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Requirement(_Section):
    """A comparison with a number, written `">= 0.80"`."""

    comparison: Literal[">=", "<=", ">", "<"]
    value: float

    def met_by(self, figure: float) -> bool:
        """Whether this figure is good enough."""
        return _COMPARISONS[self.comparison](figure, self.value)

    def short_by(self, figure: float) -> float:
        """How far this figure is from good enough, in the figure's own unit; 0 when it is met."""
        return 0.0 if self.met_by(figure) else abs(figure - self.value)

    def __str__(self) -> str:
        return f"{self.comparison} {self.value:g}"


def _requirement(value: object, info: ValidationInfo) -> object:
    match = _REQUIREMENT.fullmatch(value) if isinstance(value, str) else None
    if match is not None:
        return {"comparison": match[1], "value": float(match[2])}
    if isinstance(value, int | float) and not isinstance(value, bool):
        comparison = "<=" if info.field_name in _LESS_IS_BETTER else ">="
        raise ValueError(f'should be a comparison in quotes: write "{comparison} {value}"')
    raise ValueError('should be a comparison with a number in quotes, such as ">= 0.80" or "<= 50"')


RequirementText = Annotated[Requirement, BeforeValidator(_requirement)]


class Gates(_Section):
    """What a version must meet before it may answer users. Measured on the held-out rows of its run."""

    accuracy: RequirementText | None = Field(None, description="Share of rows answered exactly right.")
    f1_macro: RequirementText | None = Field(None, description="F1 averaged over labels, each counting alike.")
    recall: Mapping[str, RequirementText] = Field(
        default_factory=dict, description="Per label: the share of its rows that were found."
    )
    latency_p95_ms: RequirementText | None = Field(
        None, description="Milliseconds for one input, 95th percentile, measured in process."
    )
    size_mb: RequirementText | None = Field(None, description="Megabytes of the model's bundle on disk.")
    regression: RequirementText = Field(
        Requirement(comparison="<=", value=0.02),
        description="How much lower than the champion's its f1_macro may be, on the same test rows.",
    )

    def described(self) -> dict[str, str]:
        """Gate → requirement as text, for those that are set; a label's recall as `recall.<label>`."""
        single = {name: str(value) for name, value in self if isinstance(value, Requirement)}
        return single | {f"recall.{label}": str(requirement) for label, requirement in self.recall.items()}


def _cron(value: str) -> str:
    try:
        CronSim(value, datetime.now(UTC))
    except CronSimError as error:
        raise ValueError(
            f'should be five fields (minute, hour, day, month, weekday) such as "0 3 * * *": {error}'
        ) from None
    return value


class Retrain(_Section):
    """When a service is trained by itself, and what happens after a run."""

    new_examples: int | None = Field(
        None, strict=True, ge=1, description="Train when so many examples were added since the last run."
    )
    cron: Annotated[str, AfterValidator(_cron)] | None = Field(
        None, description='Train at these times, in UTC, such as `"0 3 * * *"`: where examples were added since.'
    )
    promote: PromoteMode = Field(
        "automatic", description="Whether the best version that meets its gates takes over by itself."
    )
    rollback: Literal["manual", "automatic"] = Field(
        "manual",
        description="Whether a champion that people correct significantly more often than the one before is "
        "rolled back by itself.",
    )


def _or_off(value: object) -> object:
    return None if value == "off" else value


OptionalRequirement = Annotated[RequirementText | None, BeforeValidator(_or_off)]
"""A requirement, or `"off"`."""


class ServiceAlerts(_Section):
    """When people are told that something is wrong with a service. `"off"` leaves a rule out."""

    error_rate: OptionalRequirement = Field(
        Requirement(comparison="<=", value=0.05),
        description="Share of inputs of the last minutes that got no answer though nothing was wrong with them.",
    )
    latency_p95_ms: OptionalRequirement = Field(
        Requirement(comparison="<=", value=1000),
        description="Milliseconds from admission to answer in the last minutes, 95th percentile.",
    )
    drift: OptionalRequirement = Field(
        Requirement(comparison="<=", value=0.25),
        description="Population stability index of labels and of confidence against training; the larger counts.",
    )
    feedback: int = Field(
        50,
        strict=True,
        ge=10,
        description="How many of a version's predictions people must have spoken on before its gates are put to "
        "what they said.",
    )


class ProjectAlerts(_Section):
    """When people are told that something is wrong with the whole. `"off"` leaves a rule out."""

    queue_age_s: OptionalRequirement = Field(
        Requirement(comparison="<=", value=300), description="Seconds that the oldest job has waited."
    )
    worker_silent_s: OptionalRequirement = Field(
        Requirement(comparison="<=", value=60), description="Seconds since a worker was last heard of."
    )
    disk_free_gb: OptionalRequirement = Field(
        Requirement(comparison=">=", value=1), description="Gigabytes left where database and models live."
    )
    hold_minutes: float = Field(
        2.0,
        ge=0,
        le=1440,
        description="Minutes that a condition has to hold before an alert opens, and to be gone before it ends.",
    )


class Serving(_Section):
    """Bounds of the hot path."""

    max_batch: int = Field(64, strict=True, ge=1, le=4096, description="Rows that the model is given at once.")
    max_queue: int = Field(
        512, strict=True, ge=1, le=1_000_000, description="Rows that may wait or be worked on per process."
    )
    timeout_ms: int = Field(
        2000, strict=True, ge=1, le=600_000, description="Milliseconds after which a caller is let go."
    )
    max_chars: int = Field(
        100_000, strict=True, ge=1, le=10_000_000, description="Characters that one input may have."
    )
    max_image_mb: float = Field(10.0, gt=0, le=1000, description="Megabytes that one image file may have.")
    max_pixels: int = Field(
        50_000_000, strict=True, ge=1, le=175_000_000, description="Pixels that one image may have."
    )
    top_k: int = Field(
        20, strict=True, ge=1, le=100_000, description="Most probable labels whose scores an answer carries."
    )


class CandidateSpec(_Section):
    """A way to learn: a family and its parameters."""

    family: str = Field(description="Name of the family, such as `linear-svm`.")
    name: str = Field("", description="Name in reports; the family's name where none is given.")
    parameters: Mapping[str, Any] = Field(default_factory=dict, description="Parameters of the family.")

    @model_validator(mode="before")
    @classmethod
    def _from_name_or_table(cls, value: object) -> object:
        if isinstance(value, str):
            return {"family": value, "name": value}
        if isinstance(value, Mapping) and "parameters" not in value:
            own = {key: value[key] for key in ("family", "name") if key in value}
            rest = {key: entry for key, entry in value.items() if key not in own}
            return {"name": own.get("family", ""), **own, "parameters": rest}
        return value


class ServiceConfig(_Section):
    """One question: what it reads, which labels it knows, how it learns and how it is served."""

    task: str = Field(description="What kind of answer: `text-classification` or `image-classification`.")
    description: str = Field("", description="The question in a sentence, for people.")
    input: str = Field(
        "text",
        description="Column (or JSON key) of a data file that holds the input; `image` where images are asked.",
    )
    label: str | tuple[str, ...] = Field(
        "label",
        description="Column that holds the label; a list of 0/1 columns where several labels may apply.",
    )
    separator: str | None = Field(
        None, min_length=1, description="What stands between labels in a cell, where several may apply."
    )
    labels: Mapping[str, tuple[str, ...]] | tuple[str, ...] | None = Field(
        None, description="Known labels, or a table from label to the values of the column that mean it."
    )
    data: tuple[str, ...] = Field(
        (), description="Files, or folders of images, beside winnow.toml that are loaded at the first start."
    )
    library: str | None = Field(
        None, min_length=1, description="Folder of images, beside winnow.toml, that users may pick from."
    )
    candidates: tuple[CandidateSpec, ...] = Field(
        (CandidateSpec(family="logistic-regression", name="logistic-regression"),),
        min_length=1,
        description="Ways to learn that each run compares; `pixels-svm` where images are asked.",
    )
    gates: Gates = Field(default_factory=Gates)
    retrain: Retrain = Field(default_factory=Retrain)
    alerts: ServiceAlerts = Field(default_factory=ServiceAlerts)
    serving: Serving = Field(default_factory=Serving)

    @model_validator(mode="before")
    @classmethod
    def _image_is_an_image(cls, value: object) -> object:
        if isinstance(value, Mapping) and value.get("task") == _IMAGES:
            return {"input": "image", "candidates": ["pixels-svm"], **value}
        return value

    @model_validator(mode="after")
    def _coherent(self) -> ServiceConfig:
        names = [candidate.name for candidate in self.candidates]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"has two candidates named '{name}': give one of them another name")
        if isinstance(self.label, tuple) and self.separator is not None:
            raise ValueError("has both a list of label columns and a separator: one of them says it all")
        if isinstance(self.label, tuple) and isinstance(self.labels, Mapping):
            raise ValueError("has label columns, whose names are the labels: leave the table 'labels' out")
        self._labels_are_distinct()
        self._values_mean_one_label()
        self._gates_name_known_labels()
        return self

    def _labels_are_distinct(self) -> None:
        known = self.known_labels
        if known is None:
            return
        if not known:
            raise ValueError("has an empty list of labels: name them, or leave the key out")
        for label in known:
            if not label.strip():
                raise ValueError("has a blank label: give it a name")
            if known.count(label) > 1:
                raise ValueError(f"has the label '{label}' twice: once is enough")

    def _values_mean_one_label(self) -> None:
        seen: dict[str, str] = {}
        for label, values in self.label_values.items():
            for value in values:
                if seen.setdefault(value, label) != label:
                    raise ValueError(f"maps the value '{value}' to both '{seen[value]}' and '{label}'")

    def _gates_name_known_labels(self) -> None:
        known = self.known_labels
        if known is None:
            return
        for label in self.gates.recall:
            if label not in known:
                raise ValueError(f"has a recall gate for the unknown label '{label}'.{nearest(label, known)}")

    @property
    def several(self) -> bool:
        """Whether several labels may apply to one input."""
        return isinstance(self.label, tuple) or self.separator is not None

    @property
    def known_labels(self) -> tuple[str, ...] | None:
        """The labels that the project file fixes, in its order; None when the data decide."""
        if isinstance(self.label, tuple):
            return self.label
        return tuple(self.labels) if self.labels is not None else None

    @property
    def label_values(self) -> Mapping[str, tuple[str, ...]]:
        """Label → the column's values that mean it; empty when values are labels as they stand."""
        return self.labels if isinstance(self.labels, Mapping) else {}


class Classic(_Section):
    """Which services answer the routes of the systems that Winnow replaces. Those of no service do not exist."""

    images: str | None = Field(
        None, min_length=1, description="Service that answers `/info` and `/classifications`; it classifies images."
    )
    sentiment: str | None = Field(
        None,
        min_length=1,
        description="Service that answers `/predict` with `reviews`, and `/history`; it classifies texts.",
    )
    satisfaction: str | None = Field(
        None,
        min_length=1,
        description="Service that `/comment` and `/uploadfile` add to, with `/status` and `/authentification`; "
        "it classifies texts.",
    )


class ProjectSection(_Section):
    """The project itself."""

    name: str = Field(min_length=1, description="The project's name, for people.")
    classic: Classic = Field(default_factory=Classic)
    alerts: ProjectAlerts = Field(default_factory=ProjectAlerts)


class ProjectFile(_Section):
    """The whole of `winnow.toml`."""

    project: ProjectSection = Field(description='write a line [project], and below it name = "..."')
    services: Mapping[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")], ServiceConfig] = Field(
        default_factory=dict, validate_default=True
    )

    @field_validator("services")
    @classmethod
    def _classic_names_services(
        cls, services: Mapping[str, ServiceConfig], info: ValidationInfo
    ) -> Mapping[str, ServiceConfig]:
        classic = info.data["project"].classic if "project" in info.data else Classic()
        for role, name in classic:
            if name is None:
                continue
            key = f"project.classic.{role}"
            if name not in services:
                raise ValueError(f"has no '{name}', which '{key}' names.{nearest(name, services)}")
            task = _CLASSIC_TASKS[role]
            if services[name].task != task:
                raise ValueError(f"has '{name}', which '{key}' names: its task should be '{task}'")
        return services


class Project:
    """A folder with a `winnow.toml`. `folder` is absolute; `services` maps names to their configuration."""

    def __init__(self, folder: Path, content: ProjectFile) -> None:
        self.folder = folder
        self.name = content.project.name
        self.classic = content.project.classic
        self.alerts = content.project.alerts
        self.services = content.services

    def service(self, name: str) -> ServiceConfig:
        """The configuration of one service; `NotFound` with the nearest name otherwise."""
        try:
            return self.services[name]
        except KeyError:
            raise NotFound(f"there is no service '{name}'.{nearest(name, self.services)}") from None


def load_project(folder: Path) -> Project:
    """Read `winnow.toml` in this folder; `ProjectError` with a sentence for each mistake."""
    folder = folder.resolve()
    path = folder / FILE_NAME
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ProjectError(
            f"there is no {FILE_NAME} in {folder}: run `winnow new NAME` for a project, or name its folder "
            "with --project"
        ) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ProjectError(f"{path} is not UTF-8, from line {line} on: save it in that encoding") from error
    except OSError as error:
        raise ProjectError(f"{path} cannot be read: {error.strerror}") from error
    try:
        return Project(folder, ProjectFile.model_validate(tomllib.loads(text)))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ProjectError(f"{path} is not TOML: {error}") from error
    except ValidationError as error:
        raise ProjectError("\n".join(sentences(path, error, ProjectFile))) from error
