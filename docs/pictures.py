#!/usr/bin/env python3
"""Takes the pictures of the page that the documentation shows.

    make pictures      # or python -m docs.pictures: write docs/pictures/*.png

A small project is trained on three instalments of its data, served, asked and corrected. One of its services has a
gate that nobody meets, so that there is an alert to be seen.
"""

from __future__ import annotations

import csv
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from PIL import Image

from tests.browser.chromium import chromium, find_chromium
from tests.browser.lives import PROJECT, live, make_life
from tests.browser.serving import Served, winnow
from tests.browser.visitor import Visitor
from tests.projects import SAMPLES
from winnow.client import Client
from winnow.client.answers import Prediction
from winnow.domain import AlertState

FOLDER = Path(__file__).parent / "pictures"
WIDTH, HEIGHT = 1280, 800
_COLOURS = 96
"""So many shades are enough for a page, and make its file small."""

_ASKED = 90
"""Fewer than what drift is measured on: these are texts that the model has learned from."""

_SERVICE = "sentiment"
_CANDIDATES = '["logistic-regression", "linear-svm", "naive-bayes"]'
_NAME, _PASSWORD = "ada", "ada-takes-pictures"


def main() -> None:
    """Make the project, serve it, and take every picture."""
    program = find_chromium()
    if program is None:
        sys.exit("chromium is needed: on Debian, apt-get install chromium")
    with tempfile.TemporaryDirectory(prefix="winnow-pictures-") as folder:
        toml = PROJECT.replace('["logistic-regression", "naive-bayes"]', _CANDIDATES)
        project = make_life(Path(folder) / "shop", toml, instalments=3)
        winnow(project, "users", "add", _NAME, "--role", "admin", "--password-stdin", given=_PASSWORD)
        with Served(project, monitor_seconds=0.5) as served, chromium(program) as browser:
            with Client(served.url, account=(_NAME, _PASSWORD)) as client:
                _use(client)
            context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
            visitor = Visitor(context.new_page(), served.url)
            visitor.sign_in(_NAME, _PASSWORD)
            visitor.sees_heading("shop")
            FOLDER.mkdir(exist_ok=True)
            for name, show in PICTURES.items():
                show(visitor)
                _take(visitor, FOLDER / f"{name}.png")
            visitor.leave()


def _use(client: Client) -> None:
    """Ask what people ask, and let them confirm or correct some of it; then wait until that was measured."""
    with SAMPLES[0].open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    chance = random.Random(5)  # noqa: S311  (nothing is kept secret with it)
    asked = chance.sample(rows, _ASKED)
    answers = client.predict_many(_SERVICE, [row["text"] for row in asked])
    for row, answer in list(zip(asked, answers, strict=True))[::3]:
        assert isinstance(answer, Prediction)
        client.feedback(answer.id, row["label"])
    live(client)
    deadline = time.monotonic() + 30
    while client.live(_SERVICE).latest is None or not client.alerts(state=AlertState.OPEN):
        if time.monotonic() > deadline:
            raise TimeoutError("nothing was measured")
        time.sleep(0.2)


def _overview(visitor: Visitor) -> None:
    visitor.go()
    visitor.sees_heading("shop")


def _predict(visitor: Visitor) -> None:
    visitor.go("predict", service=_SERVICE)
    visitor.write("Your text", "The music was too loud, but we had a lovely evening and will come back.")
    visitor.press(re.compile("^Predict$"))
    visitor.sees(re.compile(" sure$"))


def _data(visitor: Visitor) -> None:
    rows = ["text,label", "What a find!,positive", "We will not be back.,negative", "It came late.,late"]
    visitor.go("data", service=_SERVICE)
    visitor.turn_tab("Add")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "winter.csv"
        file.write_text("\n".join(rows) + "\n", encoding="utf-8")
        visitor.hand_in("File", file)
    visitor.sees(re.compile("cannot be read:"))


def _models(visitor: Visitor) -> None:
    visitor.go("models", service=_SERVICE)
    visitor.sees_in_table("naive-bayes")


def _reports(visitor: Visitor) -> None:
    visitor.go("reports", service=_SERVICE)
    visitor.turn_tab("Over data")
    visitor.sees_in_table(re.compile("."))


PICTURES: Mapping[str, Callable[[Visitor], None]] = MappingProxyType(
    {"overview": _overview, "predict": _predict, "data": _data, "models": _models, "reports": _reports}
)
"""Name of the file → what brings the page into view."""


def _take(visitor: Visitor, path: Path) -> None:
    """Take what is in view, and keep it in few colours."""
    visitor.settle()
    visitor.page.mouse.move(WIDTH - 1, HEIGHT - 1)
    visitor.page.wait_for_timeout(500)  # charts are drawn with a short movement
    visitor.page.screenshot(path=path)
    with Image.open(path) as taken:
        few = taken.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    few.save(path, optimize=True)


if __name__ == "__main__":
    main()
