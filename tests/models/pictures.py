"""Small questions about images, images that are odd, and the smallest graphs in ONNX that read images."""

from __future__ import annotations

import hashlib
import json
from io import BytesIO
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from tests.models.samples import Sample
from winnow.domain import Examples, Target
from winnow.models.base import Question

LABELS = ("upright", "level", "plain", "never", "bad", "good", "odd", "always")
"""What the outputs of `write_classifier`'s graph mean."""


def picture(pattern: str, number: int) -> bytes:
    """A PNG of bars (`upright` or `level`) or of one colour (`plain`), with noise; another one for each number."""
    random = np.random.default_rng([number, len(pattern)])
    height, width = random.integers(20, 48, 2).tolist()
    pixels = np.broadcast_to(random.uniform(60, 200, 3), (height, width, 3)).copy()
    bars = ((np.arange(max(height, width)) + number) // 4 % 2).astype(bool)
    if pattern == "upright":
        pixels[:, bars[:width]] += 55
    elif pattern == "level":
        pixels[bars[:height]] += 55
    pixels += random.normal(0, 6, pixels.shape)
    return encoded(Image.fromarray(pixels.clip(0, 255).astype(np.uint8)))


def picture_of(text: str) -> bytes:
    """An image for a text: the same for the same text, another for another."""
    return picture("plain", int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big"))


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def odd_pictures() -> list[bytes]:
    """Images that a reader of images may stumble over, all of them sound."""
    grey = Image.linear_gradient("L")
    colour = Image.merge("RGB", (grey, grey.rotate(90), grey.rotate(180)))
    return [
        encoded(Image.new("RGB", (1, 1), (9, 9, 9))),
        encoded(Image.new("RGB", (3000, 1), (200, 10, 10))),
        encoded(Image.new("RGB", (2, 3000))),
        encoded(grey),
        encoded(grey.convert("1")),
        encoded(colour, "JPEG"),
        encoded(colour.convert("CMYK"), "JPEG"),
        encoded(colour.quantize(7), "GIF"),
        encoded(Image.merge("RGBA", (*colour.split(), grey)), "WEBP"),
        encoded(Image.new("RGB", (64, 64), (255, 255, 255)), "BMP"),
    ]


def two_labels() -> Sample:
    patterns = ["upright" if number % 2 else "level" for number in range(60)]
    return _sample(Question(("level", "upright")), patterns, list(patterns))


def three_labels() -> Sample:
    """In an order that is not sorted; and one label that no example has."""
    patterns = [("upright", "level", "plain")[number % 3] for number in range(60)]
    return _sample(Question(("upright", "level", "plain", "never")), patterns, list(patterns))


def several_labels() -> Sample:
    """One label applies to no example and one to all of them."""
    patterns = [("upright", "level", "plain")[number % 3] for number in range(60)]
    targets: list[Target] = [[*([pattern] if pattern != "plain" else []), "always"] for pattern in patterns]
    return _sample(Question(("upright", "level", "never", "always"), several=True), patterns, targets)


def _sample(question: Question, patterns: list[str], targets: list[Target]) -> Sample:
    inputs = [picture(pattern, number) for number, pattern in enumerate(patterns)]
    asked = [picture(pattern, 1000 + number) for number, pattern in enumerate(patterns[:9])]
    return Sample(question, Examples(inputs, targets), [*asked, *odd_pictures()])


def write_classifier(
    folder: Path, labels: tuple[str, ...] = LABELS, name: str = "model", **options: object
) -> Path:
    """Write an ONNX classifier and its labels file beside it; returns the graph's path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.onnx"
    onnx.save(image_graph(len(labels), **options), path)  # type: ignore[arg-type]
    (folder / "labels.json").write_text(json.dumps(labels), encoding="utf-8")
    return path


def image_graph(
    outputs: int,
    *,
    shape: tuple[int | str, ...] = (1, 3, 24, 24),
    softmax: bool = False,
    flat: bool = True,
    kind: int = TensorProto.FLOAT,
) -> onnx.ModelProto:
    """A convolution, its mean over the image, and a layer; random, and the same each time.

    `flat` gives (1, outputs), otherwise (1, outputs, 1, 1). A shape with 3 in its last place has its colours there.
    """
    random = np.random.default_rng(5)
    filters = random.normal(size=(6, 3, 3, 3)).astype(np.float32)
    layer = random.normal(size=(outputs, 6, 1, 1)).astype(np.float32) * 3
    constants = [numpy_helper.from_array(filters, "filters"), numpy_helper.from_array(layer, "layer")]
    last = "flattened" if flat else "scored"
    nodes = []
    image = "image"
    if shape[-1] == 3:
        nodes.append(helper.make_node("Transpose", ["image"], ["turned"], perm=[0, 3, 1, 2]))
        image = "turned"
    nodes += [
        helper.make_node("Conv", [image, "filters"], ["found"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["found"], ["kept"]),
        helper.make_node("GlobalAveragePool", ["kept"], ["pooled"]),
        helper.make_node("Conv", ["pooled", "layer"], ["scored"]),
        helper.make_node("Flatten", ["scored"], ["flattened"]),
    ]
    if softmax:
        nodes.append(helper.make_node("Softmax", [last], ["shares"], axis=1))
        last = "shares"
    given = helper.make_tensor_value_info("image", kind, list(shape))
    gives = helper.make_tensor_value_info(last, TensorProto.FLOAT, [1, outputs] if flat else [1, outputs, 1, 1])
    graph = helper.make_graph(nodes, "images", [given], [gives], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
