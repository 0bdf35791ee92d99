"""An exported dataset, loaded into an empty service, is the same dataset."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.images import make_picture
from tests.lifecycle.loading import SERVICE
from winnow.domain import Example, Prediction, Target, now
from winnow.errors import InvalidInput, NotFound
from winnow.lifecycle.exporting import export_dataset, harmless, history_head, history_rows
from winnow.lifecycle.ingest import load_file
from winnow.lifecycle.lesson import make_task
from winnow.lifecycle.tables import Format
from winnow.project import ServiceConfig
from winnow.store import Database, examples

FORMATS: tuple[Format, ...] = ("csv", "jsonl")
LABELS = ("bad", "good; or not", 'so "so"', "=1+1")


def config(**more: Any) -> ServiceConfig:
    return ServiceConfig.model_validate({"task": "text-classification", **more})


SHAPES = {
    "known": config(labels=LABELS),
    "any": config(),
    "stars": config(input="Commentaire", label="star", labels={"bad": ["1", "2"], "good; or not": ["3"]}),
    "columns": config(label=["bad", "good; or not", 'so "so"']),
    "separator": config(label="tags", separator="|", labels=LABELS),
}


def labels_of(shape: ServiceConfig) -> list[str]:
    return list(shape.known_labels or LABELS)


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40)
odd = st.sampled_from(
    ['"', '""', "a,b;c\td", "\r", "a\r\nb", "\n\n a", "=cmd()", "\x85\u2028", "\ufeffa", "é́", " x "]
)
inputs = st.one_of(texts, odd).filter(lambda text: bool(text.strip()))


@st.composite
def datasets(draw: st.DrawFn) -> tuple[str, list[tuple[str, Target]]]:
    name = draw(st.sampled_from(sorted(SHAPES)))
    known = labels_of(SHAPES[name])
    target: st.SearchStrategy[Target] = st.sampled_from(known)
    if SHAPES[name].several:
        target = st.sets(st.sampled_from(known)).map(lambda chosen: sorted(chosen, key=known.index))
    return name, draw(st.lists(st.tuples(inputs, target), min_size=1, max_size=8))


def add(database: Database, service: str, rows: list[tuple[str, Target]], source: str = "upload:a.csv") -> int:
    with database.write() as connection:
        batch = examples.open_batch(connection, service, source)
        numbered = [Example(text, target, line) for line, (text, target) in enumerate(rows, start=2)]
        keyed = [(examples.digest(example.input), example) for example in numbered]
        examples.add(connection, service, batch, keyed)
        database.lock(connection, "batches")
        return examples.accept(connection, batch, len(rows))


def dataset(database: Database, service: str, snapshot: int | None = None) -> list[tuple[str, Target]]:
    with database.read() as connection:
        newest = examples.latest_snapshot(connection, service) or 0
        return list(examples.dataset(connection, service, newest if snapshot is None else snapshot))


def exported(
    database: Database,
    shape: ServiceConfig,
    kind: Format = "csv",
    snapshot: int | None = None,
    service: str = SERVICE,
) -> bytes:
    stream = BytesIO()
    export_dataset(database, service, shape, stream, snapshot=snapshot, kind=kind)
    return stream.getvalue()


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=datasets(), kind=st.sampled_from(FORMATS))
def test_what_is_exported_loads_back(
    sqlite: Database, drawn: tuple[str, list[tuple[str, Target]]], kind: Format
) -> None:
    name, rows = drawn
    shape = SHAPES[name]
    service, copy = f"from-{examples.digest(repr((drawn, kind)))}", f"to-{examples.digest(repr((drawn, kind)))}"
    add(sqlite, service, rows)
    content = exported(sqlite, shape, kind, service=service)
    task = make_task(shape)
    report = load_file(sqlite, copy, task, BytesIO(content), name=f"a.{kind}")
    assert report.refused == 0
    assert dataset(sqlite, copy) == dataset(sqlite, service)


def test_a_snapshot_is_exported_as_it_was(database: Database) -> None:
    first = add(database, SERVICE, [("a", "bad"), ("b", "good")])
    second = add(database, SERVICE, [("a", "good"), ("c", "bad")], source="feedback")
    shape = config()
    assert exported(database, shape, "jsonl", first).splitlines() == [
        b'{"text": "a", "label": "bad"}',
        b'{"text": "b", "label": "good"}',
    ]
    now_there = b'{"text": "b", "label": "good"}\n{"text": "a", "label": "good"}\n{"text": "c", "label": "bad"}\n'
    assert exported(database, shape, "jsonl") == exported(database, shape, "jsonl", second) == now_there
    with pytest.raises(NotFound, match="no snapshot 99"):
        exported(database, shape, snapshot=99)
    with pytest.raises(NotFound, match="no examples yet"):
        exported(database, shape, service="empty")


def test_labels_that_the_project_has_dropped_are_left_out(sqlite: Database) -> None:
    add(sqlite, SERVICE, [("a", "bad"), ("b", "gone")])
    assert exported(sqlite, config(labels=["bad", "good"])) == b"\xef\xbb\xbftext,label\r\na,bad\r\n"


def test_a_label_with_the_separator_in_it_needs_jsonl(sqlite: Database) -> None:
    shape = config(separator="|")
    add(sqlite, SERVICE, [("a", ["x|y"])])
    with pytest.raises(InvalidInput, match="export as JSONL"):
        exported(sqlite, shape)
    assert exported(sqlite, shape, "jsonl") == b'{"text": "a", "label": ["x|y"]}\n'


@pytest.mark.parametrize("kind", FORMATS)
def test_images_go_in_base64(database: Database, kind: Format) -> None:
    shape = ServiceConfig.model_validate({"task": "image-classification", "labels": ["red", "blue"]})
    task = make_task(shape)
    with BytesIO(_folder_as_zip()) as archive:
        assert load_file(database, SERVICE, task, archive, name="a.zip").accepted == 2
    content = exported(database, shape, kind)
    assert load_file(database, "copy", task, BytesIO(content), name=f"a.{kind}").accepted == 2
    assert dataset(database, "copy") == dataset(database, SERVICE)


def _folder_as_zip() -> bytes:
    stream = BytesIO()
    with ZipFile(stream, "w") as archive:
        for colour in ("red", "blue"):
            archive.writestr(f"{colour}/1.png", make_picture(colour))
    return stream.getvalue()


# The history


def test_a_history_is_harmless_to_a_spreadsheet() -> None:
    for cell in ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"):
        assert harmless(cell) == f"'{cell}"
    for cell in ("a=1", " =1", "'=1", ""):
        assert harmless(cell) == cell
    row = Prediction(
        id="1", service="s", version=3, input='=HYPERLINK("x")',
        answer={"label": "-a", "scores": {"-a": 0.9, "b": 0.1}},
        latency_ms=1.0, request_id="r", client="c", created_at=now(), feedback="+b",
    )  # fmt: skip
    text = (history_head() + history_rows([row])).decode("utf-8-sig")
    assert text.splitlines()[0] == "id,created_at,version,input,label,score,feedback,scores"
    assert '"\'=HYPERLINK(""x"")",\'-a,0.900000,\'+b,"{""-a"": 0.9, ""b"": 0.1}"' in text
