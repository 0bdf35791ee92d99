"""Pictures on pages are there, small, and described for those who cannot see them; none lies about unused."""

from __future__ import annotations

import re

import pytest
from PIL import Image

from docs.pictures import FOLDER, WIDTH
from tests.docs.markdown import Page, all_pages

PAGES = all_pages()
MOST_BYTES = 150_000
_PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pictures_are_there_and_described(page: Page) -> None:
    for description, path in _PICTURE.findall(page.prose()):
        assert (page.path.parent / path).is_file(), f"{page.name} shows {path}, which is not there"
        assert len(description.split()) >= 4, f"{page.name} does not say what is to be seen on {path}"


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.glob("*.png")))
def test_each_picture_is_small_and_shown(name: str) -> None:
    path = FOLDER / name
    shown = {(page.path.parent / link).resolve() for page in PAGES for _, link in _PICTURE.findall(page.prose())}
    assert path in shown, f"no page shows docs/pictures/{name}"
    assert path.stat().st_size <= MOST_BYTES
    with Image.open(path) as picture:
        assert picture.width == WIDTH
