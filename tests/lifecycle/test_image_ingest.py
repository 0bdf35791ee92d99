"""P7 for images: a folder for each label, tables of paths and of base64, one by one; all of it or nothing."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path

import pytest
from PIL import Image

from tests.lifecycle.image_loading import EXPECTED, PETS, kept, load, refusal, task, used, write, zipped
from tests.lifecycle.loading import SERVICE, dataset, reasons
from tests.lifecycle.loading import task as text_task
from tests.pictures import encoded, numbered, plain
from winnow.errors import InvalidInput, StoreFailed
from winnow.lifecycle import ingest
from winnow.lifecycle.ingest import add_example
from winnow.store import Database, examples
from winnow.store.blobs import reference

# A folder for each label


def test_a_folder_for_each_label_is_kept_and_reported(database: Database, tmp_path: Path) -> None:
    told: list[float] = []
    folder = write(tmp_path / "pets", PETS)
    report = load(database, folder, progress=lambda _, share: told.append(share))
    assert kept(database) == EXPECTED
    assert dataset(database)[0][0] == reference(numbered(1)), "the dataset names the image"
    assert report.to_json() == {
        "file": "pets",
        "format": "folder",
        "encoding": None,
        "separator": None,
        "rows": 3,
        "accepted": 3,
        "duplicates": 0,
        "refused": 0,
        "duplicate_lines": [],
        "refusals": [],
        "reasons": {},
        "labels": {"cat": 2, "dog": 1},
        "batch": 1,
    }
    assert told[-1] == 1
    with database.read() as connection:
        newest = examples.page(connection, SERVICE, 10)[0]
    assert (newest["input"], newest["target"], newest["source"]) == (reference(numbered(3)), "dog", "upload:pets")


def test_what_is_in_folders_below_has_the_label_of_the_first(sqlite: Database, tmp_path: Path) -> None:
    load(sqlite, write(tmp_path / "pets", {"cat/2025/may/1.png": numbered(1), "dog/2.png": numbered(2)}))
    assert kept(sqlite) == [(numbered(1), "cat"), (numbered(2), "dog")]


def test_folders_are_mapped_to_labels_as_cells_are(sqlite: Database, tmp_path: Path) -> None:
    asked = task(labels={"pet": ["cat", "dog"], "other": ["car"]})
    assert load(sqlite, write(tmp_path / "pets", PETS), task=asked).labels == {"pet": 3}
    write(tmp_path / "pets", {"bird/1.png": numbered(9)})
    refused = refusal(sqlite, tmp_path / "pets", task=asked)
    assert reasons(refused) == [(1, "column 'label' has 'bird', which no label in winnow.toml means")]


def test_bad_files_refuse_the_folder_and_each_is_named(sqlite: Database, tmp_path: Path) -> None:
    noise = encoded(Image.effect_noise((60, 60), 90), "JPEG")
    folder = write(
        tmp_path / "pets",
        {**PETS, "cat/cut.jpg": noise[:900], "cat/empty.png": b"", "dog/text.png": b"text", "readme.txt": b"Hello"},
    )
    refused = refusal(sqlite, folder)
    assert str(refused) == (
        "pets: 4 of 7 files cannot be used, so nothing was kept. First, readme.txt: it is in no folder: each image "
        "should be in a folder that is named after its label"
    )
    assert refused.report is not None
    assert [(row["line"], row["file"]) for row in refused.report["refusals"]] == [
        (1, "readme.txt"),
        (4, "cat/cut.jpg"),
        (5, "cat/empty.png"),
        (7, "dog/text.png"),
    ]
    in_no_folder, cut, *others = [row["reason"] for row in refused.report["refusals"]]
    assert in_no_folder.startswith("it is in no folder")
    assert cut.startswith("the JPEG image is damaged: image file is truncated")
    assert others == [
        "the image is empty: it has no bytes",
        "the file is no image that is read here: JPEG, PNG, WEBP, GIF, BMP",
    ]
    report = load(sqlite, folder, keep_good=True)
    assert (report.accepted, report.refused) == (3, 4)
    assert kept(sqlite) == EXPECTED


def test_a_wrong_ending_does_not_matter(sqlite: Database, tmp_path: Path) -> None:
    files = {"cat/1.jpg": numbered(1), "cat/2": encoded(plain(), "WEBP"), "dog/3.txt": encoded(plain(), "GIF")}
    assert load(sqlite, write(tmp_path / "pets", files)).accepted == 3


def test_what_systems_leave_in_folders_is_passed_over(sqlite: Database, tmp_path: Path) -> None:
    droppings = {".DS_Store": b"x", "cat/.DS_Store": b"x", "cat/Thumbs.db": b"x", "__MACOSX/cat/._1.png": b"x"}
    report = load(sqlite, write(tmp_path / "pets", {**PETS, **droppings, ".git/config": b"x"}))
    assert (report.rows, report.accepted) == (3, 3)
    assert load(sqlite, zipped({**PETS, **droppings}.items())).duplicates == 3


def test_links_that_lead_out_are_refused_and_others_followed(sqlite: Database, tmp_path: Path) -> None:
    secret = write(tmp_path / "elsewhere", {"secret.png": numbered(7)})
    folder = write(tmp_path / "pets", PETS)
    (folder / "dog" / "inside.png").symlink_to(folder / "cat" / "1.png")
    (folder / "dog" / "out.png").symlink_to(secret / "secret.png")
    (folder / "dog" / "loop.png").symlink_to("loop.png")
    (folder / "dog" / "gone.png").symlink_to("nowhere.png")
    (folder / "bird").symlink_to(secret)
    (folder / "cat" / "self").symlink_to(folder / "cat")
    os.mkfifo(folder / "cat" / "pipe.png")
    refused = refusal(sqlite, folder)
    assert refused.report is not None
    found = {row["file"]: row["reason"] for row in refused.report["refusals"]}
    assert found.pop("dog/loop.png").startswith("the file cannot be read: ")
    assert found == {
        "bird": "the file is not below the folder in which the paths begin",
        "dog/out.png": "the file is not below the folder in which the paths begin",
        "dog/gone.png": "there is no such file",
        "cat/self": "it is no ordinary file",
        "cat/pipe.png": "it is no ordinary file",
    }
    assert load(sqlite, folder, keep_good=True).labels == {"cat": 2, "dog": 2}


def test_an_empty_folder_and_a_folder_of_texts_are_refused(sqlite: Database, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert str(refusal(sqlite, tmp_path / "empty")) == "empty: the folder has no images"
    assert "read for images only" in str(refusal(sqlite, tmp_path / "empty", task=text_task()))
    columns = task(label=["cat", "dog"])
    assert "a column for each" in str(refusal(sqlite, write(tmp_path / "pets", PETS), task=columns))


def test_too_large_files_are_not_even_read(sqlite: Database, tmp_path: Path) -> None:
    folder = write(tmp_path / "pets", PETS)
    with (folder / "cat" / "sparse.png").open("wb") as file:
        file.truncate(1 << 40)
    ((_, reason),) = reasons(refusal(sqlite, folder))
    assert reason == "the file has 1,099,511,627,776 bytes; at most 10,000,000 are read"


def test_images_are_duplicates_by_their_content(sqlite: Database, tmp_path: Path) -> None:
    load(sqlite, write(tmp_path / "pets", PETS))
    more = write(tmp_path / "more", {"cat/x.png": numbered(1), "cat/y.png": numbered(9), "dog/z.png": numbered(9)})
    report = load(sqlite, more)
    assert (report.accepted, report.duplicates, report.duplicate_lines) == (2, 1, (1,))
    assert used(sqlite) == 5


@pytest.mark.parametrize("bound", ["CHUNK_ROWS", "CHUNK_SIZE"])
def test_images_go_to_the_store_chunk_by_chunk(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.setattr(ingest, bound, 3 if bound == "CHUNK_ROWS" else 150)
    folder = write(tmp_path / "pets", {f"cat/{number:02}.png": numbered(number) for number in range(20)})
    stored: list[int] = []

    def stop(_stage: str, share: float) -> None:
        stored.append(used(database))
        if share > 0.5:
            raise StoreFailed("the disk is gone")

    with pytest.raises(StoreFailed):
        load(database, folder, progress=stop)
    assert stored == sorted(set(stored))
    assert len(stored) >= 3, "in several transactions"
    assert used(database) == 0, "and nothing remains in use"
    assert load(database, folder).accepted == 20


# Tables


def table(rows: Iterable[tuple[str, str]]) -> str:
    return "image,label\n" + "".join(f"{image},{label}\n" for image, label in rows)


def test_a_table_of_paths_is_read_from_its_folder(database: Database, tmp_path: Path) -> None:
    write(tmp_path, {f"pictures/{name}": content for name, content in PETS.items()})
    rows = [("pictures/cat/1.png", "cat"), ("./pictures/dog/../cat/2.png", "cat"), ("pictures/dog/1.png", "dog")]
    (tmp_path / "rows.csv").write_text(table(rows))
    assert load(database, tmp_path / "rows.csv").accepted == 3
    assert kept(database) == EXPECTED
    lines = [json.dumps({"image": image, "label": label}) for image, label in rows]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines))
    assert load(database, tmp_path / "rows.jsonl").duplicates == 3


def test_paths_that_lead_elsewhere_are_row_errors(sqlite: Database, tmp_path: Path) -> None:
    write(tmp_path, {"secret.png": numbered(9), "shop/a.png": numbered(1), "shop/b.txt": b"text"})
    (tmp_path / "shop" / "link.png").symlink_to(tmp_path / "secret.png")
    paths = [
        "a.png",
        "../secret.png",
        str(tmp_path / "secret.png"),
        "link.png",
        "none.png",
        "b.txt",
        ".",
        "a.png/x.y",
    ]
    (tmp_path / "shop" / "rows.csv").write_text(table((path, "cat") for path in paths))
    outside = "the file is not below the folder in which the paths begin"
    found = reasons(refusal(sqlite, tmp_path / "shop" / "rows.csv"))
    assert found[:7] == [
        (3, f"'../secret.png': {outside}"),
        (4, f"'{tmp_path}/secret.png': {outside}"),
        (5, f"'link.png': {outside}"),
        (6, "'none.png': there is no such file"),
        (7, "the file is no image that is read here: JPEG, PNG, WEBP, GIF, BMP"),
        (8, "'.': it is no ordinary file"),
        (9, "'a.png/x.y': the file cannot be read: Not a directory"),
    ]
    assert load(sqlite, tmp_path / "shop" / "rows.csv", keep_good=True).accepted == 1


def test_an_uploaded_table_follows_no_path(
    sqlite: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write(tmp_path, PETS))
    ((_, reason),) = reasons(refusal(sqlite, table([("cat/1.png", "cat")]).encode(), "rows.csv"))
    assert reason == "the input should be an image in base64, which 'cat/1.png' is not"


def test_tables_may_hold_the_images_themselves(sqlite: Database) -> None:
    rows = [(b64encode(content).decode(), str(label)) for content, label in EXPECTED]
    uri = [{"image": f"data:image/png;base64,{image}", "label": label} for image, label in rows]
    assert load(sqlite, table(rows).encode(), "rows.csv").accepted == 3
    assert load(sqlite, "\n".join(map(json.dumps, uri)).encode(), "rows.jsonl").duplicates == 3
    assert kept(sqlite) == EXPECTED


# One example


def test_one_image_is_added_once_and_damaged_ones_never(database: Database) -> None:
    encoded_image = b64encode(numbered(1)).decode()
    assert add_example(database, SERVICE, task(), encoded_image, "cat", "api").added
    assert not add_example(database, SERVICE, task(), numbered(1), "cat", "api").added
    noise = encoded(Image.effect_noise((60, 60), 90), "JPEG")
    with pytest.raises(InvalidInput, match="the JPEG image is damaged"):
        add_example(database, SERVICE, task(), noise[:900], "cat", "api")
    assert kept(database) == [(numbered(1), "cat")]
