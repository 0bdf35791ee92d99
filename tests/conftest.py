"""Fixtures that several floors of tests share. What they are made of is in `tests/projects.py`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.projects import Server, copy_project, make_project, train_directly

pytest_plugins = ["tests.servers"]


@pytest.fixture(scope="session")
def trained_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose service `sentiment` has a champion, version 1. A pattern to copy: nobody serves it."""
    project = make_project(tmp_path_factory.mktemp("trained") / "project")
    train_directly(project)
    return project


@pytest.fixture
def project_copy(trained_project: Path, tmp_path: Path) -> Path:
    """A trained project of the test's own."""
    return copy_project(trained_project, tmp_path / "project")


@pytest.fixture(scope="session")
def trained_server(trained_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of a trained project that tests share: they may ask and add, and find what others added."""
    project = copy_project(trained_project, tmp_path_factory.mktemp("served") / "project")
    with Server(project, max_body_mb=1, max_upload_mb=2) as server:
        yield server


@pytest.fixture
def untrained_server(tmp_path: Path) -> Iterator[Server]:
    """A server of a project that was never trained."""
    with Server(make_project(tmp_path / "untrained")) as server:
        yield server
