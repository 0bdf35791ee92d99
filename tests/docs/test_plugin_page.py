"""The package on the page about candidates of one's own is installed, trained with, and answers."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT, read_page
from tests.docs.sitting import Sitting

PAGE = ROOT / "docs" / "how-to" / "write-a-candidate.md"


@pytest.mark.slow
def test_the_candidate_of_the_page_learns_and_answers(shop: Path, tmp_path: Path) -> None:
    files = {name: block.text for block in read_page(PAGE).blocks() if (name := block.value("file"))}
    candidates = next(block.text for block in read_page(PAGE).blocks() if block.text.startswith("candidates ="))
    folder = tmp_path / "installed"
    _install(files, folder)
    shutil.copytree(shop, tmp_path / "shop")
    config = tmp_path / "shop" / "winnow.toml"
    lines = config.read_text(encoding="utf-8").splitlines()
    changed = [candidates.strip() if line.startswith("candidates =") else line for line in lines]
    config.write_text("\n".join(changed), encoding="utf-8")

    with Sitting(tmp_path / "shop", tmp_path / "home") as sitting:
        sitting.run(f"export PYTHONPATH={folder}\nwinnow load sentiment sentiment/reviews.csv")
        sitting.run("winnow train sentiment\nwinnow promote sentiment 2 --force || true")
        sitting.run("winnow versions sentiment | grep word-votes | grep -q champion")
        sitting.run("winnow predict sentiment 'I love it.' | grep -q '^positive$'")


def _install(files: dict[str, str], folder: Path) -> None:
    """Put the package where Python finds it, with what `pip install` would make of its pyproject.toml."""
    project = tomllib.loads(files["pyproject.toml"])["project"]
    facts = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    facts.mkdir(parents=True)
    (folder / "word_votes.py").write_text(files["word_votes.py"], encoding="utf-8")
    (facts / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    groups = [
        "\n".join([f"[{group}]", *(f"{name} = {target}" for name, target in entries.items())])
        for group, entries in project["entry-points"].items()
    ]
    (facts / "entry_points.txt").write_text("\n\n".join(groups) + "\n")
