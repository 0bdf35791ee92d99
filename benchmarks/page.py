"""`python benchmarks/page.py`: how long the page takes to be drawn, and what its use costs predictions.

Writes benchmarks/results/page.json and page.md. Chromium, the server and the load share two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

import page_project
from load import sample_texts
from servers import HERE, Running, free_port, process
from winnow.client import Client
from winnow.errors import ConnectionFailed

RESULTS = HERE / "results"
PAGES = ("Overview", "Predict", "History", "Data", "Models", "Reports", "Operations", "Accounts")
HEADINGS = {"Overview": "benchmark"}
"""Of pages that are headed by what they are about, not by their name."""

BOTH_CORES = (0, 1)
CONNECTIONS = 8
PAUSE = 1.0
"""Seconds that somebody looks at a page before turning to the next one."""

NAME, PASSWORD = "ada", "ada-measures-it"
_DRAWN = "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"
_NOTHING_TO_COME = "document.querySelectorAll('[data-testid=stSkeleton]').length === 0"
_ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
_REVIEWS = HERE.parent / "examples" / "satisfaction" / "avis.csv"


@dataclass(frozen=True, slots=True)
class Drawn:
    """Seconds until a page is drawn.

    At a first visit nothing is in the browser's cache; `again` is the address opened once more; `turned` is a
    click in the navigation.
    """

    page: str
    first: float
    again: float
    turned: float


@dataclass(frozen=True, slots=True)
class Latency:
    """Predictions over HTTP, in milliseconds: while nobody uses the page, and while somebody clicks through it."""

    per_second: float
    alone_p50: float
    alone_p99: float
    beside_p50: float
    beside_p99: float
    pages_turned: int


@dataclass(frozen=True, slots=True)
class Site:
    """A served project, and the session of somebody who is signed in."""

    server: Running
    url: str
    session: str


def main() -> None:
    """Measure, print and write."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="winnow-bench-") as name:
        project = arguments.project or page_project.build(Path(name) / "project", arguments.history)
        with _site(project) as site, _browser() as browser:
            drawn = [_draw(browser, site, page, arguments.rounds) for page in PAGES]
            paces = [_latency(browser, site, pace, arguments.seconds) for pace in (50.0, 400.0)]
            memory = site.server.memory_mb()
    _write(drawn, paces, memory, arguments)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each page is opened")
    parser.add_argument("--seconds", type=int, default=20, help="seconds of asking, each time")
    parser.add_argument("--history", type=int, default=100_000, help="predictions in the history")
    parser.add_argument("--project", type=Path, help="a project that was built before, to be measured as it is")
    return parser.parse_args()


@contextmanager
def _site(project: Path) -> Iterator[Site]:
    """`winnow up` with an account, on both cores."""
    command = [sys.executable, "-m", "winnow", "--project", str(project)]
    add = [*command, "users", "add", NAME, "--role", "admin", "--password-stdin"]
    subprocess.run(add, input=PASSWORD, text=True, check=False, capture_output=True)  # there already: as well
    port = free_port()
    with process([*command, "up", "--port", str(port)], {"WINNOW_LOG_LEVEL": "warning"}, BOTH_CORES) as (
        pid,
        since,
    ):
        url = f"http://127.0.0.1:{port}"
        session = _session(url, since)
        server = Running(port, f"/services/{page_project.SERVICE}/predict", pid, time.perf_counter() - since)
        yield Site(server, url, session)


def _session(url: str, since: float) -> str:
    while time.perf_counter() - since < 60:
        try:
            with Client(url) as client:
                return client.sign_in(NAME, PASSWORD).session
        except ConnectionFailed:
            time.sleep(0.05)
    raise RuntimeError(f"no answer at {url} after a minute")


