"""Small questions with their examples, and the smallest encoder that is one."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from winnow.domain import Examples, Input, Target
from winnow.models.base import Question

REPOSITORY = Path(__file__).resolve().parents[2]

ODD = [
    "",
    " ",
    "!",
    "a",
    "\u00a0Très\u00a0déçu\u2028!\u3000Jamais\tplus\x1c…",
    "👎🏽👎🏽 nul ❤️ NUL",
    "ΣΑΣ ΟΔΥΣΣΕΥΣ İstanbul ﬁn ½ \u00b4aigu \uff46\uff55\uff4c\uff4c Ⅳ",
    "e\u0301te\u0301 été \u0300seul",
    "zzqx wvvk jjjq",
    "bien bien bien bien, bien. Bien!",
    "l'été d'aujourd'hui, c'est-à-dire 2/3 de 89,99€",
    "mot " * 3000,
    "x" * 5000,
    "déçu, très déçu. " * 2000,
]
"""Texts that a reader of text may stumble over."""


@dataclass(frozen=True)
class Sample:
    """A question with examples to learn from and others to ask."""

    question: Question
    examples: Examples
    asked: list[Input]


def read_csv(path: str, text: str, label: str) -> tuple[list[str], list[str]]:
    with (REPOSITORY / path).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row[text] for row in rows], [row[label] for row in rows]


def two_labels() -> Sample:
    texts, labels = read_csv("examples/sentiment/reviews.csv", "text", "label")
    return _sample(Question(("negative", "positive")), texts, labels)


def three_labels() -> Sample:
    """French, in an order that is not sorted; and one label that no example has."""
    texts, stars = read_csv("examples/satisfaction/avis.csv", "Commentaire", "star")
    meaning = {"1": "mauvais", "2": "mauvais", "3": "moyen", "4": "bon", "5": "bon"}
    return _sample(Question(("mauvais", "moyen", "bon", "inconnu")), texts, [meaning[star] for star in stars])


def several_labels() -> Sample:
    """Labels that can be read off the text; one applies to no example and one to all of them."""
    texts, stars = read_csv("examples/satisfaction/avis.csv", "Commentaire", "star")
    labels = []
    for text, star in zip(texts, stars, strict=True):
        applies = {"content": int(star) >= 4, "livraison": "livr" in text.lower(), "jamais": False, "avis": True}
        labels.append([label for label, does in applies.items() if does])
    return _sample(Question(("content", "livraison", "jamais", "avis"), several=True), texts, labels)


def _sample(question: Question, texts: list[str], targets: list[str] | list[list[str]]) -> Sample:
    whole: list[Target] = list(targets)
    return Sample(question, Examples(texts[:300], whole[:300]), [*texts[300:340], *ODD])


def make_encoder(folder: Path, *, columns: int = 8, pooled: bool = True, kinds_of_token: bool = False) -> Path:
    """An encoder that looks up a random vector for each known word; it gives their mean, or each of them."""
    words = sorted({word for text in two_labels().examples.inputs for word in text.lower().split()})
    vocabulary = {"[UNK]": 0, **{word: i for i, word in enumerate(words, 1)}}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    folder.mkdir(parents=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    onnx.save(
        encoder_graph(len(vocabulary), columns, pooled=pooled, kinds_of_token=kinds_of_token), folder / "model.onnx"
    )
    return folder


def encoder_graph(tokens: int, columns: int, *, pooled: bool, kinds_of_token: bool) -> onnx.ModelProto:
    table = np.random.default_rng(7).normal(size=(tokens, columns)).astype(np.float32)
    names = ["input_ids", "attention_mask", *(["token_type_ids"] if kinds_of_token else [])]
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, [1, "tokens"]) for name in names]
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["found"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["wide_mask"]),
        helper.make_node("Mul", ["found", "wide_mask"], ["token_vectors"]),
    ]
    constants = [numpy_helper.from_array(table, "table"), numpy_helper.from_array(np.array([2]), "last")]
    output = helper.make_tensor_value_info("token_vectors", TensorProto.FLOAT, [1, "tokens", columns])
    if pooled:
        constants.append(numpy_helper.from_array(np.array([1]), "middle"))
        nodes.append(helper.make_node("ReduceMean", ["token_vectors", "middle"], ["sentence_vector"], keepdims=0))
        output = helper.make_tensor_value_info("sentence_vector", TensorProto.FLOAT, [1, columns])
    graph = helper.make_graph(nodes, "encoder", inputs, [output], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
