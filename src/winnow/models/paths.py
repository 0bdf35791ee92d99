"""Paths in a candidate's parameters: written relative to the project's folder, checked when the file is read."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationInfo

from winnow.models.encoder import GRAPH, TOKENIZER


def project_folder(context: object) -> Path:
    """The project's folder from pydantic's validation context; the current one where there is none."""
    folder = context.get("folder") if isinstance(context, dict) else None
    return Path() if folder is None else Path(folder)


def checked_encoder(value: str, info: ValidationInfo) -> str:
    """A folder with an ONNX encoder; `ValueError` says what is missing."""
    folder = project_folder(info.context) / value
    for name in (GRAPH, TOKENIZER):
        if not (folder / name).is_file():
            raise ValueError(f"should be a folder beside winnow.toml with {GRAPH} and {TOKENIZER}")
    return value


def checked_file(value: str, info: ValidationInfo, what: str) -> str:
    """A file, which is `what`; `ValueError` where there is none."""
    if not (project_folder(info.context) / value).is_file():
        raise ValueError(f"should be {what} beside winnow.toml")
    return value


def checked_embedding(value: str, info: ValidationInfo, named: tuple[str, ...]) -> str:
    """One of these names, a file of word vectors or a folder with an ONNX encoder; otherwise `ValueError`."""
    path = project_folder(info.context) / value
    if value in named or path.is_file():
        return value
    if path.is_dir():
        return checked_encoder(value, info)
    names = ", ".join(f"`{name}`" for name in named)
    raise ValueError(f"should be {names}, or a file of word vectors or an encoder's folder beside winnow.toml")
