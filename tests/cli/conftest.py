"""The installed `winnow` command, run as a person or a script would, over projects of its own making."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

WINNOW = str(Path(sys.executable).with_name("winnow"))


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def environment(**more: str) -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("WINNOW_", "PROMETHEUS_"))}
    return clean | {"NO_COLOR": "1", "COLUMNS": "80"} | more


def winnow(
    *arguments: object, project: Path | None = None, given: str = "", more: Mapping[str, str] | None = None
) -> Ended:
    """Run `winnow`, by default in the folder of a project."""
    done = subprocess.run(
        [WINNOW, *map(str, arguments)],
        cwd=project,
        input=given,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=environment(**more or {}),
    )
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a loaded and trained service; tests that share it only look."""
    folder = tmp_path_factory.mktemp("cli") / "shop"
    assert winnow("new", folder, "--template", "sentiment").code == 0
    assert winnow("load", "sentiment", folder / "sentiment" / "reviews.csv", project=folder).code == 0
    trained = winnow("train", "sentiment", "--json", project=folder)
    assert trained.code == 0, trained.err
    return folder


@pytest.fixture
def own_shop(shop: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return shutil.copytree(shop, tmp_path / "shop")


@pytest.fixture
def new_shop(shop: Path, tmp_path: Path) -> Path:
    """A project of the test's own, as `winnow new` makes it."""
    return shutil.copytree(shop, tmp_path / "new", ignore=shutil.ignore_patterns(".winnow"))
