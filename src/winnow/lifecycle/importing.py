"""Import: a classifier that was trained elsewhere becomes a version, once it has answered an image.

Everything that can be wrong with the file is found before anything is written. A version is registered as a run's
are: its bundle placed first, then one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from winnow.domain import Classification, Input, Status, Version, most_probable, now
from winnow.errors import BundleRefused, Cancelled, InvalidInput, WinnowError, nearest
from winnow.lifecycle.evaluation import PredictTime, time_one_at_a_time
from winnow.lifecycle.folders import Staging, staged
from winnow.lifecycle.gates import check_gates
from winnow.models.base import Question
from winnow.models.bundle import Bundle, load_bundle, save_bundle
from winnow.models.image_graph import ImageGraph
from winnow.models.image_labels import read_labels
from winnow.models.preprocessing import IMAGENET_DEVIATION, IMAGENET_MEAN, Three
from winnow.models.pretrained_image import PretrainedImage
from winnow.project import ServiceConfig
from winnow.store import Database, runs, versions

TASK = "image-classification"
_SHOWN = 5
_TIMED = 10  # answers; a large net takes a good part of a second for each
_GOLDEN_BYTES = 100_000


@dataclass(frozen=True, slots=True)
class TrainedElsewhere:
    """A classifier in ONNX, the labels of its outputs, and how images are prepared for it.

    `resize` and `crop` are as in `Preprocessing.suggested`: None is the graph's own, or ImageNet's.
    """

    model: Path
    labels: Path
    name: str
    resize: int | None = None
    crop: int | None = None
    mean: Three = IMAGENET_MEAN
    deviation: Three = IMAGENET_DEVIATION


@dataclass(frozen=True, slots=True)
class Image:
    """An image to try a classifier on, and where it is from."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of an import. `answer` is to `image`, its best labels; `champion` is whether it answers users."""

    version: int
    name: str
    labels: int
    champion: bool
    reasons: Sequence[str]
    image: str
    answer: Classification


@dataclass(frozen=True, slots=True)
class _Checked:
    """A classifier that has answered, and how long it takes."""

    offered: TrainedElsewhere
    image: Image
    model: PretrainedImage
    answer: Classification
    predict: PredictTime


def import_model(
    database: Database,
    models: Path,
    config: ServiceConfig,
    service: str,
    offered: TrainedElsewhere,
    image: Image,
    *,
    promote: bool = False,
) -> Imported:
    """Check a classifier on an image and register it: as champion where the service has none, or on `promote`.

    `InvalidInput` where the service takes no such model or the image cannot be read, `BundleRefused` with what is
    wrong with the graph or the labels, `Conflict` where the service is being trained. Then nothing is kept.
    """
    checked = _check(config, service, offered, image)
    with database.write() as connection:
        run_id = runs.create(connection, service).id
    try:
        with staged(database, models, service, run_id) as staging:
            bundle = _write(database, run_id, checked, staging)
            path = staging.registered_path(bundle.folder)
            version = _version(config, service, run_id, checked, bundle, path)
            return _register(database, version, checked, promote=promote)
    except BaseException as error:
        with database.write() as connection:
            runs.end(connection, run_id, Status.FAILED, f"the import of {offered.model.name} failed: {error}")
        raise


def check_service(config: ServiceConfig, service: str) -> None:
    """`InvalidInput` where the service asks for something else than one label of an image."""
    if config.task != TASK or config.several:
        asked = "several labels of an image" if config.task == TASK else config.task
        raise InvalidInput(
            f"service '{service}' asks for {asked}; what can be imported gives one label of an image"
        )


def _check(config: ServiceConfig, service: str, offered: TrainedElsewhere, image: Image) -> _Checked:
    check_service(config, service)
    known = read_labels(offered.labels)
    question = _question(config, service, offered.labels, known)
    graph = ImageGraph.suggested(offered.model, offered.resize, offered.crop, offered.mean, offered.deviation)
    model = PretrainedImage.of(question, graph, known)
    (answer,) = model.answer([image.content])
    if isinstance(answer, WinnowError):
        raise type(answer)(f"{image.name}: {answer}")
    p50, p95 = time_one_at_a_time(model, [image.content] * _TIMED)
    return _Checked(offered, image, model, answer, PredictTime(p50, p95, 1000 / p50))


def _question(config: ServiceConfig, service: str, path: Path, known: Sequence[str]) -> Question:
    """All labels of the file; or those that winnow.toml fixes, each of which must be among them."""
    for label in config.known_labels or ():
        if label not in known:
            raise BundleRefused(
                f"{path} does not have the label '{label}', which winnow.toml names for '{service}'."
                f"{nearest(label, known)}"
            )
    return Question(tuple(config.known_labels or known))


def _write(database: Database, run_id: str, checked: _Checked, staging: Staging) -> Bundle:
    """Write the bundle, read it back as serving will, and put it in its place. The run is kept alive meanwhile."""
    content = checked.image.content
    golden: list[Input] = [content] if len(content) <= _GOLDEN_BYTES else []
    bundle = save_bundle(checked.model, staging.bundle(1, checked.offered.name), task=TASK, golden=golden)
    _go_on(database, run_id)
    load_bundle(bundle.folder, bundle.sha256)
    _go_on(database, run_id)
    staging.place()
    return bundle


def _go_on(database: Database, run_id: str) -> None:
    with database.write() as connection:
        if not runs.report_progress(connection, run_id, None):
            raise Cancelled("the import was cancelled")


def _version(
    config: ServiceConfig, service: str, run_id: str, checked: _Checked, bundle: Bundle, path: str
) -> Version:
    """The version as it will be registered, but for its number. It has few figures: no example was put to it."""
    offered = checked.offered
    figures = {"predict": asdict(checked.predict), "size_mb": bundle.size_bytes / 1e6}
    return Version(
        service=service,
        number=0,
        run_id=run_id,
        candidate=offered.name,
        parameters={
            "model": offered.model.name,
            "labels": offered.labels.name,
            **checked.model.graph.preprocessing.to_json(),
        },
        metrics=figures,
        gates=[gate.to_json() for gate in check_gates(config.gates, figures)],
        path=path,
        sha256=bundle.sha256,
        size_bytes=bundle.size_bytes,
        champion=False,
        created_at=now(),
    )


def _register(database: Database, version: Version, checked: _Checked, *, promote: bool) -> Imported:
    """Finish the run, add the version and promote it where it is to be, in one transaction."""
    service = version.service
    with database.write() as connection:
        database.lock(connection, service)
        champion = versions.champion(connection, service)
        if not runs.end(connection, version.run_id, Status.FINISHED):
            raise Cancelled("the import was cancelled before its version was registered")
        number = versions.next_number(connection, service)
        versions.add(connection, replace(version, number=number))
        reasons = _reasons(version, checked, champion)
        if promote or champion is None:
            versions.promote(connection, service, number, reasons=reasons)
    return Imported(
        version=number,
        name=version.candidate,
        labels=len(checked.model.question.labels),
        champion=promote or champion is None,
        reasons=reasons,
        image=checked.image.name,
        answer=most_probable(checked.answer, _SHOWN),
    )


def _reasons(version: Version, checked: _Checked, champion: Version | None) -> list[str]:
    before = "there was no champion" if champion is None else f"the champion was version {champion.number}"
    return [
        f"imported by a person from {checked.offered.model.name}, and tried on {checked.image.name}",
        before,
        "no run has compared its answers with examples",
        *(gate["reason"] for gate in version.gates),
    ]
