"""`winnow load` of images: a folder, a ZIP and a table, as a person sees it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import winnow
from tests.pictures import numbered

PROJECT = '[project]\nname = "pets"\n[services.pets]\ntask = "image-classification"\ncandidates = ["majority"]\n'


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """A project without examples, with pictures in `photos`."""
    project = tmp_path / "shop"
    project.mkdir()
    (project / "winnow.toml").write_text(PROJECT)
    for number in range(6):
        path = project / "photos" / ("cat" if number % 2 else "dog") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(numbered(number))
    return project


@pytest.mark.slow
def test_a_folder_a_zip_and_a_table_are_the_same_examples(pets: Path) -> None:
    folder = winnow("load", "pets", "photos", project=pets)
    assert folder.code == 0, folder.err
    assert folder.out.splitlines() == [
        "photos: 6 examples added",
        "labels: cat 3, dog 3",
        "pets has 6 examples now: `winnow train pets`",
    ]
    shutil.make_archive(str(pets / "packed"), "zip", pets, "photos")
    rows = "".join(f"photos/{'cat' if n % 2 else 'dog'}/{n}.png,{'cat' if n % 2 else 'dog'}\n" for n in range(6))
    (pets / "rows.csv").write_text(f"image,label\n{rows}")
    assert (
        "packed.zip: 0 examples added, 6 there already\n" in winnow("load", "pets", "packed.zip", project=pets).out
    )
    assert "6 there already (lines 2, 3, 4" in winnow("load", "pets", "rows.csv", project=pets).out
    dotted = winnow("load", "pets", ".", "--json", project=pets / "photos", more={"WINNOW_PROJECT": str(pets)})
    assert (dotted.json["file"], dotted.json["duplicates"]) == ("photos", 6)


def test_bad_files_are_shown_by_name(pets: Path) -> None:
    (pets / "photos" / "cat" / "notes.png").write_text("not an image")
    (pets / "photos" / "dog" / "empty.png").touch()
    refused = winnow("load", "pets", "photos", project=pets)
    assert refused.code == 1
    assert "cat/notes.png  the file is no image" in refused.err
    assert "dog/empty.png  the image is empty" in refused.err
    assert "2 of 8 files cannot be used, so nothing was kept" in refused.err
    kept = winnow("load", "pets", "photos", "--keep-good", "--json", project=pets)
    assert (kept.code, kept.json["accepted"], kept.json["refused"]) == (0, 6, 2)
    assert kept.json["refusals"][0]["file"] == "cat/notes.png"


def test_a_folder_is_no_data_for_texts(shop: Path) -> None:
    refused = winnow("load", "sentiment", "sentiment", project=shop)
    assert refused.code == 1
    assert "it is a folder, which is read for images only" in refused.err
