"""P7 for images: a ZIP of a folder for each label, however hostile; all of it or nothing."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_STORED, ZipInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.lifecycle.image_loading import EXPECTED, PETS, kept, load, refusal, task, used, zipped
from tests.lifecycle.loading import SERVICE, dataset, reasons
from tests.lifecycle.loading import task as text_task
from tests.pictures import huge_png, numbered
from winnow.errors import FileRefused
from winnow.lifecycle import archive
from winnow.lifecycle.ingest import load_file
from winnow.store import Database

# A ZIP of folders


@pytest.mark.parametrize("method", [ZIP_STORED, ZIP_DEFLATED])
@pytest.mark.parametrize("above", ["", "pets/", "./"])
def test_a_zip_of_folders_is_kept(sqlite: Database, method: int, above: str) -> None:
    folders = [("cat/", b""), ("dog/", b"")]
    members = [(f"{above}{name}", content) for name, content in [*folders, *PETS.items()]]
    report = load(sqlite, zipped(members, method))
    assert (report.format, report.accepted, report.labels) == ("zip", 3, {"cat": 2, "dog": 1})
    assert kept(sqlite) == EXPECTED


def test_a_zip_with_the_separators_of_another_system_is_kept(sqlite: Database) -> None:
    load(sqlite, zipped((name.replace("/", "\\"), content) for name, content in PETS.items()))
    assert kept(sqlite) == EXPECTED


def test_a_zip_from_a_stream_that_cannot_be_rewound(sqlite: Database) -> None:
    class Pipe(BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: object) -> int:
            raise AssertionError

    origin = Pipe(zipped(PETS.items()))
    assert load_file(sqlite, SERVICE, task(), origin, name="Pets.ZIP").accepted == 3


def linked(name: str) -> ZipInfo:
    info = ZipInfo(name)
    info.external_attr = 0o120777 << 16
    return info


def with_flag(content: bytes, name: str) -> bytes:
    """Say of an entry that it is encrypted, in both places."""
    changed = bytearray(content)
    for signature, flags, length in ((b"PK\x03\x04", 6, 30), (b"PK\x01\x02", 8, 46)):
        place = content.index(name.encode())
        while content[place - length : place - length + 4] != signature:
            place = content.index(name.encode(), place + 1)
        changed[place - length + flags] |= 1
    return bytes(changed)


def damaged(content: bytes, inside: bytes) -> bytes:
    place = content.index(inside) + len(inside) // 2
    return content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]


GOOD = ("cat/good.png", numbered(1))
HOSTILE = {
    "a name that climbs": (
        zipped([GOOD, ("cat/../../../etc/x.png", numbered(2))]),
        "the name leads out of the ZIP",
    ),
    "a name that begins at the root": (zipped([GOOD, ("/etc/x.png", numbered(2))]), "the name leads out"),
    "a name with a drive": (zipped([GOOD, ("C:\\x.png", numbered(2))]), "the name leads out"),
    "a link": (zipped([GOOD, (linked("cat/link.png"), b"/etc/passwd")]), "it is a link"),
    "an encrypted file": (with_flag(zipped([GOOD, ("cat/x.png", numbered(2))]), "cat/x.png"), "is encrypted"),
    "a wrong checksum": (
        damaged(zipped([GOOD, ("cat/x.png", numbered(2))], ZIP_STORED), numbered(2)),
        "the file is damaged in the ZIP: Bad CRC-32",
    ),
    "another ZIP": (zipped([GOOD, ("cat/more.zip", zipped(PETS.items()))]), "no image that is read here"),
    "a bomb in another compression": (
        zipped([("cat/x.png", bytes(50_000_000))], ZIP_BZIP2),
        "compressed in a way that is not read",
    ),
    "a text": (zipped([GOOD, ("cat/x.png", b"text")]), "no image that is read here"),
    "a file in no folder": (zipped([GOOD, ("x.png", numbered(2))]), "it is in no folder"),
    "a bomb of pixels": (zipped([GOOD, ("cat/x.png", huge_png(8000))]), "8,000 × 8,000 pixels"),
    "a file that is too large": (zipped([GOOD, ("cat/x.bmp", bytes(10_000_001))]), "more than 10,000,000 bytes"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_entry_is_one_row_error(sqlite: Database, kind: str) -> None:
    content, says = HOSTILE[kind]
    refused = refusal(sqlite, content)
    ((_, reason),) = reasons(refused)
    assert says in reason
    if GOOD[0].encode() in content:
        assert load(sqlite, content, keep_good=True).accepted == 1
        assert kept(sqlite) == [(numbered(1), "cat")]


def test_sizes_that_a_zip_claims_are_not_believed(sqlite: Database) -> None:
    """Of ten million bytes it says that they are ten: what comes out is cut there, and its checksum tells."""
    content = bytearray(zipped([GOOD, ("cat/x.png", bytes(9_000_000))]))
    claim = content.rindex(b"PK\x01\x02") + 24
    content[claim : claim + 4] = struct.pack("<I", 10)
    ((_, reason),) = reasons(refusal(sqlite, bytes(content)))
    assert "damaged in the ZIP" in reason


def test_a_zip_that_unpacks_without_end_is_refused(sqlite: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "ALWAYS_UNPACKED", 1_000_000)
    packed = zipped((f"cat/{number}.bmp", bytes(5_000_000)) for number in range(40))
    assert "unpacks to more than 200 times its size, as a bomb does" in str(refusal(sqlite, packed))
    assert "as a bomb does" in str(refusal(sqlite, packed, keep_good=True))


def overlapping(count: int) -> bytes:
    """A table of contents with many entries, all of the same file."""
    name, content = GOOD
    packed = zlib.compress(content, 9)[2:-4]
    facts = struct.pack("<HHHHHIII", 20, 0, 8, 0, 0, zlib.crc32(content), len(packed), len(content))
    local = b"PK\x03\x04" + facts + struct.pack("<HH", len(name), 0) + name.encode() + packed
    entry = b"PK\x01\x02" + struct.pack("<H", 20) + facts + struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, 0)
    table = (entry + name.encode()) * count
    most = min(count, 0xFFFF)
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, most, most, len(table), len(local), 0)
    return local + table + end


def test_a_million_entries_are_refused_before_they_are_in_memory(sqlite: Database) -> None:
    assert "table of contents has more than 32,000,000 bytes" in str(refusal(sqlite, overlapping(1_000_000)))
    assert "the ZIP has 100,001 files; at most 100,000 are read" in str(refusal(sqlite, overlapping(100_001)))


def test_entries_that_share_their_bytes_are_duplicates(sqlite: Database) -> None:
    report = load(sqlite, overlapping(50))
    assert (report.accepted, report.duplicates) == (1, 49)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is not a ZIP that can be read"),
        (b"cat,dog\n", "the file is not a ZIP that can be read"),
        (zipped(PETS.items())[:-30], "the file is not a ZIP that can be read"),
        (zipped([]), "there is no file in the ZIP"),
        (zipped([("cat/", b""), ("__MACOSX/cat/._1.png", b"x")]), "there is no file in the ZIP"),
    ],
)
def test_what_is_no_zip_is_refused(sqlite: Database, content: bytes, says: str) -> None:
    assert says in str(refusal(sqlite, content))


def test_texts_are_not_read_from_a_zip(sqlite: Database) -> None:
    said = str(refusal(sqlite, zipped(PETS.items()), task=text_task()))
    assert "'pictures.zip' is not a name that ends in .csv, .tsv, .jsonl, .ndjson" in said
    assert ".ndjson, .zip: those are read" in str(refusal(sqlite, b"", "pictures.rar"))


# Any ZIP


@pytest.fixture(scope="module")
def shop(sqlite_pattern: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    path = tmp_path_factory.mktemp("shop") / "winnow.db"
    path.write_bytes(sqlite_pattern.read_bytes())
    database = Database(f"sqlite:///{path}")
    yield database
    database.close()


NAMES = st.text(st.sampled_from("ab/\\.:é~ "), min_size=1, max_size=10)
CONTENTS = st.one_of(st.integers(0, 500).map(numbered), st.binary(max_size=30))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(NAMES, CONTENTS, max_size=5),
    st.lists(st.tuples(st.integers(0, 5000), st.binary(min_size=1, max_size=4)), max_size=3),
    st.booleans(),
)
def test_of_any_zip_all_is_kept_or_nothing(
    shop: Database, files: dict[str, bytes], hits: list[tuple[int, bytes]], keep_good: bool
) -> None:
    content = bytearray(zipped(files.items()))
    for place, bytes_ in hits:
        at = place % len(content)
        content[at : at + len(bytes_)] = bytes_
    before = dataset(shop), used(shop)
    try:
        report = load(shop, bytes(content), keep_good=keep_good)
    except FileRefused as refused:
        assert (dataset(shop), used(shop)) == before
        json.dumps(refused.details(), ensure_ascii=False).encode()
        return
    assert report.rows == report.accepted + report.duplicates + report.refused
    assert keep_good or not report.refused
    assert used(shop) == before[1] + report.accepted
