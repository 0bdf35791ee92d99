"""A project at work, without serving: what the command line, the API and workers do to data, runs and versions.

with Workspace(load_settings(project=folder)) as workspace:
    workspace.load("sentiment", Path("reviews.csv"), name="reviews.csv")
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, Unpack

from winnow import plugins
from winnow.domain import (
    Example,
    Measurement,
    Prediction,
    Progress,
    PromoteMode,
    Promotion,
    Run,
    Target,
    Version,
    no_progress,
)
from winnow.errors import InvalidInput, NotFound, ProjectError
from winnow.lifecycle import erasure, exporting, importing, ingest, registry, trainer
from winnow.lifecycle.tables import Format
from winnow.models.base import make_candidate
from winnow.models.picture import Limits
from winnow.project import FILE_NAME, ServiceConfig, load_project
from winnow.serving.library import Library
from winnow.serving.reader import Reader
from winnow.settings import Settings
from winnow.store import Database, blobs, examples, measurements, predictions, reports, runs, traffic, versions
from winnow.store.examples import ExampleFilter
from winnow.store.predictions import HistoryFilter
from winnow.store.reports import RunReport
from winnow.store.traffic import Stretch
from winnow.tasks.base import Task

ABANDONED_AFTER = timedelta(days=1)
"""After how long a file that stopped loading is forgotten. No honest load takes so long."""


class Workspace:
    """One project with its store. Methods may be called from any thread once it is open."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.project = load_project(settings.project)
        self.database = Database(settings.database_url)
        self.models = settings.folder / "models"
        self.tasks = {
            name: _task(self.project.folder, name, config) for name, config in self.project.services.items()
        }
        self.readers = {
            name: Reader(task, _library(self.project.folder, self.config(name)))
            for name, task in self.tasks.items()
        }
        for name, config in self.project.services.items():
            _check_candidates(self.project.folder, name, config)

    def open(self) -> None:
        """Bring the store to its newest schema and clear away what crashed processes left."""
        self.settings.folder.mkdir(parents=True, exist_ok=True)
        self.database.migrate()
        ingest.discard_abandoned(self.database, ABANDONED_AFTER)
        with self.database.write() as connection:
            runs.fail_silent(connection, trainer.SILENT_FOR)

    def close(self) -> None:
        """Close the store."""
        self.database.close()

    def __enter__(self) -> Self:
        """Open it for a block, which closes it at its end, or at once where it cannot be opened."""
        try:
            self.open()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def config(self, service: str) -> ServiceConfig:
        """What winnow.toml says of a service; `NotFound` with the nearest name otherwise."""
        return self.project.service(service)

    # Data

    def load(
        self,
        service: str,
        origin: Path | BinaryIO,
        *,
        name: str,
        **how: Unpack[ingest.Loading],
    ) -> ingest.LoadReport:
        """Add the examples of a file, or of a folder of images: all of its rows or none, unless `keep_good`.

        `FileRefused` has the report. The file is kept as it was sent, unless told otherwise.
        """
        self.config(service)
        asked: ingest.Loading = {"keep_file": True, **how}
        return ingest.load_file(self.database, service, self.tasks[service], origin, name=name, **asked)

    def load_first_data(self, service: str, progress: Progress = no_progress) -> list[ingest.LoadReport]:
        """Load the files and folders that winnow.toml names for a service, where it has no examples yet."""
        if self.example_count(service):
            return []
        files = [self.project.folder / name for name in self.config(service).data]
        return [self.load(service, path, name=path.name, progress=progress) for path in files]

    def add_example(
        self, service: str, value: object, target: object, source: str = "api", account: str | None = None
    ) -> ingest.AddedExample:
        """Add one example; says whether the same one was there already."""
        self.config(service)
        return ingest.add_example(self.database, service, self.tasks[service], value, target, source, account)

    def examples(self, service: str, limit: int, only: ExampleFilter | None = None) -> list[Mapping[str, Any]]:
        """The newest examples first."""
        self.config(service)
        with self.database.read() as connection:
            return examples.page(connection, service, limit, only)

    def example_count(self, service: str, only: ExampleFilter | None = None) -> int:
        """How many examples a service has, on all pages of the filter."""
        self.config(service)
        with self.database.read() as connection:
            return examples.count_those(connection, service, only or ExampleFilter())

    def export(self, service: str, stream: BinaryIO, *, snapshot: int | None = None, kind: Format = "csv") -> int:
        """Write the dataset at a snapshot (else the newest) into a file; returns how many rows it has."""
        config = self.config(service)
        return exporting.export_dataset(self.database, service, config, stream, snapshot=snapshot, kind=kind)

    def erase(self, asked: erasure.Asked, *, dry_run: bool = False) -> erasure.Erased:
        """Erase what was asked for wherever it is kept; where nothing is to be done yet, only say what would go."""
        if asked.service is not None:
            self.config(asked.service)
        columns = {name: config.input for name, config in self.project.services.items()}
        return erasure.Eraser(self.database, self.models, asked, columns).run(dry_run=dry_run)

    # Training

    def start_run(self, service: str, promote: PromoteMode | None = None) -> Run:
        """Start training in a process of its own; `Conflict` where the service is being trained already.

        `promote` is for this run; winnow.toml says otherwise.
        """
        self.config(service)
        return trainer.start_run(self.database, self.project, self.settings, service, promote)

    def watch_run(self, service: str, run_id: str, on_progress: Callable[[Mapping[str, Any]], None]) -> Run:
        """Follow a run until it has ended, and return it. `on_progress` is told what `Run.progress` holds."""
        return trainer.watch_run(self.database, service, run_id, on_progress)

    def cancel_run(self, service: str, run_id: str) -> Run:
        """Ask a run to stop. Nothing of it is kept."""
        return trainer.cancel_run(self.database, service, run_id)

    def run(self, service: str, run_id: str) -> Run:
        """One run, as it stands."""
        self.config(service)
        with self.database.read() as connection:
            return runs.get(connection, service, run_id)

    def runs(self, service: str, limit: int) -> list[Run]:
        """The newest runs first."""
        self.config(service)
        with self.database.read() as connection:
            return runs.newest(connection, service, limit)

    def report(self, service: str) -> Mapping[str, Any]:
        """The report of the newest finished run."""
        self.config(service)
        with self.database.read() as connection:
            run = runs.latest_finished(connection, service)
        if run is None or run.report is None:
            raise NotFound(f"service '{service}' has no report yet: train it with `winnow train {service}`")
        return run.report

    # Versions

    def versions(self, service: str, limit: int) -> list[Version]:
        """The newest versions first."""
        self.config(service)
        with self.database.read() as connection:
            return versions.newest(connection, service, limit)

    def champion(self, service: str) -> Version | None:
        """The version that answers users."""
        self.config(service)
        with self.database.read() as connection:
            return versions.champion(connection, service)

    def promotions(self, service: str, limit: int) -> list[Promotion]:
        """The newest changes of champion first, with their reasons."""
        self.config(service)
        with self.database.read() as connection:
            return versions.promotions_of(connection, service, limit)

    def promote(self, service: str, number: int, *, force: bool = False) -> Promotion:
        """Make a version champion; `GateRefused` where it misses a gate, unless forced."""
        return registry.promote(self.database, self.config(service), service, number, force=force)

    def import_model(
        self,
        service: str,
        offered: importing.TrainedElsewhere,
        image: Path | None = None,
        *,
        promote: bool = False,
    ) -> importing.Imported:
        """Make a version of a classifier that was trained elsewhere, once it has answered an image.

        Without `image` that is one of the service's library, its newest example, or one that is made up.
        """
        config = self.config(service)
        importing.check_service(config, service)
        tried = self._image_to_try(service, image)
        return importing.import_model(self.database, self.models, config, service, offered, tried, promote=promote)

    def rollback(self, service: str) -> Promotion:
        """Give the place back to the champion before this one."""
        self.config(service)
        return registry.rollback(self.database, service)

    # In use

    def traffic(self, service: str, hours: float, most: int) -> list[Stretch]:
        """The last hours in at most so many equal stretches of whole minutes, oldest first."""
        self.config(service)
        with self.database.read() as connection:
            return traffic.lately(connection, service, timedelta(hours=hours), most)

    def measurements(self, service: str, limit: int) -> list[Measurement]:
        """The newest measurements of a service's champions first."""
        self.config(service)
        with self.database.read() as connection:
            return measurements.newest(connection, service, limit)

    def reports(self, service: str, limit: int) -> list[RunReport]:
        """The reports of finished runs, newest first."""
        self.config(service)
        with self.database.read() as connection:
            return reports.newest(connection, service, limit)

    # History

    def history(self, service: str, limit: int, only: HistoryFilter | None = None) -> list[Prediction]:
        """The newest predictions first."""
        self.config(service)
        with self.database.read() as connection:
            return predictions.newest(connection, service, limit, only or HistoryFilter())

    def give_feedback(self, prediction_id: str, target: object, account: str | None = None) -> Prediction:
        """Keep the right target for a prediction, and make an example of the two: the next run learns from it.

        `account` is who says so.
        """
        with self.database.write() as connection:
            prediction = predictions.get(connection, prediction_id)
            task = self._task_of(prediction)
            right: Target = task.read_target(target)
            self.database.lock(connection, "batches")
            example = Example(prediction.input, right)
            example_id = examples.add_one(connection, prediction.service, example, "feedback", account)
            if task.reads_files:
                blobs.use(connection, prediction.input, example_id)
            predictions.set_feedback(connection, prediction_id, right, example_id, account)
            return predictions.get(connection, prediction_id)

    def _image_to_try(self, service: str, given: Path | None) -> importing.Image:
        reader = self.readers[service]
        if given is not None:
            try:
                return importing.Image(given.name, reader.read(given.read_bytes()))
            except InvalidInput as error:
                raise InvalidInput(f"{given}: {error}") from error
        if reader.library is not None and (names := reader.library.names()):
            return importing.Image(f"{names[0]} of the library", reader.read({"library": names[0]}))
        newest = self.examples(service, 1)
        if reader.files and newest:
            with self.database.read() as connection:
                return importing.Image("the newest example", blobs.get(connection, newest[0]["input"]))
        return importing.Image("an image that was made up", reader.task.sample)

    def _task_of(self, prediction: Prediction) -> Task:
        self.config(prediction.service)
        return self.tasks[prediction.service]


def _task(folder: Path, name: str, config: ServiceConfig) -> Task:
    try:
        kind: type[Task] = plugins.find(plugins.TASKS, config.task)
    except NotFound as error:
        raise ProjectError(f"{folder / FILE_NAME}: 'services.{name}.task': {error}") from None
    return kind(config)


def _library(folder: Path, config: ServiceConfig) -> Library | None:
    return None if config.library is None else Library(folder / config.library, Limits.of(config.serving))


def _check_candidates(folder: Path, name: str, config: ServiceConfig) -> None:
    try:
        for spec in config.candidates:
            make_candidate(spec, folder, config.task)
    except ProjectError as error:
        raise ProjectError(f"{folder / FILE_NAME}: 'services.{name}.candidates': {error}") from None
