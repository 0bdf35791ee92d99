"""What the store promises of predictions: kept exactly, found by any filter, and one word of feedback on each."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from winnow.domain import Classification, Example, Prediction, new_id, now
from winnow.errors import NotFound
from winnow.store import Database, examples, predictions
from winnow.store.predictions import HistoryFilter

START = now().replace(microsecond=0)


def prediction(number: int = 0, label: str = "good", **changes: object) -> Prediction:
    made = Prediction(
        id=new_id(),
        service="shop",
        version=1,
        input=f"text {number}",
        answer={"label": label, "scores": {label: 0.75, "other": 0.25}},
        latency_ms=1.5,
        request_id="request",
        client="127.0.0.1",
        created_at=START + timedelta(seconds=number),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def append(database: Database, *rows: Prediction) -> None:
    with database.write() as connection:
        predictions.append(connection, rows)


def found(database: Database, limit: int = 100, **only: object) -> list[str]:
    """The inputs of the predictions that pass, newest first."""
    with database.read() as connection:
        rows = predictions.newest(connection, "shop", limit, HistoryFilter(**only))  # type: ignore[arg-type]
    return [row.input for row in rows]


def sorted_predictions(count: int) -> list[Prediction]:
    """Predictions whose ids rise with their numbers even within a millisecond."""
    ids = sorted(new_id() for _ in range(count))
    return [prediction(number, id=ids[number]) for number in range(count)]


HARD_ANSWERS: list[Classification] = [
    {"label": "négatif", "scores": {"négatif": 0.1 + 0.2, "a": 1e-300, "😀": 5e-324, 'q"\\': 1 / 3}},
    {"labels": ["z", "a"], "scores": {"z": 0.9999999999999999, "a": 1.0, "m": 0.0}},
    {"labels": [], "scores": {"z": 2**-52}},
]


@pytest.mark.parametrize("answer", HARD_ANSWERS)
def test_a_prediction_comes_back_exactly(database: Database, answer: Classification) -> None:
    row = prediction(
        answer=answer,
        input='é😀 "q" \\u0041 \\\n\r\t\u2028\x7f\x01 %_',
        latency_ms=0.1 + 0.2,
        client="::1",
        created_at=START + timedelta(microseconds=7),
    )
    append(database, row)
    with database.read() as connection:
        back = predictions.get(connection, row.id)
    assert back == row
    assert back.ticket is None
    assert list(back.answer["scores"]) == list(answer["scores"])
    assert list(back.answer) == list(answer)


def test_tickets_and_many_rows_are_kept(database: Database) -> None:
    ticket = new_id()
    rows = [replace(row, ticket=ticket) for row in sorted_predictions(700)]
    append(database, *rows)
    with database.read() as connection:
        back = predictions.newest(connection, "shop", 1000, HistoryFilter())
    assert back == rows[::-1]


def test_an_empty_batch_is_no_error(database: Database) -> None:
    append(database)
    assert found(database) == []


def test_a_batch_is_appended_whole_or_not_at_all(database: Database) -> None:
    row = prediction()
    with pytest.raises(Exception, match=r"(?i)unique"):
        append(database, row, row)
    assert found(database) == []


def test_what_is_not_there_is_not_found(database: Database) -> None:
    with database.read() as connection, pytest.raises(NotFound, match="no prediction 'nothing' in the history"):
        predictions.get(connection, "nothing")


def test_services_do_not_see_each_other(database: Database) -> None:
    append(database, prediction(service="books"), prediction(1))
    assert found(database) == ["text 1"]


def test_pages_go_on_where_the_page_before_ended(database: Database) -> None:
    rows = sorted_predictions(5)
    append(database, *rows)
    assert found(database, limit=2) == ["text 4", "text 3"]
    assert found(database, limit=2, before=rows[3].id) == ["text 2", "text 1"]


def test_a_filter_comes_before_paging(database: Database) -> None:
    rows = [replace(row, version=1 + number % 2) for number, row in enumerate(sorted_predictions(6))]
    append(database, *rows)
    assert found(database, limit=2, version=1) == ["text 4", "text 2"]
    assert found(database, limit=2, version=1, before=rows[4].id) == ["text 2", "text 0"]


@pytest.mark.parametrize("label", ["good", "né", 'q"q', "a\\b", "50%", "a_b", "😀", "Good"])
def test_a_label_is_found_alone_and_among_several(database: Database, label: str) -> None:
    several: Classification = {"labels": ["first", label], "scores": {label: 1.0}}
    none: Classification = {"labels": [], "scores": {label: 0.0}}
    near: Classification = {"labels": [f'x"{label}', label.swapcase(), f"{label}x"], "scores": {label: 0.0}}
    rows = sorted_predictions(5)
    answers: list[Classification] = [
        {"label": label, "scores": {}},
        several,
        none,
        near,
        {"label": "x", "scores": {}},
    ]
    append(database, *(replace(row, answer=answer) for row, answer in zip(rows, answers, strict=True)))
    expected = ["text 1", "text 0"] if label.swapcase() != label else ["text 3", "text 1", "text 0"]
    assert found(database, label=label) == expected


def test_text_is_found_as_it_stands(database: Database) -> None:
    texts = ["50% off", "500 off", "a_b", "aXb", "C:\\dir", "Upper"]
    rows = sorted_predictions(len(texts))
    append(database, *(replace(row, input=text) for row, text in zip(rows, texts, strict=True)))
    assert found(database, text="50%") == ["50% off"]
    assert found(database, text="a_b") == ["a_b"]
    assert found(database, text="\\d") == ["C:\\dir"]
    assert found(database, text="uPPER") == ["Upper"]


def test_since_is_within_and_until_is_not(database: Database) -> None:
    append(database, *sorted_predictions(4))
    since, until = START + timedelta(seconds=1), START + timedelta(seconds=3)
    assert found(database, since=since, until=until) == ["text 2", "text 1"]
    assert found(database, since=since.astimezone(), label="good", text="TEXT 3") == ["text 3"]


def test_a_second_word_of_feedback_replaces_the_first(database: Database) -> None:
    row = prediction()
    append(database, row)
    for target in ("good", ["bad", "é"]):
        with database.write() as connection:
            database.lock(connection, "batches")
            example = examples.add_one(connection, "shop", Example(row.input, target), "feedback")
            predictions.set_feedback(connection, row.id, target, example)
            assert predictions.get(connection, row.id).feedback == target
    with database.read() as connection:
        assert [kept.feedback for kept in predictions.newest(connection, "shop", 9, HistoryFilter())] == [
            ["bad", "é"]
        ]
