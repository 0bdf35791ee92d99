"""A service's data over HTTP: uploads that are kept, filters, counts, exports, and erasing on request."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator
from io import BytesIO, StringIO
from pathlib import Path

import httpx2
import pytest

from tests.api.problems import check_problem
from tests.data.keeping import files_with
from tests.projects import Server, make_project, train_directly
from winnow.client import Client
from winnow.errors import FileRefused, InvalidInput, NotFound

S = "sentiment"
NAME = "Zoé Żółtowska"
TWO = "text,label\nNice enough.,positive\nNot nice.,negative\n"
BAD = f"{TWO},negative\nBroken.,negativ\n"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of a project whose first example, and so a golden input of its champion, is a person's."""
    project = make_project(tmp_path_factory.mktemp("data") / "project")
    reviews = project / "reviews.csv"
    header, *rows = reviews.read_text(encoding="utf-8").splitlines()
    reviews.write_text("\n".join([header, f'"Sold to {NAME}, who likes it.",positive', *rows]), encoding="utf-8")
    train_directly(project)
    with Server(project, concurrency=0, max_body_mb=1, max_upload_mb=2) as server:
        yield server


@pytest.fixture
def client(served: Server) -> Iterator[Client]:
    with Client(served.url) as client:
        yield client


@pytest.fixture
def raw(served: Server) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=served.url, trust_env=False) as http:
        yield http


def test_an_upload_is_kept_as_it_was_sent(client: Client, raw: httpx2.Client, tmp_path: Path) -> None:
    sent = b"\xef\xbb\xbftext;label\r\nKept as it is.;positive\r\n"
    report = client.upload(S, BytesIO(sent), name="fürs Archiv.csv")
    assert report.batch is not None
    newest = client.snapshots(S, 1)[0]
    assert (newest.number, newest.rows, newest.upload) == (report.batch, 1, True)
    assert newest.source == "upload:fürs Archiv.csv"
    assert newest.account is not None
    client.download_upload(S, report.batch, tmp_path / "back.csv")
    assert (tmp_path / "back.csv").read_bytes() == sent
    answer = raw.get(f"/services/{S}/snapshots/{report.batch}/file")
    assert answer.headers["x-upload-sha256"] == hashlib.sha256(sent).hexdigest()
    assert "filename*=UTF-8''f%C3%BCrs%20Archiv.csv" in answer.headers["content-disposition"]
    with pytest.raises(NotFound):
        client.download_upload(S, 1, tmp_path / "none.csv")
    assert not (tmp_path / "none.csv").exists()


def test_a_dry_run_says_what_would_come_of_it(client: Client) -> None:
    before = client.examples(S, 1).count, client.snapshots(S, 1)
    report = client.upload(S, BytesIO(TWO.encode()), name="two.csv", dry_run=True)
    assert (report.accepted, report.refused, report.batch) == (2, 0, None)
    with pytest.raises(FileRefused) as refused:
        client.upload(S, BytesIO(BAD.encode()), name="bad.csv", dry_run=True)
    assert refused.value.report is not None
    assert [row["line"] for row in refused.value.report["refusals"]] == [4, 5]
    good = client.upload(S, BytesIO(BAD.encode()), name="bad.csv", dry_run=True, keep_good=True)
    assert (good.accepted, good.refused, good.batch) == (2, 2, None)
    assert (client.examples(S, 1).count, client.snapshots(S, 1)) == before


def test_an_open_file_needs_a_name(client: Client) -> None:
    with pytest.raises(InvalidInput, match="needs its 'name'"):
        client.upload(S, BytesIO(TWO.encode()))


def test_examples_are_filtered(client: Client) -> None:
    client.upload(S, BytesIO(b"text,label\n50 % Filter,positive\nfilter_it,negative\n"), name="filter.csv")
    client.add_example(S, "Filter by hand", "positive")
    found = client.examples(S, text="FILTER")
    assert [row.input for row in found.examples] == ["Filter by hand", "filter_it", "50 % Filter"]
    assert found.count == 3
    assert [row.input for row in client.examples(S, text="filter", label="positive", source="upload").examples] == [
        "50 % Filter"
    ]
    assert [row.input for row in client.iterate_examples(S, page=1, text="filter")] == [
        row.input for row in found.examples
    ]
    assert client.examples(S, source="upload:filter.csv").count == 2
    assert client.examples(S, label="no such label").count == 0


def test_counts_and_disagreements(client: Client) -> None:
    client.upload(S, BytesIO(b"text,label\nSo so.,positive\nSo so.,negative\n"), name="split.csv")
    counts = client.example_counts(S)
    assert counts.examples == client.examples(S, 1).count > counts.inputs
    assert sum(count.examples for count in counts.counts) == counts.examples
    assert {count.source for count in counts.counts} >= {"upload", "api"}
    found = client.disagreements(S)
    assert found.count == 1
    assert found.disagreements[0].input == "So so."
    assert [opinion.target for opinion in found.disagreements[0].opinions] == ["negative", "positive"]
    assert client.add_example(S, "So so.", "negative").added, "it is said once more, and settles it"
    assert client.disagreements(S).count == 0
    assert not client.add_example(S, "So so.", "negative").added


