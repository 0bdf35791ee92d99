"""Finds tasks, candidates and models by name, through entry points.

What ships with Winnow registers in its own `pyproject.toml` exactly as an outsider's package would:

    [project.entry-points."winnow.candidates"]
    my-candidate = "my_package:MyCandidate"
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from winnow.errors import NotFound, nearest

TASKS = "winnow.tasks"
CANDIDATES = "winnow.candidates"
MODELS = "winnow.models"
NOTIFIERS = "winnow.notifiers"


def names(group: str) -> list[str]:
    """All registered names of a group, sorted."""
    return sorted(_registered(group))


def find(group: str, name: str) -> Any:
    """Import and return what is registered under this name; `NotFound` with the nearest name otherwise."""
    try:
        entry = _registered(group)[name]
    except KeyError:
        kind = group.rpartition(".")[2].removesuffix("s")
        raise NotFound(f"there is no {kind} '{name}'.{nearest(name, _registered(group))}") from None
    return entry.load()


@cache
def _registered(group: str) -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=group)}
