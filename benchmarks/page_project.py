"""The project that the page is measured with.

17,203 examples in three files, a training after each, and a history of 100,000 predictions over a week, of which
people spoke on two in a hundred.
The texts are the real reviews where they are beside this checkout, and else put together from those of the example.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

import training
from winnow.domain import Classification, Prediction, Status, Target, new_ids, now
from winnow.errors import WinnowError
from winnow.lifecycle.lesson import prepare_lesson
from winnow.models.bundle import load_bundle
from winnow.settings import load_settings
from winnow.store import examples, predictions
from winnow.workspace import Workspace

SERVICE = "satisfaction"
ROWS = {"first.csv": 7_900, "second.csv": 7_803, "third.csv": 1_500}
"""File → rows, where the real files are not there."""

DAYS = 7
FEEDBACK = 0.02
_EXAMPLE = Path(__file__).parent.parent / "examples" / "satisfaction" / "avis.csv"
_CANDIDATES = '["linear-svm", "gradient-boosting", "neural-net"]'
_AT_ONCE = 5_000

Answered = tuple[str, Target, Classification]
"""A text, what is right, and what the champion says."""


def build(folder: Path, history: int) -> Path:
    """Make the project in a new folder, with so many predictions in its history."""
    folder.mkdir(parents=True)
    toml = training.PROJECT.replace(_CANDIDATES, '["linear-svm", "naive-bayes"]')
    (folder / "winnow.toml").write_text(toml, encoding="utf-8")
    with Workspace(load_settings(project=folder)) as workspace:
        for file in _files(folder):
            workspace.load(SERVICE, file, name=file.name, keep_good=True)
            run = workspace.start_run(SERVICE)
            run = workspace.watch_run(SERVICE, run.id, lambda _progress: None)
            assert run.status is Status.FINISHED, run.error
        answered = _answers(workspace)
        _fill_history(workspace, answered, history)
        _give_feedback(workspace, {text: target for text, target, _ in answered}, int(history * FEEDBACK))
    return folder


def _files(folder: Path) -> list[Path]:
    data = training.data_folder()
    if data is not None:
        return [data / name for name in training.FILES]
    with _EXAMPLE.open(encoding="utf-8", newline="") as source:
        rows = list(csv.DictReader(source))
    made = _made_up(rows)
    return [_write(folder / name, islice(made, count)) for name, count in ROWS.items()]


def _made_up(rows: Sequence[Mapping[str, str]]) -> Iterator[tuple[str, str]]:
    """Two comments of the same kind in one, with a number that makes it different from all others, for ever."""
    chance = random.Random(7)
    kinds = [[row for row in rows if (row["star"] in "12") == unhappy] for unhappy in (True, False)]
    number = 0
    while True:
        first, second = chance.choices(kinds[chance.random() < 0.6], k=2)
        number += 1
        yield f"{first['Commentaire']} {second['Commentaire']} ({number})", first["star"]


def _write(path: Path, rows: Iterator[tuple[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("Commentaire", "star"))
        writer.writerows(rows)
    return path


def _answers(workspace: Workspace) -> list[Answered]:
    """What the champion says of the texts that it has not learned from."""
    champion = workspace.champion(SERVICE)
    assert champion is not None
    model = load_bundle(workspace.models / champion.path, champion.sha256)
    with workspace.database.read() as connection:
        snapshot = examples.latest_snapshot(connection, SERVICE)
    assert snapshot is not None
    held_out = prepare_lesson(workspace.database, SERVICE, workspace.config(SERVICE), snapshot).test
    rows = zip(held_out.inputs, held_out.targets, model.answer(held_out.inputs), strict=True)
    return [(text, target, said) for text, target, said in rows if not isinstance(said, WinnowError)]


def _fill_history(workspace: Workspace, answered: Sequence[Answered], count: int) -> None:
    """Predictions on these texts in turn, spread over the days until now."""
    champion = workspace.champion(SERVICE)
    assert champion is not None
    start, step = now() - timedelta(days=DAYS), timedelta(days=DAYS) / count
    chance = random.Random(11)
    for first in range(0, count, _AT_ONCE):
        numbers = range(first, min(first + _AT_ONCE, count))
        rows = [
            _prediction(made, champion.number, answered[number % len(answered)], start + number * step, chance)
            for number, made in zip(numbers, new_ids(len(numbers)), strict=True)
        ]
        with workspace.database.write() as connection:
            predictions.append(connection, rows)


def _prediction(made: str, version: int, answered: Answered, when: datetime, chance: random.Random) -> Prediction:
    return Prediction(
        id=_dated(made, when),
        service=SERVICE,
        version=version,
        input=answered[0],
        answer=answered[2],
        latency_ms=chance.lognormvariate(-0.4, 0.5),
        request_id="benchmark",
        client="127.0.0.1",
        created_at=when,
    )


def _dated(made: str, when: datetime) -> str:
    """The same id, as if it had been made at another moment."""
    moment = f"{int(when.timestamp() * 1000):012x}"
    return f"{moment[:8]}-{moment[8:]}{made[13:]}"


def _give_feedback(workspace: Workspace, right: Mapping[str, Target], count: int) -> None:
    """Say of the newest predictions what was right."""
    with workspace.database.read() as connection:
        newest = predictions.newest(connection, SERVICE, count, predictions.HistoryFilter())
    for prediction in newest:
        workspace.give_feedback(prediction.id, right[prediction.input])
