"""ZIPs, honest and hostile: read in bounded memory, each bad entry an error of its own."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from winnow.errors import FileRefused
from winnow.lifecycle import archive


def zipped(entries: dict[str, bytes], **options: Any) -> io.BytesIO:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", **options) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    stream.seek(0)
    return stream


def found(stream: io.BytesIO, most: int = 1000) -> Iterator[tuple[str, str]]:
    for entry in archive.open_archive(stream, most):
        yield entry.name, entry.content.decode() if isinstance(entry.content, bytes) else f"! {entry.content}"


def test_an_archive_gives_its_files_without_what_systems_put_beside_them() -> None:
    stream = zipped(
        {"a/1.png": b"one", "a/": b"", "__MACOSX/a/._1.png": b"x", "a/.DS_Store": b"x", "2.png": b"two"}
    )
    assert list(found(stream)) == [("a/1.png", "one"), ("2.png", "two")]


def test_what_an_entry_holds_is_counted_as_it_is_read() -> None:
    stream = zipped({"bomb": b"\0" * 10_000_000, "fine": b"ok"}, compression=zipfile.ZIP_DEFLATED)
    (_, bomb), (_, fine) = found(stream)
    assert bomb == "! the file has more than 1,000 bytes"
    assert fine == "ok"


def test_a_damaged_or_encrypted_entry_is_its_own_error() -> None:
    content = zipped({"damaged": b"something", "locked": b"secret", "fine": b"ok"}).getvalue()
    damaged = content.replace(b"something", b"someth_ng")
    place = damaged.rindex(b"PK\x01\x02", 0, damaged.rindex(b"locked"))
    locked = bytearray(damaged)
    locked[place + 8] |= 1
    told = dict(found(io.BytesIO(bytes(locked))))
    assert told["damaged"].startswith("! the file is damaged")
    assert told["locked"].startswith("! the file is encrypted")
    assert told["fine"] == "ok"


def test_ways_of_compression_that_can_ask_for_any_memory_are_not_read() -> None:
    ((_, told),) = found(zipped({"a": b"text"}, compression=zipfile.ZIP_LZMA))
    assert "deflate" in told


def test_archives_that_are_too_much_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    many = zipped({f"{number}.png": b"a" for number in range(50)})
    with pytest.raises(FileRefused, match="not a ZIP"):
        archive.open_archive(io.BytesIO(b"GIF89a"), 1000)
    with pytest.raises(FileRefused, match="no file"):
        archive.open_archive(zipped({"folder/": b""}), 1000)
    with monkeypatch.context() as patched:
        patched.setattr(archive, "MAX_ENTRIES", 49)
        with pytest.raises(FileRefused, match="50 files"):
            archive.open_archive(many, 1000)
    with monkeypatch.context() as patched:
        patched.setattr(archive, "MAX_DIRECTORY", 1000)
        with pytest.raises(FileRefused, match="table of contents"):
            archive.open_archive(many, 1000)
    with monkeypatch.context() as patched:
        patched.setattr(archive, "ALWAYS_UNPACKED", 0)
        patched.setattr(archive, "MAX_GROWTH", 2)
        bomb = zipped({str(number): bytes(1000) for number in range(50)}, compression=zipfile.ZIP_DEFLATED)
        with pytest.raises(FileRefused, match="2 times its size"):
            list(found(bomb))
