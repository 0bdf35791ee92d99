"""A graph of the shape of ResNet-18 in ONNX, with random weights: 11.7 million of them, as in the original."""

from __future__ import annotations

from math import sqrt
from pathlib import Path

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))
"""Channels of each stage, and the stride with which it begins. Each has two blocks of two convolutions."""


class Builder:
    """Gathers nodes and their weights."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.nodes: list[NodeProto] = []
        self.weights: list[TensorProto] = []
        self.parameters = 0

    def weight(self, name: str, values: np.ndarray, *, learned: bool = True) -> str:
        self.weights.append(numpy_helper.from_array(values.astype(np.float32), name))
        self.parameters += values.size if learned else 0
        return name

    def node(self, kind: str, inputs: list[str], **options: object) -> str:
        name = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **options))
        return name

    def convolution(self, given: str, channels: tuple[int, int], side: int, stride: int) -> str:
        """A convolution and its batch normalisation, of weights that neither explode nor vanish."""
        name = f"conv_{len(self.nodes)}"
        inside, outside = channels
        filters = self.random.normal(0, sqrt(2 / (inside * side * side)), (outside, inside, side, side))
        kernel = self.weight(f"{name}_w", filters)
        pad = side // 2
        found = self.node(
            "Conv", [given, kernel], kernel_shape=[side, side], strides=[stride, stride], pads=[pad] * 4
        )
        return self._normalised(found, outside, name)

    def _normalised(self, given: str, channels: int, name: str) -> str:
        scale = self.weight(f"{name}_scale", np.ones(channels))
        shift = self.weight(f"{name}_shift", self.random.normal(0, 0.1, channels))
        mean = self.weight(f"{name}_mean", np.zeros(channels), learned=False)
        variance = self.weight(f"{name}_var", np.ones(channels), learned=False)
        return self.node("BatchNormalization", [given, scale, shift, mean, variance])

    def block(self, given: str, inside: int, outside: int, stride: int) -> str:
        kept = self.node("Relu", [self.convolution(given, (inside, outside), 3, stride)])
        added = self.convolution(kept, (outside, outside), 3, 1)
        shortcut = given
        if stride != 1 or inside != outside:
            shortcut = self.convolution(given, (inside, outside), 1, stride)
        return self.node("Relu", [self.node("Add", [added, shortcut])])


def write_resnet18(path: Path, classes: int = 1000, seed: int = 0) -> int:
    """Write the graph, (1, 3, 224, 224) to (1, classes) logits; returns how many parameters it has."""
    builder = Builder(seed)
    stem = builder.node("Relu", [builder.convolution("image", (3, 64), 7, 2)])
    last = builder.node("MaxPool", [stem], kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    inside = 64
    for channels, stride in STAGES:
        last = builder.block(last, inside, channels, stride)
        last = builder.block(last, channels, channels, 1)
        inside = channels
    pooled = builder.node("Flatten", [builder.node("GlobalAveragePool", [last])])
    layer = builder.weight("layer_w", builder.random.normal(0, 0.01, (classes, inside)))
    offsets = builder.weight("layer_b", np.zeros(classes))
    logits = builder.node("Gemm", [pooled, layer, offsets], transB=1)
    given = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 224, 224])
    gives = helper.make_tensor_value_info(logits, TensorProto.FLOAT, [1, classes])
    graph = helper.make_graph(builder.nodes, "resnet18", [given], [gives], builder.weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    return builder.parameters
