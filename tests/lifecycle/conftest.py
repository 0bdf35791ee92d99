"""Fixtures for the tests of training. What they are made of is in `tests/lifecycle/room.py`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lifecycle.room import TOYS, Room
from winnow import plugins


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Toy candidates in this process and in those that it starts, from a package as an outsider's would be."""
    monkeypatch.syspath_prepend(str(TOYS))
    monkeypatch.setenv("PYTHONPATH", str(TOYS))
    plugins._registered.cache_clear()
    yield TOYS
    plugins._registered.cache_clear()


@pytest.fixture
def room(tmp_path: Path, toys: Path) -> Iterator[Room]:
    """An empty project."""
    room = Room(tmp_path / "project")
    yield room
    room.database.close()
