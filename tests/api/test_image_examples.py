"""Images as examples over HTTP: a ZIP of them with its report, one in base64, and what the lists say of them."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import httpx2

from tests.api.problems import check_problem
from tests.images import make_picture
from tests.projects import Server
from winnow.client import Client
from winnow.store.blobs import reference

EXAMPLES = "/services/colours/examples"
RED, GREEN = make_picture("red", (7, 7), shade=9), make_picture("green", (7, 7), shade=9)


def zipped(**files: bytes) -> dict[str, tuple[str, bytes]]:
    """A form with a ZIP of files, each in the folder of its name."""
    content = BytesIO()
    with ZipFile(content, "w") as archive:
        for label, image in files.items():
            archive.writestr(f"{label}/1.png", image)
    return {"file": ("colours.zip", content.getvalue())}


def test_a_zip_of_images_is_added_with_its_report(images: httpx2.Client) -> None:
    refused = images.post(f"{EXAMPLES}/upload", files=zipped(green=GREEN, red=b"no image"))
    problem = check_problem(refused, 422, "file-refused")
    assert problem["report"]["refusals"] == [
        {
            "line": 2,
            "file": "red/1.png",
            "reason": "the file is no image that is read here: JPEG, PNG, WEBP, GIF, BMP",
        }
    ]
    before = images.get(EXAMPLES).json()["count"]
    kept = images.post(f"{EXAMPLES}/upload?keep_good=true", files=zipped(green=GREEN, red=b"no image"))
    assert kept.status_code == 200, kept.text
    assert (kept.json()["format"], kept.json()["accepted"]) == ("zip", 1)
    assert kept.json()["refusals"][0]["file"] == "red/1.png"
    page = images.get(EXAMPLES, params={"n": 1}).json()
    assert page["count"] == before + 1
    assert (page["examples"][0]["input"], page["examples"][0]["target"]) == (reference(GREEN), "green")


def test_one_image_is_added_in_base64(images: httpx2.Client) -> None:
    body = {"input": b64encode(RED).decode(), "target": "red"}
    added = images.post(EXAMPLES, json=body)
    assert added.status_code == 201, added.text
    assert images.post(EXAMPLES, json=body).json()["added"] is False
    assert images.get(EXAMPLES, params={"n": 1}).json()["examples"][0]["input"] == reference(RED)


def test_the_client_adds_an_image_by_its_bytes_or_path(image_server: Server, tmp_path: Path) -> None:
    content = make_picture("blue", (5, 5), shade=9)
    path = tmp_path / "blue.png"
    path.write_bytes(content)
    with Client(image_server.url) as client:
        assert client.add_example("colours", content, "blue").added
        assert not client.add_example("colours", path, "blue").added


def test_a_damaged_image_is_no_example(images: httpx2.Client) -> None:
    cut = make_picture("red", (200, 200), "JPEG")[:-400]
    answer = images.post(EXAMPLES, json={"input": b64encode(cut).decode(), "target": "red"})
    assert "the JPEG image is damaged" in check_problem(answer, 422, "invalid-input")["detail"]
