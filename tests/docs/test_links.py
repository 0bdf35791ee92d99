"""Every link on a page leads somewhere, and every page is linked to."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.markdown import ROOT, Page, all_pages, read_page

PAGES = all_pages()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Page) -> None:
    broken = [link for link in page.links() if not link.startswith("https://") and not _leads(page, link)]
    assert not broken, f"{page.name} links to what is not there: {', '.join(broken)}"


def test_every_page_of_the_documentation_is_linked_to() -> None:
    linked = {(page.path.parent / link.partition("#")[0]).resolve() for page in PAGES for link in page.links()}
    lonely = [page.name for page in PAGES if page.path not in linked and page.name != "README.md"]
    assert not lonely, f"no page links to {', '.join(lonely)}"


def _leads(page: Page, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (page.path.parent / path).resolve() if path else page.path
    if not target.is_relative_to(ROOT) or not target.exists():
        return False
    return not anchor or anchor in _anchors(target)


def _anchors(target: Path) -> set[str]:
    return read_page(target).anchors() if target.suffix == ".md" else set()