def test_the_dataset_is_exported(client: Client, raw: httpx2.Client, tmp_path: Path) -> None:
    client.export(S, tmp_path / "all.jsonl", format="jsonl")
    rows = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(rows) == client.example_counts(S).inputs
    assert rows[0].keys() == {"text", "label"}
    again = client.upload(S, tmp_path / "all.jsonl", dry_run=True)
    assert (again.accepted, again.duplicates) == (0, len(rows))
    stream = BytesIO()
    client.export(S, stream, snapshot=1)
    first = list(csv.DictReader(StringIO(stream.getvalue().decode("utf-8-sig"))))
    assert 0 < len(first) < len(rows)
    answer = raw.get(f"/services/{S}/examples/export?snapshot=1")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert 'filename="sentiment-1.csv"' in answer.headers["content-disposition"]
    check_problem(raw.get(f"/services/{S}/examples/export?snapshot=9999"), 404, "not-found")
    check_problem(raw.get(f"/services/{S}/examples/export?format=xlsx"), 422, "invalid-input")


def test_the_history_is_exported(client: Client, tmp_path: Path) -> None:
    asked = ['=HYPERLINK("http://evil")', "It broke, alas;\nreally.", "Wonderful."]
    answers = [client.predict(S, text) for text in asked]
    client.feedback(answers[1].id, "positive")
    client.export_history(S, tmp_path / "history.csv")
    with (tmp_path / "history.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows[:3]] == [answer.id for answer in reversed(answers)]
    assert [row["input"] for row in rows[:3]] == [asked[2], asked[1], "'" + asked[0]]
    assert [row["feedback"] for row in rows[:3]] == ["", "positive", ""]
    label = answers[2].label or ""
    assert rows[0]["label"] == label
    assert float(rows[0]["score"]) == pytest.approx(json.loads(rows[0]["scores"])[label])
    client.export_history(S, tmp_path / "one.csv", text="wonderful")
    assert len((tmp_path / "one.csv").read_text().splitlines()) == 2


def test_a_text_is_erased_everywhere(served: Server, client: Client, raw: httpx2.Client) -> None:
    text = f"I, {NAME}, sent it back; it broke."
    answer = client.predict(S, text)
    client.feedback(answer.id, "negative")
    ticket = client.submit(S, text).id
    body = f"text,label,who\nIt came late.,negative,{NAME}\n{text.replace(',', ' ')},negative,me\n".encode()
    uploaded = client.upload(S, BytesIO(body), name="people.csv")
    before = client.examples(S, 1).count

    seen = client.erase(NAME, contains=True, dry_run=True)
    assert (seen.dry_run, seen.examples, seen.predictions, seen.feedback) == (True, 3, 1, 1)
    assert (seen.jobs, seen.uploads, list(seen.versions)) == (1, 1, [1])
    erased = client.erase(NAME, contains=True)
    assert not erased.dry_run
    assert (erased.examples, erased.jobs, erased.uploads, list(erased.versions)) == (3, 1, 1, [1])

    assert client.examples(S, text=NAME).count == 0
    assert client.examples(S, 1).count == before - 3
    assert client.job(ticket).status == "cancelled"
    kept = BytesIO()
    client.download_upload(S, uploaded.batch or 0, kept)
    assert len(kept.getvalue()) == len(body)
    assert kept.getvalue().split() == [b"text,label,who"]
    assert client.predict(S, "Still here?").version == 1
    names = ("server.log", "reviews.csv")
    found = [path for path in files_with(served.project, NAME) if path.name not in names]
    assert found == [], "the database, its log, and the models"
    assert NAME not in served.log.read_text(encoding="utf-8"), "inputs are logged at debug only"
    event = client.events(action="erase")[0]
    assert event.outcome == "done"
    assert NAME not in str(event)
    assert client.erase(NAME, contains=True).examples == 0


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": ""},
        {"text": "  "},
        {"text": "ab", "contains": True},
        {"text": "a\0b"},
        {"text": "\ud800"},
        {"text": "abc", "more": 1},
        {"text": 3},
        {"text": "abc", "service": 3},
    ],
    ids=str,
)
def test_what_cannot_be_erased_is_refused(raw: httpx2.Client, body: dict[str, object]) -> None:
    sent = raw.post("/erasures", content=json.dumps(body).encode())
    check_problem(sent, 422, "invalid-input")


def test_unknown_services_are_not_found(raw: httpx2.Client) -> None:
    for path in ("examples/counts", "examples/disagreements", "examples/export", "snapshots", "history/export"):
        check_problem(raw.get(f"/services/sentimnt/{path}"), 404, "not-found")
    body = {"text": "abc", "service": "sentimnt"}
    assert "Did you mean" in check_problem(raw.post("/erasures", json=body), 404, "not-found")["detail"]


def test_nothing_of_this_was_a_bug(served: Server) -> None:
    assert [line for line in served.log_lines() if line["level"] == "error"] == []
