"""Colours and edges of images: what the numbers mean, and what must not change them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from winnow.errors import BundleRefused
from winnow.models import files
from winnow.models.image_features import FACTS, ImageFeatures

RED, GREY = (200, 20, 20), (90, 90, 90)
ALL = ImageFeatures(32, thumbnail=8, edges=(4, 8), colours=2)


def bars(*, upright: bool, width: int = 4) -> Image.Image:
    line = (np.arange(32) // width % 2 * 180 + 40).astype(np.uint8)
    pixels = np.broadcast_to(line[None, :] if upright else line[:, None], (32, 32))
    return Image.fromarray(np.stack([pixels] * 3, axis=-1))


def test_a_vector_has_the_columns_that_its_parts_say() -> None:
    assert ALL.parts == (8 * 8 * 3, 3 * 3 * 36, 7 * 7 * 36, 4 * 64)
    vector = ALL.vector(Image.effect_noise((50, 70), 60).convert("RGB"))
    assert vector.shape == (ALL.columns,)
    assert np.isfinite(vector).all()


def test_a_thumbnail_is_the_mean_colour_of_each_square() -> None:
    picture = Image.new("RGB", (32, 32), RED)
    picture.paste(GREY, (16, 0, 32, 32))
    found = ImageFeatures(32, thumbnail=2).vector(picture).reshape(2, 2, 3) * 255
    np.testing.assert_allclose(found, [[RED, GREY], [RED, GREY]])


def test_colours_are_counted_by_square() -> None:
    picture = Image.new("RGB", (32, 32), RED)
    picture.paste(GREY, (16, 0, 32, 16))
    found = ImageFeatures(32, colours=2).vector(picture).reshape(2, 2, 4, 4, 4) ** 2
    assert found[0, 0, 3, 0, 0] == 1.0
    assert found[0, 1, 1, 1, 1] == 1.0
    np.testing.assert_allclose(found.sum(axis=(2, 3, 4)), 1.0)


def test_edges_say_which_way_they_run() -> None:
    """Of bars that stand upright the brightness changes across: direction 0 of 9. Of level ones: 90 degrees."""
    features = ImageFeatures(32, edges=(4,))
    upright, level = (features.vector(bars(upright=way)).reshape(-1, 9).sum(axis=0) for way in (True, False))
    assert upright.argmax() == 0
    assert level.argmax() in (4, 5)
    assert upright[1:].sum() < 0.05 * upright[0]


def test_edges_hardly_depend_on_light_and_contrast() -> None:
    features = ImageFeatures(32, edges=(4,))
    bright = bars(upright=True)
    dim = bright.point(lambda value: value / 2)
    np.testing.assert_allclose(features.vector(bright), features.vector(dim), atol=0.02)


def test_what_is_even_has_no_edges() -> None:
    assert not ImageFeatures(32, edges=(4, 8)).vector(Image.new("RGB", (9, 400), RED)).any()


def test_an_image_of_another_shape_is_squeezed_into_the_square() -> None:
    features = ImageFeatures(32, thumbnail=4)
    small = bars(upright=True, width=8)
    wide = small.resize((320, 32), Image.Resampling.NEAREST)
    np.testing.assert_allclose(features.vector(small), features.vector(wide), atol=0.06)


def test_features_come_back_as_they_were_saved(tmp_path: Path) -> None:
    ALL.save(tmp_path)
    assert ImageFeatures.load(tmp_path, ALL.columns) == ALL


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": 31},
        {"size": 0},
        {"size": 4096},
        {"size": "32"},
        {"edges": [5]},
        {"edges": [-4]},
        {"edges": 4},
        {"thumbnail": 7},
        {"colours": None},
        {"colours": 4},
    ],
)
def test_features_that_cannot_be_are_refused(wrong: dict[str, object], tmp_path: Path) -> None:
    ALL.save(tmp_path)
    files.write_json(tmp_path / FACTS, files.read_object(tmp_path / FACTS) | wrong)
    with pytest.raises(BundleRefused, match=FACTS.replace(".", r"\.")):
        ImageFeatures.load(tmp_path, ALL.columns)
