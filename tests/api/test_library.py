"""The library: its images by name, small ones of them, and no way out of its folder."""

from __future__ import annotations

import json
import os
import socket
from io import BytesIO
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.api.problems import check_problem
from tests.images import LIBRARY, make_image_project, make_picture
from tests.projects import Server, wait_until
from winnow.errors import NotFound
from winnow.models.picture import Limits
from winnow.serving.library import Library

ROOT = "/services/colours/library"
FUZZ = settings(
    max_examples=300, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def test_the_images_and_where_they_are(images: httpx2.Client, image_server: Server) -> None:
    listed = images.get(ROOT).json()["images"]
    assert [image["name"] for image in listed] == LIBRARY
    for image in listed:
        found = images.get(image["url"])
        assert found.content == (image_server.project / "library" / image["name"]).read_bytes()
        assert image["thumbnail"] == f"{image['url']}/thumbnail"
        assert found.headers["x-content-type-options"] == "nosniff"


def test_types_are_what_the_bytes_say(images: httpx2.Client) -> None:
    types = [images.get(f"{ROOT}/{quote(name)}").headers["content-type"] for name in LIBRARY]
    assert types == ["image/webp", "image/png", "image/png", "image/jpeg"]


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt",
        ".hidden.png",
        "link.png",
        "folder.png",
        "below",
        "below%2Fdeep.png",
        "RED.png",
        "red.png%00",
        "red",
    ],
)
def test_what_is_no_image_of_the_library(images: httpx2.Client, name: str) -> None:
    for path in (f"{ROOT}/{name}", f"{ROOT}/{name}/thumbnail"):
        check_problem(images.get(path), 404, "not-found")


def test_the_nearest_name_is_named(images: httpx2.Client) -> None:
    assert "Did you mean 'red.png'?" in check_problem(images.get(f"{ROOT}/rad.png"), 404, "not-found")["detail"]


def test_a_service_without_a_library_says_so(http: httpx2.Client) -> None:
    for path in ("", "/a.png", "/a.png/thumbnail"):
        problem = check_problem(http.get(f"/services/sentiment/library{path}"), 404, "not-found")
        assert "winnow.toml" in problem["detail"]
    check_problem(http.get("/services/nothing/library"), 404, "not-found")


def test_a_thumbnail_fits_and_is_never_larger_than_its_image(images: httpx2.Client) -> None:
    for name, size, fits in (
        ("wide & green.JPG", 64, (64, 16)),
        ("wide & green.JPG", None, (128, 32)),
        ("red.png", 512, (24, 16)),
    ):
        query = {} if size is None else {"size": size}
        shown = images.get(f"{ROOT}/{quote(name)}/thumbnail", params=query)
        assert shown.headers["content-type"] == "image/webp"
        assert Image.open(BytesIO(shown.content)).size == fits


@pytest.mark.parametrize("size", ["15", "513", "-1", "1e3", "", "large"])
def test_a_thumbnail_has_a_bounded_size(images: httpx2.Client, size: str) -> None:
    check_problem(images.get(f"{ROOT}/red.png/thumbnail?size={size}"), 422, "invalid-input")


def test_a_damaged_image_has_no_thumbnail(images: httpx2.Client) -> None:
    check_problem(images.get(f"{ROOT}/broken.png/thumbnail"), 422, "invalid-input")


def test_an_image_is_sent_again_only_when_it_has_changed(images: httpx2.Client, image_server: Server) -> None:
    path = image_server.project / "library" / "changing.png"
    path.write_bytes(make_picture("red"))
    try:
        for url in (f"{ROOT}/changing.png", f"{ROOT}/changing.png/thumbnail"):
            tag = images.get(url).headers["etag"]
            for seen in (tag, f'"other", W/{tag}'):
                again = images.get(url, headers={"If-None-Match": seen})
                assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
            path.write_bytes(make_picture("blue"))
            os.utime(path)
            assert images.get(url, headers={"If-None-Match": tag}).status_code == 200
    finally:
        path.unlink()
    wait_until(lambda: images.get(f"{ROOT}/changing.png").status_code == 404)


