"""A model file cannot run code, and nothing that was changed after training is read (P8)."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer

from tests.models.conftest import LEARNERS, Train
from winnow import plugins
from winnow.domain import Outcome
from winnow.errors import BundleRefused, WinnowError
from winnow.models import files
from winnow.models.base import Model, Question
from winnow.models.bundle import Bundle, load_bundle, save_bundle, self_test
from winnow.models.majority import MajorityModel

MARKER = "WINNOW_TEST_MARKER"
"""Environment variable with the path of a file that malicious content would make, if it were run."""


@pytest.fixture
def marker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "executed"
    monkeypatch.setenv(MARKER, str(path))
    return path


class Malicious:
    """Makes the marker file when it is unpickled, or made again from a file in any other way."""

    def __init__(self) -> None:
        self.state = "something to set"

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f'touch "${MARKER}"',)

    def __setstate__(self, state: object) -> None:
        Path(os.environ[MARKER]).touch()


@pytest.fixture
def saved(trained: Train, tmp_path: Path) -> Callable[[str], Bundle]:
    """Save a bundle of a model of this name."""

    def save(name: str) -> Bundle:
        model, sample = trained(name, "three")
        return save_bundle(model, tmp_path / name, task="text-classification", golden=sample.asked[:3])

    return save


def reseal(folder: Path, **changes: Any) -> None:
    """Write `bundle.json` again so that all hashes fit: what someone with access to the whole folder could do."""
    facts = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
    (folder / "bundle.json").unlink()
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    facts["files"] = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths
    }
    (folder / "bundle.json").write_text(json.dumps(facts | changes), encoding="utf-8")


@pytest.mark.parametrize("name", LEARNERS)
def test_one_changed_byte_in_any_file_is_refused(name: str, saved: Callable[[str], Bundle]) -> None:
    bundle = saved(name)
    for path in [path for path in bundle.folder.rglob("*") if path.is_file()]:
        content = path.read_bytes()
        for position in (0, len(content) // 2, len(content) - 1):
            changed = bytearray(content)
            changed[position] ^= 1
            path.write_bytes(changed)
            with pytest.raises(BundleRefused, match=path.name):
                load_bundle(bundle.folder, bundle.sha256)
        path.write_bytes(content)
    load_bundle(bundle.folder, bundle.sha256)


@pytest.mark.parametrize("name", LEARNERS)
def test_a_removed_file_is_refused(name: str, saved: Callable[[str], Bundle]) -> None:
    bundle = saved(name)
    for path in [path for path in bundle.folder.rglob("*") if path.is_file()]:
        away = bundle.folder.parent / "away"
        shutil.move(path, away)
        with pytest.raises(BundleRefused, match=path.name):
            load_bundle(bundle.folder)
        shutil.move(away, path)


def test_an_added_file_is_refused(saved: Callable[[str], Bundle]) -> None:
    bundle = saved("linear-svm")
    (bundle.folder / "more").mkdir()
    (bundle.folder / "more" / "helper.py").write_text("print('hello')", encoding="utf-8")
    with pytest.raises(BundleRefused, match=r"more/helper\.py"):
        load_bundle(bundle.folder, bundle.sha256)


@pytest.mark.parametrize("target", ["same", "nowhere", "folder"])
def test_a_link_is_refused(target: str, saved: Callable[[str], Bundle], tmp_path: Path) -> None:
    bundle = saved("linear-svm")
    linked = bundle.folder / "words.json"
    elsewhere = tmp_path / "elsewhere"
    if target == "same":
        linked.rename(elsewhere)
    else:
        linked.unlink()
        if target == "folder":
            elsewhere.mkdir()
    linked.symlink_to(elsewhere)
    with pytest.raises(BundleRefused, match=r"words\.json"):
        load_bundle(bundle.folder, bundle.sha256)


def test_another_bundle_than_the_registered_one_is_refused(saved: Callable[[str], Bundle]) -> None:
    bundle = saved("majority")
    with pytest.raises(BundleRefused, match="not the file that was registered"):
        load_bundle(bundle.folder, "0" * 64)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"family": "os"}, "there is no model 'os'"),
        ({"family": "winnow.models.majority:MajorityModel"}, "there is no model"),
        ({"format": 2}, "format 2"),
        ({"files": {"../bundle.json": "0"}}, "added or removed"),
        ({"files": 3}, "not a bundle's description"),
        ({"labels": ["a", "b"]}, "majority"),
        ({"labels": 3}, "cannot be used"),
        ({"golden": [{"input": "a", "answer": {"label": "bon", "scores": {"bon": 1.0}}}]}, "self-test failed"),
        ({"golden": 7}, "cannot be used"),
    ],
)
def test_a_description_that_does_not_fit_is_refused(
    changes: dict[str, Any], sentence: str, saved: Callable[[str], Bundle]
) -> None:
    bundle = saved("majority")
    reseal(bundle.folder, **changes)
    with pytest.raises(BundleRefused, match=sentence):
        load_bundle(bundle.folder)


@pytest.mark.parametrize("key", ["family", "task", "labels", "several", "golden", "files", "format"])
def test_a_description_that_says_too_little_is_refused(key: str, saved: Callable[[str], Bundle]) -> None:
    bundle = saved("majority")
    facts = json.loads((bundle.folder / "bundle.json").read_text(encoding="utf-8"))
    del facts[key]
    (bundle.folder / "bundle.json").write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(BundleRefused, match=key):
        load_bundle(bundle.folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b"{}"])
@pytest.mark.parametrize("name", ["linear-svm", "boosting", "net", "hybrid", "majority"])
def test_files_that_are_no_data_of_ours_are_refused(
    name: str, content: bytes, saved: Callable[[str], Bundle]
) -> None:
    """Even where all hashes fit, a file is refused as soon as it is not what the model wrote there."""
    bundle = saved(name)
    for path in [path for path in bundle.folder.rglob("*") if path.is_file() and path.name != "bundle.json"]:
        original = path.read_bytes()
        path.write_bytes(content)
        reseal(bundle.folder)
        with pytest.raises(BundleRefused):
            load_bundle(bundle.folder)
        path.write_bytes(original)


def test_the_bait_is_real(tmp_path: Path, marker: Path) -> None:
    """What the next tests put into files does run where a file is read carelessly."""
    pickle.loads(pickle.dumps(Malicious()))
    assert marker.exists()
    marker.unlink()
    skops.io.dump([Malicious()], tmp_path / "bait.skops")
    untrusted = skops.io.get_untrusted_types(file=tmp_path / "bait.skops")
    skops.io.load(tmp_path / "bait.skops", trusted=untrusted)
    assert marker.exists()


def test_npz_with_pickled_objects_is_refused_and_not_run(saved: Callable[[str], Bundle], marker: Path) -> None:
    bundle = saved("linear-svm")
    arrays = dict(np.load(bundle.folder / "projection.npz"))
    arrays["offsets"] = np.array([Malicious()], dtype=object)
    with (bundle.folder / "projection.npz").open("wb") as file:
        np.savez(file, allow_pickle=True, **arrays)
    reseal(bundle.folder)
    with pytest.raises(BundleRefused, match=r"projection\.npz"):
        load_bundle(bundle.folder)
    assert not marker.exists()


@pytest.mark.parametrize(
    "content",
    [
        [Malicious()],
        [FunctionTransformer(os.system, validate=False)],
        [LogisticRegression()],
        {"not": "a list"},
        [],
    ],
    ids=["own type", "function", "other estimator", "no list", "nothing"],
)
def test_skops_with_other_types_is_refused_and_not_run(
    content: Any, saved: Callable[[str], Bundle], marker: Path
) -> None:
    bundle = saved("boosting")
    skops.io.dump(content, bundle.folder / "estimator.skops")
    reseal(bundle.folder)
    with pytest.raises(BundleRefused, match=r"estimator\.skops"):
        load_bundle(bundle.folder)
    assert not marker.exists()


def test_pickle_by_any_name_is_refused_and_not_run(saved: Callable[[str], Bundle], marker: Path) -> None:
    for name in ("linear-svm", "boosting", "net", "hybrid"):
        bundle = saved(name)
        for path in [path for path in bundle.folder.rglob("*") if path.is_file() and path.name != "bundle.json"]:
            original = path.read_bytes()
            path.write_bytes(pickle.dumps(Malicious()))
            reseal(bundle.folder)
            with pytest.raises(BundleRefused):
                load_bundle(bundle.folder)
            path.write_bytes(original)
    assert not marker.exists()


def test_arrays_of_other_shapes_are_refused(tmp_path: Path) -> None:
    files.write_arrays(tmp_path / "a.npz", {"a": np.zeros((2, 3)), "whole": np.zeros(3, np.int64)})
    assert files.read_arrays(tmp_path / "a.npz", {"a": (2, 3)})["a"].shape == (2, 3)
    for shapes in ({"a": (3, 2)}, {"a": (2,)}, {"b": (2, 3)}, {"whole": (3,)}):
        with pytest.raises(BundleRefused, match=r"a\.npz"):
            files.read_arrays(tmp_path / "a.npz", shapes)


def test_a_model_that_breaks_is_no_model(saved: Callable[[str], Bundle], monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(MajorityModel):
        def answer(self, inputs: Sequence[str]) -> list[Outcome]:
            raise ZeroDivisionError(inputs)

    bundle = saved("majority")
    monkeypatch.setattr(plugins, "find", lambda _group, _name: Broken)
    with pytest.raises(BundleRefused, match="ZeroDivisionError"):
        load_bundle(bundle.folder)


def test_the_self_test_notices_another_answer() -> None:
    model: Model = MajorityModel(Question(("a", "b")), [0.25, 0.75])
    golden = [{"input": "x", "answer": {"label": "b", "scores": {"a": 0.25, "b": 0.75}}}]
    self_test(model, golden, where="here")
    golden[0]["answer"] = {"label": "b", "scores": {"a": 0.24, "b": 0.76}}
    with pytest.raises(WinnowError, match="here: the self-test failed"):
        self_test(model, golden, where="here")
