"""Images are read from bytes, base64 and data URIs; whatever else comes is refused in a sentence."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from tests.pictures import encoded, huge_png, plain
from winnow import plugins
from winnow.domain import Target
from winnow.errors import InvalidInput
from winnow.project import ServiceConfig
from winnow.tasks.base import Task
from winnow.tasks.image_classification import ImageClassification

PNG = encoded(plain())
BASE64 = b64encode(PNG).decode()


def task(**options: Any) -> Task:
    return ImageClassification(ServiceConfig.model_validate({"task": "image-classification", **options}))


def test_it_is_found_by_its_name() -> None:
    assert plugins.find(plugins.TASKS, "image-classification") is ImageClassification


@pytest.mark.parametrize(
    "value",
    [
        PNG,
        BASE64,
        f"data:image/png;base64,{BASE64}",
        f"DATA:image/x-whatever;charset=utf-8;BASE64,{BASE64}",
        f"data:;base64,{BASE64}",
        "\n".join(BASE64[i : i + 20] for i in range(0, len(BASE64), 20)) + "\n",
    ],
)
def test_images_are_read(value: object) -> None:
    assert task().read_input(value) == PNG


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (None, "as base64 text or as a file's bytes, not null"),
        (7, "not int"),
        ({"base64": BASE64}, "not dict"),
        ("", "the image is empty"),
        (b"", "the image is empty"),
        ("cat/1.png", "should be an image in base64, which 'cat/1.png' is not"),
        (BASE64[:-1], "should be an image in base64"),
        (f"data:image/png,{BASE64}", "should begin with 'data:image/...;base64,'"),
        ("data:image/png;base64,é", "should be an image in base64"),
        (b64encode(b"a text").decode(), "no image that is read here"),
        (b"a text", "no image that is read here"),
        (encoded(plain(), "TIFF"), "no image that is read here"),
        (huge_png(8000), "the image has 8,000 × 8,000 pixels, which is more than the 50,000,000 that are read"),
    ],
)
def test_what_is_no_image_is_refused(value: object, says: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        task().read_input(value)
    assert says in str(refused.value)


def test_the_limits_are_those_of_the_service() -> None:
    small = task(serving={"max_image_mb": 0.001, "max_pixels": 2000})
    assert small.file_bytes == 1000
    assert small.read_input(PNG) == PNG
    for value, says in [
        (b"x" * 1001, "1,001 bytes; at most 1,000"),
        (b64encode(b"x" * 1001).decode(), "1,001 bytes; at most 1,000"),
        ("A" * 5000, "too many letters of base64 for the 1,000 bytes"),
        (encoded(plain(size=(50, 41))), "50 × 41 pixels"),
    ]:
        with pytest.raises(InvalidInput, match=says):
            small.read_input(value)


def test_an_example_is_decoded_to_its_end_and_a_question_is_not() -> None:
    whole = encoded(Image.effect_noise((60, 60), 90), "JPEG")
    cut = whole[: len(whole) // 2]
    asked = task()
    assert asked.read_input(cut) == cut
    asked.check_example(whole)
    with pytest.raises(InvalidInput, match="the JPEG image is damaged: image file is truncated"):
        asked.check_example(cut)


def test_the_sample_is_an_ordinary_image_and_made_once() -> None:
    asked = task()
    assert asked.read_input(asked.sample) is asked.sample
    assert asked.sample is asked.sample
    with Image.open(BytesIO(asked.sample)) as picture:
        assert (picture.format, picture.mode) == ("PNG", "RGB")
        assert len(picture.getcolors(1 << 16) or []) > 500, "some of every colour"


@pytest.mark.parametrize(
    ("options", "row", "target"),
    [
        ({}, {"image": PNG, "label": "cat"}, "cat"),
        ({"input": "photo", "label": "animal"}, {"photo": BASE64, "animal": "cat"}, "cat"),
        ({"labels": {"cat": ["0"], "dog": ["1"]}}, {"image": PNG, "label": "1"}, "dog"),
        ({"separator": "+"}, {"image": PNG, "label": "dog+cat"}, ["cat", "dog"]),
        ({"label": ["cat", "dog"]}, {"image": PNG, "cat": "0", "dog": "1"}, ["dog"]),
    ],
)
def test_rows_are_read_as_those_of_texts_are(options: dict[str, Any], row: dict[str, Any], target: Target) -> None:
    assert task(**options).read_row(row) == (PNG, target)
    assert set(task(**options).columns()) == set(row)


def test_targets_are_those_of_the_service() -> None:
    assert task(labels=["cat", "dog"]).read_target("dog") == "dog"
    with pytest.raises(InvalidInput, match="Did you mean 'dog'"):
        task(labels=["cat", "dog"]).read_target("dug")
