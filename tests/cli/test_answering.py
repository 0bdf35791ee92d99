"""Predictions: one, lines, and files; and the history of them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from tests.cli.conftest import winnow

TEXTS = "I love it, wonderful\n\nTerrible, it broke after a day\n"


def test_one_text(own_shop: Path) -> None:
    shown = winnow("predict", "sentiment", "I love it, wonderful", project=own_shop)
    assert shown.code == 0, shown.err
    assert shown.out.startswith("positive\n")
    answer = winnow("predict", "sentiment", "It broke", "--json", project=own_shop).json
    assert set(answer["scores"]) == {"negative", "positive"}
    kept = winnow("history", "sentiment", "--json", "--text", "BROKE", project=own_shop).json["predictions"]
    assert [entry["id"] for entry in kept] == [answer["id"]]
    assert "I love it, wonderful" in winnow("history", "sentiment", "--label", "positive", project=own_shop).out


def test_history_off_keeps_nothing(own_shop: Path) -> None:
    assert winnow("predict", "sentiment", "fine", "--history", "off", project=own_shop).code == 0
    assert "no prediction of sentiment is kept yet" in winnow("history", "sentiment", project=own_shop).out


def test_lines_of_standard_input_are_answered_or_refused_each_by_itself(shop: Path) -> None:
    off = ("--history", "off")
    shown = winnow("predict", "sentiment", *off, project=shop, given=TEXTS)
    assert shown.code == 0
    assert [line.split()[0] for line in shown.out.splitlines()] == ["answer", "positive", "error", "negative"]
    assert "1 of 3 lines could not be answered" in shown.err
    rows = winnow("predict", "sentiment", "--json", *off, project=shop, given=TEXTS).json["predictions"]
    assert rows[1]["error"]["type"] == "urn:winnow:problem:invalid-input"
    assert winnow("predict", "sentiment", *off, project=shop, given="\n").code == 1


def test_a_file_comes_back_with_its_columns_and_the_answers(own_shop: Path) -> None:
    source, target = own_shop / "in.csv", own_shop / "out.csv"
    source.write_bytes("id;text\n1;J'adore, génial\n2;\n3;a;b\n4;It broke\n".encode("cp1252"))
    done = winnow("predict", "sentiment", "--file", source, "--output", target, "--json", project=own_shop)
    assert done.code == 0, done.out
    assert (done.json["rows"], done.json["failed"]) == (4, 2)
    with target.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    assert list(rows[0]) == ["id", "text", "predicted_label", "score_negative", "score_positive", "error"]
    assert [bool(row["error"]) for row in rows] == [False, True, True, False]
    assert rows[0]["text"] == "J'adore, génial"
    assert rows[2]["error"].startswith("line 4:")
    assert len(winnow("history", "sentiment", "--json", project=own_shop).json["predictions"]) == 2


def test_a_jsonl_file(shop: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"id": 1, "text": "great", "more": {"a": [1]}}\nnonsense\n{"id": 3}\n')
    arguments = ("sentiment", "--file", source, "--output", target, "--history", "off")
    assert winnow("predict", *arguments, project=shop).code == 0
    first, second, third = map(json.loads, target.read_text().splitlines())
    assert first["more"] == {"a": [1]}
    assert first["predicted_label"] in ("negative", "positive")
    assert "not JSON" in second["error"]
    assert (third["id"], "'text' is missing" in third["error"]) == (3, True)


def test_a_file_that_cannot_be_answered_leaves_no_output(shop: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    for content, code, word in (
        ("body,id\nfine,1\n", 1, "no column 'text'"),
        ("text,error\nfine,1\n", 4, "column 'error'"),
    ):
        source = tmp_path / "in.csv"
        source.write_text(content)
        refused = winnow("predict", "sentiment", "-f", source, "-o", target, "--history", "off", project=shop)
        assert refused.code == code, refused.err
        assert word in refused.err
        assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_what_cannot_be_asked(shop: Path, new_shop: Path) -> None:
    assert winnow("predict", "sentiment", " ", project=shop).code == 1
    assert winnow("predict", "sentiment", "a", "--file", "winnow.toml", "-o", "x.csv", project=shop).code == 2
    assert winnow("predict", "sentiment", "--file", "winnow.toml", project=shop).code == 2
    assert winnow("predict", "toxicity", "a", project=shop).code == 3
    untrained = winnow("predict", "sentiment", "a", "--json", project=new_shop)
    assert untrained.code == 7
    assert "winnow train sentiment" in untrained.json["detail"]
