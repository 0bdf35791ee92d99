"""What the tests of loading images share: a service of images, files for it, and what it has afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pytest
from sqlalchemy import func, select

from tests.lifecycle.loading import SERVICE, dataset
from tests.pictures import numbered
from winnow.domain import Target
from winnow.errors import FileRefused
from winnow.lifecycle.ingest import LoadReport, load_file
from winnow.project import ServiceConfig
from winnow.store import Database, blobs
from winnow.store.schema import blob_uses
from winnow.tasks.image_classification import ImageClassification

Members = Iterable[tuple[str | ZipInfo, bytes]]


def task(**options: Any) -> ImageClassification:
    return ImageClassification(ServiceConfig.model_validate({"task": "image-classification", **options}))


def load(database: Database, origin: Path | bytes, name: str = "", **options: Any) -> LoadReport:
    kind = options.pop("task", None) or task()
    if isinstance(origin, Path):
        return load_file(database, SERVICE, kind, origin, name=name or origin.name, **options)
    return load_file(database, SERVICE, kind, BytesIO(origin), name=name or "pictures.zip", **options)


def refusal(database: Database, origin: Path | bytes, name: str = "", **options: Any) -> FileRefused:
    """The refusal of a file of this content, of which nothing is kept."""
    before = dataset(database)
    with pytest.raises(FileRefused) as refused:
        load(database, origin, name, **options)
    assert dataset(database) == before, "a refused file left something behind"
    assert used(database) == len(before), "a refused file left an image in use"
    return refused.value


def used(database: Database) -> int:
    """How many examples have their image."""
    with database.read() as connection:
        return connection.scalar(select(func.count()).select_from(blob_uses)) or 0


def kept(database: Database) -> list[tuple[bytes, Target]]:
    """The images that a run would learn from."""
    with database.read() as connection:
        return [(blobs.get(connection, digest), target) for digest, target in dataset(database)]


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def zipped(members: Members, method: int = ZIP_DEFLATED) -> bytes:
    file = BytesIO()
    with ZipFile(file, "w", method) as pack:
        for name, content in members:
            pack.writestr(name, content)
    return file.getvalue()


PETS = {"cat/1.png": numbered(1), "cat/2.png": numbered(2), "dog/1.png": numbered(3)}
EXPECTED = [(numbered(1), "cat"), (numbered(2), "cat"), (numbered(3), "dog")]
