"""Carries out pages, and writes what is printed now where it differs from what they show.

    python -m tests.docs.refresh README.md docs/how-to/set-gates.md     # all pages where none is named

Read the difference before you commit it: a page that changed may say what is no longer so. Blocks with a line
`...` are left to you, and so are those that fail. What stands in the prose is yours in any case.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from pathlib import Path

from tests.docs.markdown import ROOT, Block, Page, all_pages, read_page
from tests.docs.sitting import DIGITS, Sitting

_FOLDER = re.compile(rf"{re.escape(tempfile.gettempdir())}/winnow-docs-\w+/shop")
_LOADED = "winnow load sentiment sentiment/reviews.csv\nwinnow train sentiment"


def refresh(page: Page) -> list[str]:
    """Rewrite a page's output blocks where they are out of date; returns what a person has to look at."""
    trouble: list[str] = []
    text = page.text
    folder = Path(tempfile.mkdtemp(prefix="winnow-docs-"))
    try:
        with Sitting(folder, folder / "home") as sitting:
            _begin(sitting, page)
            for block in page.blocks():
                try:
                    sitting.carry_out(block)
                except AssertionError as error:
                    if "output" not in block.words or "\n...\n" in f"\n{block.text}":
                        trouble.append(f"{page.name}:{block.line}: {error}")
                        continue
                    text = text.replace(
                        _fenced(block, block.text), _fenced(block, _shown(sitting.printed, block)), 1
                    )
    finally:
        shutil.rmtree(folder)
    page.path.write_text(text, encoding="utf-8")
    return trouble


def _begin(sitting: Sitting, page: Page) -> None:
    if "digits" in page.starts:
        sitting.run(DIGITS)
    elif page.starts:
        sitting.run("winnow new shop --template sentiment\ncd shop")
    if "trained" in page.starts:
        sitting.run(_LOADED)
    if "served" in page.starts:
        sitting.serve()


def _fenced(block: Block, text: str) -> str:
    return f"```{block.language} {' '.join(block.words)}\n{text}```"


def _shown(printed: str, block: Block) -> str:
    """What was printed, as a page shows it: no folders of this machine, no spaces at the ends of lines."""
    if block.language == "json":
        return json.dumps(json.loads(printed), indent=2, ensure_ascii=False) + "\n"
    lines = [line.rstrip() for line in _FOLDER.sub("/home/you/shop", printed).strip("\n").splitlines()]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Refresh the pages that the command line names, or all."""
    pages = [read_page(ROOT / name) for name in sys.argv[1:]] or all_pages()
    for page in pages:
        if any("output" in block.words for block in page.blocks()) and "postgresql" not in page.starts:
            sys.stdout.writelines(f"{line}\n" for line in refresh(page))


if __name__ == "__main__":
    main()
