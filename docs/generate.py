#!/usr/bin/env python3
"""Writes the reference pages from the code that they describe.

    make docs                          # or python -m docs.generate: write docs/reference/*.md
    python -m docs.generate --check    # say which pages are out of date; exit code 1 where one is

What a page says of a setting, a route or a parameter is what its declaration says. `HELP` names every such thing
with its help text, so that a test can insist that each has one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from docs.generator.commands import command_help, command_page
from docs.generator.declarations import (
    candidate_help,
    candidate_page,
    project_help,
    project_page,
    setting_help,
    settings_page,
)
from docs.generator.http import http_page, route_help
from docs.generator.operations import database_page, error_page, metric_help, metric_page, report_page

FOLDER = Path(__file__).parent / "reference"

PAGES: Mapping[str, Callable[[], str]] = MappingProxyType(
    {
        "settings.md": settings_page,
        "project-file.md": project_page,
        "commands.md": command_page,
        "http.md": http_page,
        "metrics.md": metric_page,
        "candidates.md": candidate_page,
        "errors.md": error_page,
        "database.md": database_page,
        "reports.md": report_page,
    }
)
"""File in `docs/reference/` → what writes it."""

HELP: Mapping[str, Callable[[], list[tuple[str, str]]]] = MappingProxyType(
    {
        "settings.md": setting_help,
        "project-file.md": project_help,
        "commands.md": command_help,
        "http.md": route_help,
        "metrics.md": metric_help,
        "candidates.md": candidate_help,
    }
)
"""File in `docs/reference/` → the names that it must hold, each with the help text that it must have."""


def main(arguments: list[str]) -> int:
    """Write the pages, or with `--check` only say which would change."""
    stale = [name for name, write in PAGES.items() if _read(FOLDER / name) != write()]
    for name in stale:
        sys.stdout.write(f"docs/reference/{name}\n")
        if "--check" not in arguments:
            FOLDER.mkdir(exist_ok=True)
            (FOLDER / name).write_text(PAGES[name](), encoding="utf-8")
    return 1 if stale and "--check" in arguments else 0


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
