"""A project that has been in use: trained on growing data, asked, corrected, with a gate that nobody meets.

make_life(folder)      # the project, trained; nobody serves it
live(client)           # what people did with it, through the API of a server of it
"""

from __future__ import annotations

import csv
from pathlib import Path

from tests.projects import SAMPLES, settings_of
from winnow.client import Client
from winnow.domain import Status
from winnow.workspace import Workspace

PROJECT = """
[project]
name = "shop"

[project.alerts]
hold_minutes = 0

[services.sentiment]
task = "text-classification"
description = "Is this review positive?"
input = "text"
label = "label"
labels = ["negative", "positive"]
candidates = ["logistic-regression", "naive-bayes"]

[services.sentiment.gates]
accuracy = ">= 0.60"
f1_macro = ">= 0.60"
regression = "<= 0.2"

[services.strict]
task = "text-classification"
description = "Is this review positive, beyond doubt?"
input = "text"
label = "label"
labels = ["negative", "positive"]
candidates = ["naive-bayes"]

[services.strict.gates]
accuracy = ">= 0.999"

[services.satisfaction]
task = "text-classification"
description = "Is this customer satisfied?"
input = "Commentaire"
label = "star"
labels = { negative = ["1", "2"], positive = ["3", "4", "5"] }
candidates = ["naive-bayes"]
"""
"""Nobody meets the gate of `strict`; `satisfaction` is never trained, and pages have to say what to do then."""

ASKED = (
    ("I love it, it works beautifully.", None),
    ("Broken after a day, and nobody answers.", None),
    ("A waste of money.", None),
    ("Two thumbs up.", "positive"),
    ("Not what I hoped for, sadly.", "negative"),
)
"""What was asked, and what was said to be right of it."""


def make_life(folder: Path, toml: str = PROJECT, instalments: int = 2) -> Path:
    """The project after a training of `sentiment` for each instalment of its data, and one of `strict`."""
    folder.mkdir(parents=True)
    (folder / "winnow.toml").write_text(toml, encoding="utf-8")
    files = split(SAMPLES[0], folder, instalments)
    with Workspace(settings_of(folder)) as workspace:
        for service, file in [*(("sentiment", file) for file in files), ("strict", files[0])]:
            workspace.load(service, file, name=file.name)
            run = workspace.start_run(service)
            run = workspace.watch_run(service, run.id, lambda _progress: None)
            assert run.status is Status.FINISHED, run.error
    return folder


def live(client: Client) -> None:
    """Ask, and correct some of the answers."""
    for text, right in ASKED:
        prediction = client.predict("sentiment", text)
        if right is not None:
            client.feedback(prediction.id, right)


def split(file: Path, folder: Path, parts: int) -> list[Path]:
    """The rows of a CSV in so many files, four at most, each with its header."""
    with file.open(encoding="utf-8", newline="") as source:
        header, *rows = list(csv.reader(source))
    size = -(-len(rows) // parts)
    paths = [folder / f"{season}.csv" for season in ("spring", "summer", "autumn", "winter")[:parts]]
    for number, path in enumerate(paths):
        with path.open("w", encoding="utf-8", newline="") as target:
            csv.writer(target).writerows([header, *rows[number * size : (number + 1) * size]])
    return paths
