"""What the tests of loading share: services to load into, and what a service has afterwards."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from winnow.domain import Target
from winnow.errors import FileRefused
from winnow.lifecycle.ingest import LoadReport, load_file
from winnow.project import ServiceConfig
from winnow.store import Database, examples
from winnow.tasks.text_classification import TextClassification

SERVICE = "shop"


def task(**config: Any) -> TextClassification:
    """Columns `text` and `label`, with any label, unless said otherwise."""
    return TextClassification(ServiceConfig.model_validate({"task": "text-classification", **config}))


STARS = task(label="star", labels={"bad": ["1", "2"], "good": ["3", "4", "5"]})


def load(database: Database, content: str | bytes, name: str = "rows.csv", **options: Any) -> LoadReport:
    """Load a file of this content."""
    data = content.encode() if isinstance(content, str) else content
    kind = options.pop("task", None) or task()
    return load_file(database, SERVICE, kind, BytesIO(data), name=name, **options)


def refusal(database: Database, content: str | bytes, name: str = "rows.csv", **options: Any) -> FileRefused:
    """The refusal of a file of this content, of which nothing is kept."""
    before = dataset(database)
    try:
        report = load(database, content, name, **options)
    except FileRefused as refused:
        assert dataset(database) == before, "a refused file left something behind"
        return refused
    raise AssertionError(f"the file was kept: {report}")


def reasons(refused: FileRefused) -> list[tuple[int, str]]:
    """The refused rows of a refused file, as (line, reason)."""
    assert refused.report is not None
    return [(row["line"], row["reason"]) for row in refused.report["refusals"]]


def dataset(database: Database) -> list[tuple[str, Target]]:
    """All that the service would learn from."""
    with database.read() as connection:
        return list(examples.dataset(connection, SERVICE, examples.latest_snapshot(connection, SERVICE) or 0))
