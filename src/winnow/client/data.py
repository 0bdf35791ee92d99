"""The client's methods for data: examples, files of them, snapshots, exports, and erasing on request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, Literal, TypedDict, Unpack

from winnow.client import answers, data_answers
from winnow.client.paths import service_path
from winnow.client.transport import Transport
from winnow.client.values import HistoryFilters, asking, in_words
from winnow.domain import Target, new_id
from winnow.errors import InvalidInput


class ExampleFilters(TypedDict, total=False):
    """Which examples to show.

    `text` stands in the input (in any case), `label` is the target or one of its labels, and `source` is `upload`,
    `api` or `feedback`, or one file: `upload:reviews.csv`.
    """

    text: str
    label: str
    source: str


class DataMethods:
    """What `Client` does with a service's data."""

    _api: Transport

    # Examples

    def add_example(self, service: str, value: str | bytes | Path, target: Target) -> answers.AddedExample:
        """Add one labelled input: a text, or an image by its bytes or path. The same one again changes nothing."""
        body = asking("input", value, None, None, target=target)
        return self._api.post(answers.AddedExample, service_path(service, "examples"), body)

    def examples(
        self, service: str, n: int = 100, *, before: str | None = None, **filters: Unpack[ExampleFilters]
    ) -> answers.ExamplesPage:
        """The newest `n` examples (at most 1,000) first; `before` is the last id of the page before."""
        path = service_path(service, "examples")
        return self._api.get(answers.ExamplesPage, path, n=n, before=before, **filters)

    def iterate_examples(
        self, service: str, *, page: int = 500, **filters: Unpack[ExampleFilters]
    ) -> Iterator[answers.StoredExample]:
        """Every example, newest first, fetched `page` by page as it is needed."""
        before: str | None = None
        while entries := self.examples(service, page, before=before, **filters).examples:
            yield from entries
            before = entries[-1].id

    def example_counts(self, service: str) -> data_answers.ExampleCounts:
        """How the dataset grew: examples by day, kind of source and label."""
        return self._api.get(data_answers.ExampleCounts, service_path(service, "examples", "counts"))

    def disagreements(self, service: str, n: int = 50) -> data_answers.DisagreementsPage:
        """Inputs that examples say different things of, the newest `n` of them first, and how many there are.

        To settle one, add an example with the right target: the newest counts.
        """
        path = service_path(service, "examples", "disagreements")
        return self._api.get(data_answers.DisagreementsPage, path, n=n)

    # Files of examples

    def upload(
        self,
        service: str,
        source: Path | str | IO[bytes],
        *,
        name: str | None = None,
        keep_good: bool = False,
        dry_run: bool = False,
        timeout: float = 600.0,
    ) -> answers.LoadReport:
        """Add a CSV or JSONL file, or a ZIP of images: all of its rows or none, unless `keep_good`.

        `source` is a path, or an open binary file with its `name`, whose ending tells the formats apart.
        `FileRefused` has the row-by-row report. With `dry_run` there is only the report, and nothing is kept.
        `timeout` is in seconds, for the sending and the reading each.
        """
        known = name or (Path(source).name if isinstance(source, Path | str) else None)
        if known is None:
            raise InvalidInput("an open file needs its 'name', whose ending tells the formats apart")
        with _opened(source) as stream:
            return self._api.upload(
                answers.LoadReport,
                service_path(service, "examples", "upload"),
                known,
                stream,
                query={"keep_good": keep_good, "dry_run": dry_run},
                timeout=timeout,
            )

    def snapshots(self, service: str, n: int = 20, *, before: int | None = None) -> list[data_answers.Snapshot]:
        """The newest `n` snapshots first; `before` is the last number of the page before."""
        path = service_path(service, "snapshots")
        return list(self._api.get(data_answers.SnapshotsPage, path, n=n, before=before).snapshots)

    def download_upload(
        self, service: str, number: int, target: Path | str | IO[bytes], *, timeout: float = 600.0
    ) -> None:
        """Save the file that made a snapshot, as it was sent. `NotFound` where none was kept."""
        path = service_path(service, "snapshots", number, "file")
        _save(target, lambda stream: self._api.download(path, stream, timeout=timeout))

    # Exports

    def export(
        self,
        service: str,
        target: Path | str | IO[bytes],
        *,
        snapshot: int | None = None,
        format: Literal["csv", "jsonl"] = "csv",  # noqa: A002  (the API's own word)
        timeout: float = 600.0,
    ) -> None:
        """Save the dataset at a snapshot, or as it is now, as a file that can be uploaded again."""
        path, query = service_path(service, "examples", "export"), {"snapshot": snapshot, "format": format}
        _save(target, lambda stream: self._api.download(path, stream, timeout=timeout, query=query))

    def export_history(
        self,
        service: str,
        target: Path | str | IO[bytes],
        *,
        timeout: float = 600.0,
        **filters: Unpack[HistoryFilters],
    ) -> None:
        """Save the history as CSV, newest first, for people: a spreadsheet takes no cell of it for a formula."""
        path, query = service_path(service, "history", "export"), in_words(filters)
        _save(target, lambda stream: self._api.download(path, stream, timeout=timeout, query=query))

    # Erasing

    def erase(
        self,
        text: str,
        *,
        service: str | None = None,
        contains: bool = False,
        dry_run: bool = False,
        timeout: float = 600.0,
    ) -> data_answers.Erasure:
        """Erase a person's text wherever it is kept, in one service or in all; says how much that was.

        Inputs that are exactly the text are erased, or with `contains` whatever has it in it. With `dry_run`
        nothing is erased. `Conflict` where a run is under way.
        """
        given = {"text": text, "contains": contains, "dry_run": dry_run}
        body = given if service is None else {**given, "service": service}
        return self._api.post(data_answers.Erasure, "/erasures", body, timeout=timeout)


def _opened(source: Path | str | IO[bytes]) -> AbstractContextManager[IO[bytes]]:
    """A file, which is closed again where it was opened here."""
    return Path(source).open("rb") if isinstance(source, Path | str) else nullcontext(source)


def _save(target: Path | str | IO[bytes], write: Callable[[IO[bytes]], None]) -> None:
    """Write into an open file; or into one of this path, whole or not at all."""
    if not isinstance(target, Path | str):
        write(target)
        return
    path = Path(target)
    unfinished = path.with_name(f".{path.name}.{new_id()}")
    try:
        with unfinished.open("xb") as stream:
            write(stream)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
