"""Pages name only what there is: commands and options, variables, metrics, routes, targets of make."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from docs.generate import HELP
from docs.generator.commands import commands
from tests.docs.markdown import ROOT, Page, all_pages
from winnow.settings import PREFIX, Settings

PAGES = all_pages()
_CODE = re.compile(r"`([^`\n]+)`")
_COMMAND = re.compile(r"\bwinnow ([a-z]+)\b([^|;&>\n`)]*)")
_OPTION = re.compile(r"(?<!\S)(--?[a-z][a-z-]*)")
_VARIABLE = re.compile(r"\bWINNOW_[A-Z_]+\b")
_METRIC = re.compile(r"\bwinnow_[a-z_]+\b")
_ROUTE = re.compile(r"\b(GET|POST|DELETE|PUT) (/[^\s`?]*)")
_TARGET = re.compile(r"\bmake ([a-z-]+)\b")
_SERIES = re.compile(r"_(bucket|sum|count)$")
_IN_AIRFLOW = {"winnow_airflow", "winnow_dag", "winnow_sentiment"}
"""What is called like a metric, and is a module, its function and a DAG."""

ids = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@ids
def test_commands_and_options_exist(page: Page) -> None:
    unknown = []
    for name, rest in _commands(page):
        if name not in commands():
            unknown.append(f"winnow {name}")
            continue
        options = [(*parameter.opts, *parameter.secondary_opts) for parameter in commands()[name].params]
        known = {option for named in options for option in named} | {"--help"}
        unknown += [f"winnow {name} {option}" for option in _OPTION.findall(rest) if option not in known]
    assert not unknown, f"{page.name} names what there is not: {', '.join(unknown)}"


@ids
def test_variables_exist(page: Page) -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | {
        "WINNOW_DEBUG",
        "WINNOW_TOKEN",
        "WINNOW_API",
    }
    unknown = set(_VARIABLE.findall(page.text)) - known
    assert not unknown, f"{page.name} names what there is not: {', '.join(sorted(unknown))}"


@ids
def test_metrics_exist(page: Page) -> None:
    known = {name for name, _ in HELP["metrics.md"]()} | _IN_AIRFLOW
    named = {_SERIES.sub("", name) for name in _METRIC.findall(page.text)}
    assert not named - known, f"{page.name} names what there is not: {', '.join(sorted(named - known))}"


@ids
def test_routes_exist(page: Page) -> None:
    known = [re.compile(re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(route))) for route, _ in HELP["http.md"]()]
    named = {f"{verb} {path}".rstrip(".,;:)") for verb, path in _ROUTE.findall(" ".join(page.text.split()))}
    unknown = [route for route in sorted(named) if not any(pattern.fullmatch(route) for pattern in known)]
    assert not unknown, f"{page.name} names what there is not: {', '.join(unknown)}"


@ids
def test_targets_of_make_exist(page: Page) -> None:
    snippets = [*_CODE.findall(page.prose()), *(block.text for block in page.blocks() if block.language == "bash")]
    named = {target for snippet in snippets for target in _TARGET.findall(snippet)}
    if not named:
        return
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert not named - known, f"{page.name} names what there is not: make {', '.join(sorted(named - known))}"


def _commands(page: Page) -> Iterator[tuple[str, str]]:
    """What is typed behind `winnow`: in code of sentences, and in blocks for the shell."""
    for snippet in _CODE.findall(page.prose()):
        yield from _COMMAND.findall(snippet)
    for block in page.blocks():
        if block.language == "bash":
            yield from _COMMAND.findall(block.text.replace("\\\n", " "))