@contextmanager
def _browser() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        sys.exit("chromium is needed: on Debian, apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_ARGUMENTS))
        yield browser
        browser.close()


def _draw(browser: Browser, site: Site, title: str, rounds: int) -> Drawn:
    """Medians of so many rounds."""
    first, again, turned = [], [], []
    for _ in range(rounds):
        context = _signed_in(browser, site)
        page = context.new_page()
        address = f"{site.url}/ui/{'' if title == PAGES[0] else title.lower()}"
        first.append(_timed(page, title, partial(page.goto, address)))
        again.append(_timed(page, title, partial(page.goto, address)))
        other = PAGES[0] if title != PAGES[0] else PAGES[1]
        _timed(page, other, partial(_follow, page, other))
        turned.append(_timed(page, title, partial(_follow, page, title)))
        context.close()
    return Drawn(title, median(first), median(again), median(turned))


def _signed_in(browser: Browser, site: Site) -> BrowserContext:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.add_cookies([{"name": "winnow_session", "value": site.session, "url": f"{site.url}/ui"}])
    return context


def _follow(page: Page, title: str) -> None:
    page.get_by_role("navigation").get_by_role("link", name=title, exact=True).click()


def _timed(page: Page, title: str, go: Callable[[], object]) -> float:
    """Seconds until the page has its heading, its script has ended and nothing of it is still to come."""
    started = time.perf_counter()
    go()
    page.get_by_role("main").get_by_role("heading", name=HEADINGS.get(title, title)).first.wait_for()
    page.wait_for_function(f"{_DRAWN} && {_NOTHING_TO_COME}")
    return time.perf_counter() - started


def _latency(browser: Browser, site: Site, per_second: float, seconds: int) -> Latency:
    alone = _ask(site, per_second, seconds)
    turned = 0
    beside: list[float] = []
    asking = threading.Thread(target=lambda: beside.extend(_ask(site, per_second, seconds)))
    context = _signed_in(browser, site)
    page = context.new_page()
    _timed(page, PAGES[0], partial(page.goto, f"{site.url}/ui/"))
    asking.start()
    while asking.is_alive():
        title = PAGES[(turned + 1) % len(PAGES)]
        _timed(page, title, partial(_follow, page, title))
        turned += 1
        time.sleep(PAUSE)
    context.close()
    return Latency(per_second, *_shares(alone), *_shares(beside), turned)


def _ask(site: Site, per_second: float, seconds: int) -> list[float]:
    texts = sample_texts(_REVIEWS, "Commentaire", 200)
    words = [f"{site.url}{site.server.path}", str(seconds), str(CONNECTIONS), str(per_second), site.session]
    command = [sys.executable, str(HERE / "paced.py"), *words]
    printed = subprocess.run(command, input=json.dumps(texts), capture_output=True, text=True, check=True).stdout
    latencies: list[float] = json.loads(printed)
    return latencies


def _shares(latencies: Sequence[float]) -> tuple[float, float]:
    """Median and 99th percentile."""
    hundredths = quantiles(latencies, n=100)
    return hundredths[49], hundredths[98]


def _write(drawn: Sequence[Drawn], paces: Sequence[Latency], memory: float, arguments: argparse.Namespace) -> None:
    raw: Mapping[str, Any] = {
        "measured": f"{datetime.now(UTC):%Y-%m-%d}",
        "cores": len(os.sched_getaffinity(0)),
        "load_before": os.getloadavg()[2],
        "rounds": arguments.rounds,
        "history": arguments.history,
        "server_mb": memory,
        "pages": [asdict(each) for each in drawn],
        "predictions": [asdict(each) for each in paces],
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "page.json").write_text(json.dumps(raw, indent=1) + "\n", encoding="utf-8")
    text = "\n\n".join(["# The page", _conditions(raw), _pages_table(drawn), _latency_table(paces)])
    (RESULTS / "page.md").write_text(text + "\n", encoding="utf-8")
    print(text)


def _conditions(raw: Mapping[str, Any]) -> str:
    return (
        f"Measured on {raw['measured']} with `python benchmarks/page.py`: a project of 17,203 examples, three "
        f"trainings and {raw['history']:,} predictions in its history. Chromium, the server and the load share "
        f"{raw['cores']} cores. Medians of {raw['rounds']} rounds; the server had {raw['server_mb']:.0f} MB at the "
        "end."
    )


def _pages_table(drawn: Sequence[Drawn]) -> str:
    lines = [f"| {each.page} | {each.first:.2f} | {each.again:.2f} | {each.turned:.2f} |" for each in drawn]
    return (
        "Seconds until a page is drawn: its heading is there, its script has ended, and nothing of it is still to "
        "come. At a first visit nothing is in the browser's cache.\n\n"
        "| page | first visit | opened again | by a click |\n|---|--:|--:|--:|\n" + "\n".join(lines)
    )


def _latency_table(paces: Sequence[Latency]) -> str:
    lines = [
        f"| {p.per_second:.0f} | {p.alone_p50:.2f} | {p.alone_p99:.2f} | {p.beside_p50:.2f} | {p.beside_p99:.2f} | "
        f"{p.beside_p50 / p.alone_p50:.2f} | {p.beside_p99 / p.alone_p99:.2f} | {p.pages_turned} |"
        for p in paces
    ]
    return (
        f"Milliseconds for a prediction over HTTP, at {CONNECTIONS} connections and a steady pace: alone, and "
        "while somebody turns from page to page, looking at each for a second.\n\n"
        "| asked a second | p50 alone | p99 alone | p50 beside | p99 beside | × p50 | × p99 | pages turned |\n"
        "|--:|--:|--:|--:|--:|--:|--:|--:|\n" + "\n".join(lines)
    )


if __name__ == "__main__":
    main()
