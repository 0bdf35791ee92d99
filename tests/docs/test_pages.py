"""Every block of README, tutorial and guides does what the page says, with the output that it shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.conftest import Begin, DatabaseOf
from tests.docs.markdown import ROOT, Page, read_page
from tests.docs.sitting import Sitting

SLOW = (
    "docs/how-to/back-up-and-move.md",
    "docs/how-to/get-alerts.md",
    "docs/how-to/manage-accounts.md",
    "docs/how-to/run-workers.md",
    "docs/how-to/score-a-file.md",
    "docs/how-to/use-the-python-client.md",
    "README.md",
    "docs/tutorial/first-service.md",
    "docs/how-to/ask-with-images.md",
    "docs/how-to/bring-vectors.md",
    "docs/how-to/choose-candidates.md",
    "docs/how-to/classify-images.md",
    "docs/how-to/offer-a-library.md",
    "docs/how-to/replay-a-life.md",
    "docs/how-to/retrain-by-itself.md",
    "docs/how-to/use-postgresql.md",
    "docs/how-to/use-the-classic-routes.md",
)
"""Pages whose blocks take more than some seconds, since they train or serve more than once."""


def _followed() -> list[object]:
    guides = sorted((ROOT / "docs" / "how-to").glob("*.md"))
    paths = [ROOT / "README.md", *sorted((ROOT / "docs" / "tutorial").glob("*.md")), *guides]
    pages = [page for page in map(read_page, paths) if page.blocks()]
    return [
        pytest.param(page, id=page.name, marks=[pytest.mark.slow] if page.name in SLOW else []) for page in pages
    ]


@pytest.mark.parametrize("page", _followed())
def test_blocks_do_what_the_page_says(page: Page, begin: Begin, database_of: DatabaseOf, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (tmp_path / "work").mkdir()
    with Sitting(begin(page, tmp_path / "work"), home, database_of(page)) as sitting:
        if "served" in page.starts:
            sitting.serve()
        sitting.follow(page)
