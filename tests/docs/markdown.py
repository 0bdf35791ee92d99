"""Markdown pages as tests read them: their fenced blocks, their links, their headings.

A fence says behind its language what a test does with its block. A forge shows none of these words:

    ```bash                a command is run
    ```bash background     it goes on running; the test waits until the server answers
    ```bash fails          it is run, and has to fail
    ```bash skip           it is not run: it needs what a test has not, such as another machine
    ```text output         what the block before it printed, loosely compared (see `tests/docs/likeness.py`)
    ```json output         the same, compared as JSON
    ```toml file=NAME      is written to this file; `append=NAME` adds to it
    ```python              is run as a program, unless `skip`

A comment `<!-- starts: trained served -->` at the top of a page says what there is before its first block: `shop`
(a project of the template `sentiment`), `trained` (the same, with a champion), `digits` (a project of that
template, with a champion), `served` (and `winnow up --anonymous admin` running).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^( *)```(\S*)[ \t]*([^\n]*)\n(.*?)^\1```[ \t]*$", re.MULTILINE | re.DOTALL)
_STARTS = re.compile(r"<!-- starts: ([a-z ]+) -->")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+?)\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block. `words` stand behind the language; `line` is where its fence stands, counted from 1."""

    language: str
    words: tuple[str, ...]
    text: str
    line: int

    def value(self, word: str) -> str | None:
        """What stands behind `word=`, where that is among the words."""
        return next((entry.partition("=")[2] for entry in self.words if entry.startswith(f"{word}=")), None)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the documentation."""

    path: Path
    text: str

    @property
    def name(self) -> str:
        """Its path from the top of the project, for the names of tests."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def starts(self) -> frozenset[str]:
        """What there is before its first block."""
        found = _STARTS.search(self.text)
        return frozenset(found[1].split()) if found else frozenset()

    def blocks(self) -> list[Block]:
        """Its fenced blocks, in order."""
        return list(self._blocks())

    def _blocks(self) -> Iterator[Block]:
        for found in _FENCE.finditer(self.text):
            indent, language, words, text = found.groups()
            line = self.text.count("\n", 0, found.start()) + 1
            yield Block(language, tuple(words.split()), re.sub(f"^{indent}", "", text, flags=re.MULTILINE), line)

    def prose(self) -> str:
        """The page without its fenced blocks."""
        return _FENCE.sub("", self.text)

    def links(self) -> list[str]:
        """Where its links lead."""
        return _LINK.findall(self.prose())

    def anchors(self) -> set[str]:
        """The names under which its headings are linked to."""
        return {_anchor(heading) for heading in _HEADING.findall(self.prose())}


def read_page(path: Path) -> Page:
    """Read one page."""
    return Page(path, path.read_text(encoding="utf-8"))


def all_pages() -> list[Page]:
    """Every page of the project that people read."""
    top = [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")]
    return [read_page(path) for path in [*top, *sorted((ROOT / "docs").rglob("*.md"))]]


def _anchor(heading: str) -> str:
    """A heading as forges name it: small letters, digits, - and _, with - for each space."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
