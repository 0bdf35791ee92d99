"""Graphs in ONNX that read images: which are taken, how images are prepared, what is said of the others."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

from tests.models.pictures import image_graph, picture
from winnow.errors import BundleRefused, MissingExtra, ModelFailed
from winnow.models.backbone import Backbone
from winnow.models.image_graph import ImageGraph, ordinary_picture
from winnow.models.image_rows import CHECKED
from winnow.models.picture import open_picture
from winnow.models.preprocessing import IMAGENET_DEVIATION, IMAGENET_MEAN, Preprocessing

COLOURS = (IMAGENET_MEAN, IMAGENET_DEVIATION)


def write(path: Path, **options: Any) -> Path:
    onnx.save(image_graph(5, **options), path)
    return path


def opened(path: Path, resize: int | None = None, crop: int | None = None) -> ImageGraph:
    return ImageGraph.suggested(path, resize, crop, *COLOURS)


def reference(image: Image.Image, resize: int, crop: int) -> np.ndarray:
    """Resize, cut, standardise: step by step, as everybody else does it."""
    scale = resize / min(image.size)
    large = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BILINEAR)
    left, top = (large.width - crop) // 2, (large.height - crop) // 2
    pixels = np.asarray(large.crop((left, top, left + crop, top + crop)), np.float64) / 255
    found: np.ndarray = (pixels - IMAGENET_MEAN) / IMAGENET_DEVIATION
    return found


@pytest.mark.parametrize("size", [(512, 384), (256, 256), (300, 700)])
def test_an_image_is_prepared_as_for_imagenet(size: tuple[int, int]) -> None:
    image = ordinary_picture().resize(size, Image.Resampling.BICUBIC)
    found = Preprocessing.suggested(None, None, None, *COLOURS).tensor(image)
    assert found.shape == (224, 224, 3)
    assert found.dtype == np.float32
    assert np.abs(found - reference(image, 256, 224)).mean() < 0.01


@pytest.mark.parametrize("size", [(1, 1), (1, 40_000), (40_000, 1), (3, 2)])
def test_the_oddest_shapes_take_no_more_than_the_square(size: tuple[int, int]) -> None:
    found = Preprocessing.suggested(None, None, None, *COLOURS).tensor(Image.new("RGB", size, (255, 0, 0)))
    assert found.shape == (224, 224, 3)
    np.testing.assert_allclose(found[0, 0, 0], (1 - IMAGENET_MEAN[0]) / IMAGENET_DEVIATION[0], rtol=1e-5)


@pytest.mark.parametrize(
    ("given", "side", "expected"),
    [
        ((None, None), None, (256, 224)),
        ((None, None), 299, (342, 299)),
        ((None, 96), None, (110, 96)),
        ((232, None), None, (232, 224)),
        ((64, None), None, (64, 64)),
        ((64, None), 32, (64, 32)),
    ],
)
def test_what_is_left_out_is_filled_in(
    given: tuple[int | None, int | None], side: int | None, expected: tuple[int, int]
) -> None:
    found = Preprocessing.suggested(*given, side, *COLOURS)
    assert (found.resize, found.crop) == expected


def test_preprocessing_comes_back_as_it_was_saved_and_nothing_else_does() -> None:
    saved = Preprocessing(40, 32, (0.1, 0.2, 0.3), (1.0, 2.0, 3.0))
    assert Preprocessing.from_json(saved.to_json(), "here") == saved
    for wrong in (
        {"crop": 41}, {"crop": 0}, {"crop": 32.0}, {"resize": 10**9}, {"mean": [1, 2]}, {"mean": "abc"},
        {"deviation": [0, 1, 1]}, {"deviation": [float("nan"), 1, 1]}, {"mean": [float("inf"), 1, 1]},
    ):  # fmt: skip
        with pytest.raises(BundleRefused, match="here does not say how images are prepared"):
            Preprocessing.from_json(saved.to_json() | wrong, "here")
    with pytest.raises(BundleRefused):
        Preprocessing.from_json(None, "here")


def test_colours_stand_first_or_last_as_the_graph_has_them(tmp_path: Path) -> None:
    first = opened(write(tmp_path / "first.onnx", shape=(1, 3, 24, 24)))
    last = opened(write(tmp_path / "last.onnx", shape=(1, 24, 24, 3)))
    image = open_picture(picture("upright", 1), CHECKED)
    np.testing.assert_array_equal(first.output(image), last.output(image))
    assert first.preprocessing == last.preprocessing
    assert first.preprocessing.crop == 24


def test_free_lengths_are_taken(tmp_path: Path) -> None:
    graph = opened(write(tmp_path / "free.onnx", shape=("batch", 3, "height", "width")), crop=32)
    assert graph.try_out(ordinary_picture()).shape == (5,)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"shape": (1, 1, 24, 24)}, "(1, 1, 24, 24); images have 3 colours"),
        ({"shape": (8, 3, 24, 24)}, "(8, 3, 24, 24); one image is (1, 3, height, width)"),
        ({"shape": (1, 3, 24, 32)}, "cut to a square"),
        ({"shape": (1, 3, 9000, 9000)}, "at most 4096 pixels"),
        ({"kind": TensorProto.DOUBLE}, "export it with float32 input"),
    ],
)
def test_a_graph_that_takes_something_else_is_refused(options: Any, said: str, tmp_path: Path) -> None:
    model = image_graph(5)
    shape, kind = options.get("shape", (1, 3, 24, 24)), options.get("kind", TensorProto.FLOAT)
    model.graph.input[0].CopyFrom(helper.make_tensor_value_info("image", kind, list(shape)))
    del model.graph.node[:], model.graph.output[:]
    model.graph.node.append(helper.make_node("Flatten", ["image"], ["flat"]))
    model.graph.output.append(helper.make_tensor_value_info("flat", kind, None))
    onnx.save(model, tmp_path / "other.onnx")
    with pytest.raises(BundleRefused) as refusal:
        opened(tmp_path / "other.onnx")
    assert "other.onnx takes 'image'" in str(refusal.value)
    assert said in str(refusal.value)


def test_a_graph_with_two_inputs_is_refused(tmp_path: Path) -> None:
    model = image_graph(5)
    model.graph.input.append(helper.make_tensor_value_info("mask", TensorProto.FLOAT, [1]))
    onnx.save(model, tmp_path / "two.onnx")
    with pytest.raises(BundleRefused, match=r"two\.onnx has 2 inputs \('image', 'mask'\)"):
        opened(tmp_path / "two.onnx")


def test_a_crop_that_the_graph_does_not_take_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "model.onnx")
    with pytest.raises(BundleRefused, match="24 pixels a side, and they would be cut to 32: leave 'crop' out"):
        opened(path, crop=32)
    with pytest.raises(BundleRefused, match="a square of 24 pixels cannot be cut out of a side of 20"):
        opened(path, resize=20)


def test_files_that_are_no_graph_are_named(tmp_path: Path) -> None:
    with pytest.raises(BundleRefused, match=r"none\.onnx cannot be read: No such file"):
        opened(tmp_path / "none.onnx")
    (tmp_path / "text.onnx").write_text("not that")
    with pytest.raises(BundleRefused, match=r"text\.onnx cannot be read as an ONNX graph"):
        opened(tmp_path / "text.onnx")


def test_a_graph_cannot_read_other_files(tmp_path: Path) -> None:
    """Weights in a second file, which may be any file, are refused: nobody has checked its hash."""
    model = image_graph(5)
    onnx.save(model, tmp_path / "model.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0)
    assert (tmp_path / "weights.bin").exists()
    with pytest.raises(BundleRefused, match=r"model\.onnx"):
        opened(tmp_path / "model.onnx")


def test_a_graph_that_breaks_on_an_image_is_refused_when_it_is_tried_out(tmp_path: Path) -> None:
    model = image_graph(5, shape=(1, 3, "height", "width"))
    layer = next(entry for entry in model.graph.initializer if entry.name == "layer")
    layer.CopyFrom(onnx.numpy_helper.from_array(np.zeros((5, 7, 1, 1), np.float32), "layer"))
    onnx.save(model, tmp_path / "model.onnx")
    with pytest.raises(BundleRefused, match=r"model\.onnx"):
        opened(tmp_path / "model.onnx", crop=24).try_out(ordinary_picture())


def test_numbers_that_are_none_are_refused(tmp_path: Path) -> None:
    model = image_graph(5)
    layer = next(entry for entry in model.graph.initializer if entry.name == "layer")
    layer.CopyFrom(onnx.numpy_helper.from_array(np.full((5, 6, 1, 1), np.nan, np.float32), "layer"))
    onnx.save(model, tmp_path / "model.onnx")
    with pytest.raises(BundleRefused, match="numbers that are none"):
        opened(tmp_path / "model.onnx").try_out(ordinary_picture())


def test_whole_numbers_are_no_answer(tmp_path: Path) -> None:
    model = image_graph(5)
    model.graph.node.append(helper.make_node("ArgMax", ["flattened"], ["best"], axis=1))
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info("best", TensorProto.INT64, [1, 1]))
    onnx.save(model, tmp_path / "model.onnx")
    with pytest.raises(ModelFailed, match="does not give numbers for one image, but int64 of shape"):
        opened(tmp_path / "model.onnx").output(ordinary_picture())


def test_a_missing_package_is_named_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "model.onnx")
    imported = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "onnxruntime":
            raise ImportError(name)
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtra, match=r'an ONNX model of images needs .*pip install "winnow\[onnx\]"'):
        opened(path)


@pytest.mark.parametrize("flat", [True, False])
def test_a_backbone_gives_a_vector_whatever_the_axes(flat: bool, tmp_path: Path) -> None:
    backbone = Backbone(opened(write(tmp_path / "model.onnx", flat=flat)))
    assert backbone.columns == 5
    image = open_picture(picture("level", 3), CHECKED)
    assert backbone.vector(image).shape == (5,)
    backbone.save(tmp_path)
    assert Backbone.load(tmp_path, 5).vector(image).tolist() == backbone.vector(image).tolist()
    with pytest.raises(BundleRefused, match="5 numbers, not 6"):
        Backbone.load(tmp_path, 6)


def test_a_backbone_averages_over_places(tmp_path: Path) -> None:
    model = image_graph(5)
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info("kept", TensorProto.FLOAT, [1, 6, 24, 24]))
    onnx.save(model, tmp_path / "maps.onnx")
    graph = opened(tmp_path / "maps.onnx")
    image = open_picture(picture("level", 3), CHECKED)
    maps = graph.output(image)
    assert maps.shape == (6, 24, 24)
    np.testing.assert_allclose(Backbone(graph).vector(image), maps.mean(axis=(1, 2)))
