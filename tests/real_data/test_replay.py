"""The same life through the API, as the page leads it: each instalment is uploaded, reported on and trained on.

Then a gate that nobody meets, of which a person hears once: in a message to an endpoint that stands in for Discord.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.jobs.receiver import Receiver, receiving
from tests.projects import Server, wait_until
from tests.real_data.instalments import CANDIDATES, DATA, INSTALMENTS, NEEDS_DATA, PROJECT
from winnow.client import Client
from winnow.client.answers import LoadReport, Run
from winnow.domain import AlertState

SERVICE = "satisfaction"
ROUND_SECONDS = 0.2
"""Between two looks at what people should be told of."""

QUICKLY = "[project.alerts]\nhold_minutes = 0\n"

pytestmark = NEEDS_DATA


@dataclass(frozen=True)
class Chapter:
    """One instalment: what a look at the file said, what became of its rows, and the training after it."""

    seen: LoadReport
    loaded: LoadReport
    run: Run


@dataclass(frozen=True)
class Replay:
    """The project after its third training. `messages` holds what its alerts are sent to."""

    project: Path
    messages: Receiver
    chapters: tuple[Chapter, ...]

    def served(self) -> Server:
        """A server of it that looks for alerts all the time."""
        address = self.messages.url.removeprefix("http://")
        notify = f"discord+http://{address}/hooks/1/secret"
        return Server(self.project, anonymous="admin", monitor_seconds=ROUND_SECONDS, notify=notify)


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replay]:
    project = tmp_path_factory.mktemp("replay") / "shop"
    project.mkdir()
    (project / "winnow.toml").write_text(PROJECT + QUICKLY, encoding="utf-8")
    with receiving() as messages:
        before = Replay(project, messages, ())
        with before.served() as server, Client(server.url, timeout=120) as client:
            chapters = tuple(_live_through(client, DATA / name) for name in INSTALMENTS)
        yield Replay(project, messages, chapters)


def _live_through(client: Client, file: Path) -> Chapter:
    seen = client.upload(SERVICE, file, dry_run=True)
    loaded = client.upload(SERVICE, file)
    return Chapter(seen, loaded, client.wait(client.train(SERVICE)))


def test_the_report_on_a_file_says_what_its_upload_does(replay: Replay) -> None:
    for chapter, rows in zip(replay.chapters, INSTALMENTS.values(), strict=True):
        assert (chapter.loaded.rows, chapter.loaded.refused) == (rows, 0)
        assert chapter.seen.batch is None
        assert chapter.loaded.batch is not None
        for figure in ("rows", "accepted", "duplicates", "refused", "encoding", "separator", "labels"):
            assert getattr(chapter.seen, figure) == getattr(chapter.loaded, figure), figure


def test_each_upload_is_kept_as_it_was_sent(replay: Replay, tmp_path: Path) -> None:
    with replay.served() as server, Client(server.url) as client:
        for name, chapter in zip(INSTALMENTS, replay.chapters, strict=True):
            assert chapter.loaded.batch is not None
            client.download_upload(SERVICE, chapter.loaded.batch, tmp_path / name)
            assert (tmp_path / name).read_bytes() == (DATA / name).read_bytes()


def test_reports_show_three_points_per_candidate(replay: Replay) -> None:
    """One for each training, on growing data."""
    with replay.served() as server, Client(server.url) as client:
        reports = list(reversed(client.reports(SERVICE)))
    assert [report.run for report in reports] == [chapter.run.id for chapter in replay.chapters]
    for name in CANDIDATES:
        points = [
            (report.report["counts"]["train"], candidate["metrics"]["f1_macro"])
            for report in reports
            for candidate in report.report["candidates"]
            if candidate["name"] == name
        ]
        sizes = [size for size, _ in points]
        assert len(points) == 3, name
        assert sizes == sorted(set(sizes)), "each training had more examples than the one before"
        assert all(0.80 < figure < 1 for _, figure in points), name


def test_nobody_is_told_of_anything_while_gates_are_met(replay: Replay) -> None:
    with replay.served() as server, Client(server.url) as client:
        assert [alert for alert in client.alerts() if alert.rule == "gates-missed"] == []


def test_a_gate_that_nobody_meets_raises_one_alert_and_sends_one_message(replay: Replay) -> None:
    config = replay.project / "winnow.toml"
    strict = PROJECT.replace('accuracy = ">= 0.80"', 'accuracy = ">= 0.99"')
    config.write_text(strict + QUICKLY, encoding="utf-8")
    replay.messages.received.clear()
    with replay.served() as server, Client(server.url, timeout=120) as client:
        champion = client.service(SERVICE).champion
        run = client.wait(client.train(SERVICE))
        assert run.report is not None
        assert run.report["decision"]["promoted"] is None
        wait_until(lambda: bool(client.alerts(state=AlertState.OPEN)), 20)
        wait_until(lambda: bool(replay.messages.received), 20)
        time.sleep(10 * ROUND_SECONDS)  # whoever looks at alerts looks again, and finds the same one
        (alert,) = client.alerts()
        assert client.service(SERVICE).champion == champion, "who met their gates goes on answering"
    assert (alert.rule, alert.service, alert.state) == ("gates-missed", SERVICE, AlertState.OPEN)
    (message,) = replay.messages.received
    assert message.path.startswith("/hooks/1/secret")
    said = json.loads(message.body)
    (embed,) = said["embeds"]
    assert SERVICE in embed["title"]
    assert "0.99" in embed["description"]
