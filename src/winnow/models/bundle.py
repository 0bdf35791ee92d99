"""A model on disk: a folder of data files and a `bundle.json` that says what they are and how they hash.

A bundle cannot run code: its files are JSON, npz without objects, ONNX, and skops with types fixed here.
`bundle.json` carries the sha256 of every other file, and the registry keeps the sha256 of `bundle.json`, so that
one changed byte anywhere is noticed before it is read.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from winnow import plugins
from winnow.domain import Input, Json, Outcome
from winnow.errors import BundleRefused, NotFound, WinnowError
from winnow.models.base import Model, Question

FACTS = "bundle.json"
FORMAT = 1
LIBRARIES = ("numpy", "onnxruntime", "pillow", "scikit-learn", "scipy", "skops", "tokenizers", "winnow")
TOLERANCE = 1e-6
"""How far a score of the self-test may be from what it was at training. Other processors round differently."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """Where a bundle is, the sha256 of its `bundle.json`, and the bytes of all its files."""

    folder: Path
    sha256: str
    size_bytes: int


def save_bundle(model: Model, folder: Path, *, task: str, golden: Sequence[Input]) -> Bundle:
    """Write the model into `folder`, which must not exist, durably. `golden` inputs are kept for the self-test."""
    folder.mkdir(parents=True)
    model.save(folder)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    facts = {
        "format": FORMAT,
        "family": model.family,
        "task": task,
        "labels": list(model.question.labels),
        "several": model.question.several,
        "libraries": library_versions(),
        "files": {path.relative_to(folder).as_posix(): _sha256(path) for path in files},
        "golden": [
            {"input": _worded(value), "answer": answer}
            for value, answer in zip(golden, model.answer(golden), strict=True)
            if not isinstance(answer, WinnowError)
        ],
    }
    (folder / FACTS).write_text(json.dumps(facts, ensure_ascii=False, indent=1), encoding="utf-8")
    _make_durable([*files, folder / FACTS, folder, folder.parent])
    return Bundle(folder, _sha256(folder / FACTS), sum(path.stat().st_size for path in [*files, folder / FACTS]))


def load_bundle(folder: Path, sha256: str | None = None) -> Model:
    """Check every hash, read the model and put its golden inputs to it.

    `BundleRefused` where a file is missing, added or changed, where it is not data, or where the model no longer
    answers as it did when it was trained. `sha256` is what the registry holds of `bundle.json`.
    """
    facts = _checked_facts(folder, sha256)
    try:
        family: type[Model] = plugins.find(plugins.MODELS, str(facts["family"]))
    except NotFound as error:
        raise BundleRefused(f"{folder}: {error} Is the package that brings it installed?") from None
    try:
        question = Question(tuple(facts["labels"]), bool(facts["several"]))
        model = family.load(folder, question)
        self_test(model, facts["golden"], where=str(folder))
    except WinnowError:
        raise
    except Exception as error:  # files that are well-formed each, and yet do not make a model together
        raise BundleRefused(f"{folder}: the model cannot be used: {error!r}") from error
    return model


def golden_texts(folder: Path) -> list[str]:
    """The texts that a bundle keeps for its self-test; none where there is no bundle that can be read."""
    try:
        golden = json.loads((folder / FACTS).read_bytes())["golden"]
        return [case["input"] for case in golden if isinstance(case["input"], str)]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def save_without(folder: Path, target: Path, unwanted: Callable[[str], bool]) -> Bundle:
    """Write a bundle anew into `target`, which must not exist, without the golden inputs that are `unwanted`.

    The model's own files are the same ones. `BundleRefused` where the old bundle is damaged.
    """
    facts = _checked_facts(folder, None)
    target.mkdir(parents=True)
    for name in facts["files"]:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        _link(folder / name, target / name)
    facts["golden"] = [
        case for case in facts["golden"] if not (isinstance(case["input"], str) and unwanted(case["input"]))
    ]
    (target / FACTS).write_text(json.dumps(facts, ensure_ascii=False, indent=1), encoding="utf-8")
    files = [*(target / name for name in facts["files"]), target / FACTS]
    _make_durable([*files, target, target.parent, target.parent.parent])
    return Bundle(target, _sha256(target / FACTS), sum(path.stat().st_size for path in files))


def _link(source: Path, target: Path) -> None:
    """Give a file that nobody changes a second name; copy it where the disk knows no second names."""
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)


def self_test(model: Model, golden: Sequence[Mapping[str, Any]], *, where: str) -> None:
    """Put the golden inputs to the model; `BundleRefused` where an answer is not what it was at training."""
    answers = model.answer([_unworded(case["input"]) for case in golden])
    for case, answer in zip(golden, answers, strict=True):
        if not _same(case["answer"], answer):
            raise BundleRefused(
                f"{where}: the self-test failed: for the input {str(case['input'])[:60]!r} the model answered "
                f"{answer} "
                f"where it answered {case['answer']} when it was trained. Train again on this machine."
            )


def _worded(value: Input) -> Json:
    """An input as JSON: a text as it is, a file's bytes in base64."""
    return value if isinstance(value, str) else {"base64": b64encode(value).decode()}


def _unworded(value: Json) -> Input:
    return value if isinstance(value, str) else b64decode(value["base64"])


def _same(expected: Mapping[str, Any], answer: Outcome) -> bool:
    if isinstance(answer, WinnowError) or expected["scores"].keys() != answer["scores"].keys():
        return False
    return all(abs(score - answer["scores"][label]) <= TOLERANCE for label, score in expected["scores"].items())


def _checked_facts(folder: Path, sha256: str | None) -> dict[str, Any]:
    path = folder / FACTS
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BundleRefused(f"{path} cannot be read: {error.strerror}") from error
    if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
        raise BundleRefused(f"{path} is not the file that was registered: its sha256 differs")
    try:
        facts = json.loads(content)
        listed: dict[str, str] = dict(facts["files"])
        if facts["format"] != FORMAT:
            raise BundleRefused(f"{path} has format {facts['format']}; this Winnow reads format {FORMAT}")
        missing = {"family", "task", "labels", "several", "golden"} - facts.keys()
        if missing:
            raise BundleRefused(f"{path} does not say: {', '.join(sorted(missing))}")
    except (ValueError, KeyError, TypeError) as error:
        raise BundleRefused(f"{path} is not a bundle's description: {error!r}") from error
    present = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() or p.is_symlink()} - {
        FACTS
    }
    if present != listed.keys():
        raise BundleRefused(f"{folder}: files were added or removed: {', '.join(sorted(present ^ listed.keys()))}")
    for name, expected in listed.items():
        if (folder / name).is_symlink() or _sha256(folder / name) != expected:
            raise BundleRefused(f"{folder / name} was changed after training: its sha256 differs")
    return dict(facts)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def library_versions() -> dict[str, str]:
    """Installed versions of the libraries that decide how a model answers."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # an extra that is not installed
            continue
    return found


def _make_durable(paths: Sequence[Path]) -> None:
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
