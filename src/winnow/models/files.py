"""Data files of a bundle: JSON and npz, read so that nothing in them can run and nothing in them surprises."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from winnow.errors import BundleRefused

Array = npt.NDArray[Any]


def write_json(path: Path, content: Any) -> None:
    """Write JSON in UTF-8."""
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read JSON; `BundleRefused`, naming the file, where it is not there or not JSON."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise BundleRefused(f"{path} cannot be read: {error}") from error


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON object; `BundleRefused` for anything else."""
    content = read_json(path)
    if not isinstance(content, dict):
        raise BundleRefused(f"{path} holds {type(content).__name__}, not an object")
    return content


def read_strings(path: Path) -> list[str]:
    """Read a JSON list of different strings; `BundleRefused` for anything else."""
    content = read_json(path)
    if not isinstance(content, list) or not all(isinstance(entry, str) for entry in content):
        raise BundleRefused(f"{path} does not hold a list of strings")
    if len(set(content)) != len(content):
        raise BundleRefused(f"{path} holds the same string twice")
    return content


def write_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write named arrays of numbers."""
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def read_arrays(path: Path, shapes: Mapping[str, tuple[int | None, ...]]) -> dict[str, Array]:
    """Read the named arrays of floats; `BundleRefused` where one is missing, has another shape or is not floats.

    A length of None in a shape means any length. Arrays of Python objects, which only pickle can read, are refused.
    """
    try:
        with np.load(path, allow_pickle=False) as content:
            arrays = {name: np.asarray(content[name]) for name in shapes}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise BundleRefused(f"{path} cannot be read: {error}") from error
    for name, shape in shapes.items():
        found = arrays[name]
        if found.dtype.kind != "f" or not _fits(found.shape, shape):
            raise BundleRefused(f"{path}: '{name}' is {found.dtype} {found.shape}, not floats {shape}")
    return arrays


def _fits(found: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(found) == len(wanted) and all(
        length is None or length == own for own, length in zip(found, wanted, strict=True)
    )
