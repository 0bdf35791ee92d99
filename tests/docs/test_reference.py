"""The reference pages say what the code says, of everything that there is."""

from __future__ import annotations

import pytest

from docs.generate import FOLDER, HELP, PAGES


@pytest.mark.parametrize("name", PAGES)
def test_the_committed_page_is_what_the_code_makes(name: str) -> None:
    committed = (FOLDER / name).read_text(encoding="utf-8")
    assert committed == PAGES[name](), f"docs/reference/{name} is out of date: run `make docs`"


def test_there_are_no_other_pages() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(PAGES)


@pytest.mark.parametrize("name", HELP)
def test_everything_has_help(name: str) -> None:
    without = [thing for thing, text in HELP[name]() if not text.strip()]
    assert not without, f"without a help text: {', '.join(without)}"


@pytest.mark.parametrize("name", HELP)
def test_everything_is_named_on_its_page(name: str) -> None:
    page = (FOLDER / name).read_text(encoding="utf-8")
    things = HELP[name]()
    assert things
    missing = [thing for thing, _ in things if thing.replace("|", "\\|") not in page]
    assert not missing, f"not on docs/reference/{name}: {', '.join(missing)}"
