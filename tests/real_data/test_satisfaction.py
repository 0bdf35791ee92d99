"""The life of a service on real data: 17,203 customer reviews, arriving in three instalments, each followed by a
training through the real trainer process.

Every figure is measured on the rows that the split holds back, duplicates taken out beforehand. Nothing here or in
the candidates was chosen by looking at those rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.projects import Server, settings_of
from tests.proofs.clients import Client
from tests.real_data.instalments import CANDIDATES, DATA, INSTALMENTS, NEEDS_DATA, PROJECT
from winnow.domain import Status
from winnow.lifecycle.load_report import LoadReport
from winnow.lifecycle.trainer import watch_run
from winnow.workspace import Workspace

pytestmark = NEEDS_DATA


@dataclass(frozen=True)
class Chapter:
    """One instalment: what became of its rows, the report of the training after it, and who answers since."""

    loaded: LoadReport
    report: Mapping[str, Any]
    champion: int
    seconds: float


@dataclass(frozen=True)
class Life:
    """The project after its third training, still open, and how it came there."""

    project: Path
    workspace: Workspace
    chapters: tuple[Chapter, ...]


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    project = tmp_path_factory.mktemp("life") / "shop"
    project.mkdir()
    (project / "winnow.toml").write_text(PROJECT, encoding="utf-8")
    workspace = Workspace(settings_of(project))
    workspace.open()
    chapters = tuple(live_through(workspace, DATA / name) for name in INSTALMENTS)
    yield Life(project, workspace, chapters)
    workspace.close()


def live_through(workspace: Workspace, file: Path) -> Chapter:
    """Load a file, train, wait for the end of it."""
    loaded = workspace.load("satisfaction", file, name=file.name)
    run = workspace.start_run("satisfaction")
    run = watch_run(workspace.database, "satisfaction", run.id, lambda _progress: None)
    assert run.status is Status.FINISHED, run.error
    assert run.report is not None
    assert run.started_at is not None
    assert run.finished_at is not None
    champion = workspace.champion("satisfaction")
    assert champion is not None
    seconds = (run.finished_at - run.started_at).total_seconds()
    print(f"{file.name}: trained in {seconds:.1f} s; version {champion.number} answers")  # noqa: T201  (pytest -s)
    return Chapter(loaded, run.report, champion.number, seconds)


def figures_of_champion(chapter: Chapter) -> Mapping[str, Any]:
    """What the champion measured in this chapter's run, as candidate or as the one to beat."""
    for candidate in chapter.report["candidates"]:
        if candidate["version"] == chapter.champion:
            metrics: Mapping[str, Any] = candidate["metrics"]
            return metrics
    before: Mapping[str, Any] = chapter.report["champion"]["metrics"]
    return before


def test_every_row_of_every_instalment_is_accounted_for(life: Life) -> None:
    """None is refused; what is there already is skipped and counted; the dataset is what remains."""
    for chapter, rows in zip(life.chapters, INSTALMENTS.values(), strict=True):
        assert (chapter.loaded.rows, chapter.loaded.refused) == (rows, 0)
        assert chapter.loaded.accepted + chapter.loaded.duplicates == rows
    accepted = sum(chapter.loaded.accepted for chapter in life.chapters)
    assert life.workspace.example_count("satisfaction") == accepted
    counts = life.chapters[-1].report["counts"]
    assert accepted - 50 < counts["examples"] <= accepted, "a few inputs were given two targets: the newest counts"
    assert counts["train"] + counts["test"] == counts["examples"]


def test_the_third_champion_is_right_about_nine_customers_of_ten(life: Life) -> None:
    """Accuracy, and F1 of the class that matters and is rarer: customers who are not satisfied."""
    figures = figures_of_champion(life.chapters[-1])
    assert figures["unanswered"] == 0
    assert figures["accuracy"] >= 0.895
    assert figures["labels"]["negative"]["f1"] >= 0.865


def test_every_candidate_learns_every_time_and_beats_the_baseline_by_far(life: Life) -> None:
    for chapter in life.chapters:
        assert [candidate["name"] for candidate in chapter.report["candidates"]] == list(CANDIDATES)
        baseline = chapter.report["baseline"]["metrics"]
        for candidate in chapter.report["candidates"]:
            assert candidate["status"] == "fitted", candidate["error"]
            assert candidate["metrics"]["accuracy"] > baseline["accuracy"] + 0.15
            assert candidate["metrics"]["f1_macro"] > baseline["f1_macro"] + 0.3


def test_every_version_is_in_the_registry_and_one_of_them_answers(life: Life) -> None:
    """Three runs of three candidates are nine versions, each with the run that it is of."""
    versions = life.workspace.versions("satisfaction", 100)
    assert [version.number for version in versions] == list(range(9, 0, -1))
    assert [version.number for version in versions if version.champion] == [life.chapters[-1].champion]
    assert {version.run_id for version in versions} == {chapter.report["run"] for chapter in life.chapters}


def test_each_change_of_champion_is_recorded_with_its_reasons_and_none_was_a_step_back(life: Life) -> None:
    """Whoever took over met every gate, `regression` against the champion before it included."""
    promotions = list(reversed(life.workspace.promotions("satisfaction", 100)))
    decided = [chapter.report["decision"]["promoted"] for chapter in life.chapters]
    assert [promotion.version for promotion in promotions] == [number for number in decided if number is not None]
    assert promotions[0].previous is None
    for before, after in pairwise(promotions):
        assert after.previous == before.version
    for promotion in promotions:
        assert any("f1_macro" in reason for reason in promotion.reasons)
        gates = {version.number: version.gates for version in life.workspace.versions("satisfaction", 100)}
        assert all(gate["passed"] for gate in gates[promotion.version])


def test_the_champion_answers_customers_of_both_kinds(life: Life) -> None:
    """Served as it would be in production."""
    with Server(life.project) as server, Client(server.url) as client:
        asked = {
            "Colis jamais reçu, service client injoignable, je veux être remboursé !": "negative",
            "Très satisfaite, livraison rapide et produit conforme. Je recommande.": "positive",
        }
        body = {"inputs": list(asked)}
        reply = client.ask("POST", "/services/satisfaction/predict", body)
        assert [row["label"] for row in reply.body["predictions"]] == list(asked.values())
        assert {row["version"] for row in reply.body["predictions"]} == {life.chapters[-1].champion}
