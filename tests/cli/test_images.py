"""Images on the command line: asked about by the path of a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import winnow
from tests.cli.test_jobs import worker
from tests.pictures import encoded, plain

TOML = """
[project]
name = "shop"

[services.colours]
task = "image-classification"
description = "Which colour is this?"
library = "missing"
data = ["images"]
candidates = ["pixels-linear"]
"""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a champion that tells red images from blue ones."""
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "winnow.toml").write_text(TOML)
    for place, colour in enumerate(("red", "blue")):
        (folder / "images" / colour).mkdir(parents=True)
        for shade in range(20):
            strong = (250 - shade, shade, 0) if place == 0 else (0, shade, 250 - shade)
            (folder / "images" / colour / f"{shade}.png").write_bytes(encoded(plain("RGB", strong)))
    for command in (("load", "colours", "images"), ("train", "colours")):
        done = winnow(*command, project=folder)
        assert done.code == 0, done.err
    (folder / "new.jpg").write_bytes(encoded(plain("RGB", (255, 0, 0)), "JPEG"))
    return folder


@pytest.mark.slow
def test_images_are_asked_about_by_their_paths(pictures: Path) -> None:
    shown = winnow("predict", "colours", "new.jpg", "--top-k", "1", project=pictures)
    assert shown.code == 0, shown.err
    assert shown.out.startswith("red\n")
    assert "blue" not in shown.out
    lines = "images/blue/7.png\nmissing.png\nwinnow.toml\n"
    rows = winnow("predict", "colours", "--json", project=pictures, given=lines).json["predictions"]
    assert rows[0]["label"] == "blue"
    assert "'missing.png' cannot be read" in rows[1]["error"]["detail"]
    assert "no image" in rows[2]["error"]["detail"]
    assert winnow("predict", "colours", "missing.png", project=pictures).code == 1


@pytest.mark.slow
def test_images_are_handed_in_by_their_paths(pictures: Path) -> None:
    missing = winnow("submit", "colours", "missing.png", project=pictures)
    assert (missing.code, missing.out) == (1, "")
    with worker(pictures):
        shown = winnow("submit", "colours", "new.jpg", "--wait", project=pictures)
        several = winnow("submit", "colours", "--wait", project=pictures, given="images/blue/7.png\nnew.jpg\n")
    assert shown.out.startswith("red\n"), shown.err
    assert [line.split()[0] for line in several.out.splitlines()] == ["answer", "blue", "red"], several.err


def test_doctor_looks_at_the_library_and_at_pillow(pictures: Path) -> None:
    looked = winnow("doctor", "--json", project=pictures)
    found = [(check["name"], check["state"]) for check in looked.json["checks"]]
    assert ("images", "ok") in found
    assert ("service colours", "warning") in found
