"""Encoders in ONNX: what graphs are taken, what they give, and what is said of those that are refused."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper
from tokenizers import Tokenizer

from tests.models.samples import ODD, make_encoder
from winnow.errors import BundleRefused, MissingExtra, ProjectError
from winnow.models.base import Candidate, make_candidate
from winnow.models.encoder import LONGEST, Encoder
from winnow.project import CandidateSpec


@pytest.mark.parametrize("kinds_of_token", [False, True])
@pytest.mark.parametrize("pooled", [False, True])
def test_a_vector_is_the_mean_of_the_tokens_and_of_length_1(
    pooled: bool, kinds_of_token: bool, tmp_path: Path
) -> None:
    folder = make_encoder(tmp_path / "encoder", pooled=pooled, kinds_of_token=kinds_of_token)
    encoder = Encoder(folder)
    table = np.array(onnxruntime_table(folder), np.float64)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    for text in ["The room was great", "Never again.", "zzqx"]:
        mean = table[tokenizer.encode(text).ids].mean(axis=0)
        np.testing.assert_allclose(encoder.vector(text), mean / np.linalg.norm(mean), atol=1e-6)


def onnxruntime_table(folder: Path) -> Any:
    graph = onnx.load(folder / "model.onnx").graph
    return onnx.numpy_helper.to_array(next(entry for entry in graph.initializer if entry.name == "table"))


def test_odd_texts_have_finite_vectors(tmp_path: Path) -> None:
    encoder = Encoder(make_encoder(tmp_path / "encoder"))
    assert all(np.isfinite(encoder.vector(text)).all() for text in ODD)
    assert not encoder.vector("").any()


def test_long_texts_are_cut(tmp_path: Path) -> None:
    encoder = Encoder(make_encoder(tmp_path / "encoder"))
    start = "great " * LONGEST
    assert encoder.vector(start + "never " * 100).tolist() == encoder.vector(start).tolist()


def test_padding_that_a_tokenizer_asks_for_changes_nothing(tmp_path: Path) -> None:
    folder = make_encoder(tmp_path / "encoder", pooled=False)
    before = Encoder(folder).vector("never great")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_padding(length=64)
    tokenizer.save(str(folder / "tokenizer.json"))
    assert Encoder(folder).vector("never great").tolist() == before.tolist()


def test_files_that_are_no_encoder_are_named(tmp_path: Path) -> None:
    folder = make_encoder(tmp_path / "encoder")
    for name in ("model.onnx", "tokenizer.json"):
        original = (folder / name).read_bytes()
        (folder / name).write_bytes(b"not that")
        with pytest.raises(BundleRefused, match=name):
            Encoder(folder)
        (folder / name).unlink()
        with pytest.raises(BundleRefused, match=name):
            Encoder(folder)
        (folder / name).write_bytes(original)


def test_a_graph_with_other_inputs_is_refused(tmp_path: Path) -> None:
    folder = make_encoder(tmp_path / "encoder")
    graph = onnx.load(folder / "model.onnx")
    graph.graph.input.append(helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [1]))
    onnx.save(graph, folder / "model.onnx")
    with pytest.raises(BundleRefused, match="pixels"):
        Encoder(folder)


def test_a_graph_that_fails_on_texts_is_refused(tmp_path: Path) -> None:
    folder = make_encoder(tmp_path / "encoder")
    graph = onnx.load(folder / "model.onnx")
    table = next(entry for entry in graph.graph.initializer if entry.name == "table")
    table.CopyFrom(onnx.numpy_helper.from_array(np.zeros((0, 8), np.float32), "table"))
    onnx.save(graph, folder / "model.onnx")
    with pytest.raises(BundleRefused, match="cannot encode a text"):
        Encoder(folder)


def test_a_graph_cannot_read_other_files(tmp_path: Path) -> None:
    """Weights in a second file, which may be any file, are refused: nobody has checked its hash."""
    folder = make_encoder(tmp_path / "encoder")
    graph = onnx.load(folder / "model.onnx")
    onnx.save(graph, folder / "model.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0)
    assert (folder / "weights.bin").exists()
    with pytest.raises(BundleRefused, match=r"model\.onnx"):
        Encoder(folder)


def test_a_bundle_with_vectors_of_another_length_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    Encoder(make_encoder(tmp_path / "encoder")).save(tmp_path / "bundle")
    assert Encoder.load(tmp_path / "bundle", 8).columns == 8
    with pytest.raises(BundleRefused, match="8 numbers, not 9"):
        Encoder.load(tmp_path / "bundle", 9)


@pytest.mark.parametrize("missing", ["onnxruntime", "tokenizers"])
def test_a_missing_package_is_named_with_its_remedy(
    missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_encoder(tmp_path / "encoder")
    imported = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == missing:
            raise ImportError(name)
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtra, match=r'pip install "winnow\[onnx\]"'):
        Encoder(folder)


def make(family: str, folder: Path, **parameters: Any) -> Candidate:
    return make_candidate(
        CandidateSpec(family=family, name=family, parameters=parameters), folder, "text-classification"
    )


@pytest.mark.parametrize("family", ["encoder-linear", "hybrid"])
def test_an_encoder_stands_beside_the_project_file(family: str, tmp_path: Path) -> None:
    make_encoder(tmp_path / "deep" / "mini")
    assert make(family, tmp_path, encoder="deep/mini").parameters["encoder"] == "deep/mini"
    for wrong in ({"encoder": "elsewhere"}, {"encoder": "deep"}, {}):
        with pytest.raises(ProjectError, match=f"candidate '{family}': 'encoder' should be a folder"):
            make(family, tmp_path, **wrong)


@pytest.mark.parametrize("family", ["gradient-boosting", "neural-net"])
def test_an_embedding_is_a_name_or_stands_beside_the_project_file(family: str, tmp_path: Path) -> None:
    make_encoder(tmp_path / "mini")
    (tmp_path / "vectors.txt").write_text("a 1 2", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    for right in ("lsa", "mini", "vectors.txt"):
        assert make(family, tmp_path, embedding=right).parameters["embedding"] == right
    for wrong in ("elsewhere", "empty", "word2vec"):
        with pytest.raises(ProjectError, match=f"candidate '{family}': 'embedding' should be .*, not '{wrong}'"):
            make(family, tmp_path, embedding=wrong)


def test_onnxruntime_itself_is_at_hand() -> None:
    assert "CPUExecutionProvider" in onnxruntime.get_available_providers()