def test_a_library_that_is_not_there_breaks_nothing_else(tmp_path: Path) -> None:
    library = Library(tmp_path / "nowhere", Limits())
    with pytest.raises(NotFound, match="nowhere cannot be read: No such file"):
        library.names()
    with pytest.raises(NotFound, match="nowhere cannot be read"):
        library.read("a.png")


def test_names_that_no_answer_can_hold_are_left_out(tmp_path: Path) -> None:
    """A name on disk is bytes, and not all bytes are a text."""
    (tmp_path / "ok.png").write_bytes(make_picture())
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.png")).write_bytes(make_picture())
    assert Library(tmp_path, Limits()).names() == ["ok.png"]


def test_an_image_that_becomes_a_link_leads_nowhere(tmp_path: Path) -> None:
    """Between the look at the folder and the opening, too."""

    class Swapping(Library):
        def _path(self, name: object) -> Path:
            path = super()._path(name)
            path.unlink()
            path.symlink_to(tmp_path / "secret.png")
            return path

    (tmp_path / "secret.png").write_bytes(make_picture("green"))
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "a.png").write_bytes(make_picture("red"))
    with pytest.raises(NotFound, match="cannot be read"):
        Swapping(tmp_path / "library", Limits()).read("a.png")


def test_a_file_of_more_bytes_than_are_read_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "large.png").write_bytes(make_picture() + bytes(2_000))
    with pytest.raises(Exception, match="more than the 1,000 bytes"):
        Library(tmp_path, Limits(bytes=1_000)).read("large.png")


HOSTILE = r".. . %2e%2e %2E. ..%2f %2f %5c \ ..\ %00 %252e%252e %c0%ae%c0%ae %ff ..; ; ?size=32 %0d%0a / * ~"
NAMED = "library thumbnail below red.png RED.PNG red.png%00 secret.png link.png deep.png folder.png .hidden.png"
SEGMENTS = st.sampled_from([*HOSTILE.split(), *NAMED.split()])
PATHS = st.lists(SEGMENTS, min_size=1, max_size=8).map("/".join) | st.lists(SEGMENTS, min_size=1).map("".join)
TEXTS = st.text(max_size=30).map(lambda text: quote(text.encode("utf-8", "surrogatepass")))


@FUZZ
@given(path=PATHS | TEXTS)
def test_no_path_leads_out_of_the_library(image_server: Server, path: str) -> None:
    """As a hostile client writes it on the wire: a polite one would tidy it up."""
    status, content = raw_get(image_server, f"{ROOT}/{path}")
    assert status in (200, 400, 404, 422), path
    if status == 200 and not content.startswith((b"{", b"RIFF")):
        assert content in allowed(image_server.project), path


@FUZZ
@given(name=PATHS.map(unquote) | st.text(max_size=30))
def test_no_name_leads_out_of_the_library(images: httpx2.Client, name: str) -> None:
    body = {"inputs": [{"library": name}], "top_k": 1}
    (row,) = images.post("/services/colours/predict", content=json.dumps(body)).json()["predictions"]
    assert ("label" in row) == (name in LIBRARY and name != "broken.png"), name


@pytest.mark.parametrize("name", [None, 3, ["red.png"], {"library": "red.png"}, True])
def test_a_name_is_a_text(images: httpx2.Client, name: object) -> None:
    response = images.post("/services/colours/predict", json={"input": {"library": name}})
    check_problem(response, 422, "invalid-input")


def test_nothing_of_this_was_a_bug(image_server: Server, tmp_path: Path) -> None:
    """What the fuzz sent to the server above is in its log; absolute paths too lead nowhere."""
    secret = quote(str(make_image_project(tmp_path / "other") / "secret.png"), safe="")
    assert raw_get(image_server, f"{ROOT}/{secret}")[0] == 404
    assert [line for line in image_server.log_lines() if line["level"] == "error"] == []


def raw_get(server: Server, path: str) -> tuple[int, bytes]:
    """Ask for exactly this path; returns the status and the body."""
    address = urlsplit(server.url)
    with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=30) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n".encode("latin-1"))
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def allowed(project: Path) -> list[bytes]:
    return [(project / "library" / name).read_bytes() for name in LIBRARY]
