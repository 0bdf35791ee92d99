"""Measuring on real stores: profiles come with training, measurements with what is new, from one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, update

from tests.projects import make_project, train_directly
from winnow.domain import Example, Measurement, Prediction, Run, Status, Target, new_id, now
from winnow.jobs.measuring import Measuring, quality_of
from winnow.lifecycle.training import train
from winnow.monitoring.live import NO_PROFILE
from winnow.monitoring.profile import Profile
from winnow.settings import load_settings
from winnow.store import examples, measurements, predictions, profiles, reports, runs, schema, versions
from winnow.store.measurements import of_champions
from winnow.workspace import Workspace

SERVICE = "sentiment"
TOML = """
[project]
name = "tests"

[services.sentiment]
task = "text-classification"
label = "label"
labels = ["negative", "positive"]
data = ["reviews.csv"]
candidates = ["naive-bayes", "logistic-regression"]

[services.sentiment.gates]
accuracy = ">= 0.5"
"""


@pytest.fixture
def workspace(tmp_path: Path, database_url: str) -> Iterator[Workspace]:
    """A project whose two candidates were trained by a run; the better one is champion."""
    project = make_project(tmp_path / "project", TOML)
    with Workspace(load_settings(project=project, database=database_url)) as workspace:
        workspace.load_first_data(SERVICE)
        run_once(workspace)
        yield workspace


def run_once(workspace: Workspace) -> Run:
    with workspace.database.write() as connection:
        run = runs.create(connection, SERVICE)
    train(workspace.database, workspace.project, SERVICE, run.id, workspace.models)
    return run


def champion_of(workspace: Workspace) -> int:
    found = workspace.champion(SERVICE)
    assert found is not None
    return found.number


def answered(
    workspace: Workspace, count: int, label: str = "positive", *, version: int | None = None, days_ago: float = 0
) -> list[str]:
    """So many predictions in the history; returns their ids."""
    other = {"positive": "negative", "negative": "positive"}[label]
    rows = [
        Prediction(
            id=prediction_id,
            service=SERVICE,
            version=version or champion_of(workspace),
            input=f"a good product number {number}",
            answer={"label": label, "scores": {label: 0.75, other: 0.25}},
            latency_ms=1.0,
            request_id="request",
            client="tests",
            created_at=now() - timedelta(days=days_ago),
        )
        for number, prediction_id in enumerate(sorted(new_id() for _ in range(count)))
    ]
    with workspace.database.write() as connection:
        predictions.append(connection, rows)
    return [row.id for row in rows]


def say(workspace: Workspace, ids: Sequence[str], target: Target) -> None:
    """What is right for these predictions, from a person."""
    with workspace.database.write() as connection:
        workspace.database.lock(connection, "batches")
        for prediction_id in ids:
            example = examples.add_one(connection, SERVICE, Example(prediction_id, target), "feedback")
            predictions.set_feedback(connection, prediction_id, target, example)


def measured(workspace: Workspace) -> list[Measurement]:
    """Measure once; returns all measurements, newest first."""
    Measuring(workspace, 60).measure(SERVICE)
    return workspace.measurements(SERVICE, 100)


def test_every_version_of_a_run_has_its_profile(workspace: Workspace) -> None:
    with workspace.database.read() as connection:
        registered = versions.newest(connection, SERVICE, 10)
        found = {entry.number: profiles.find(connection, SERVICE, entry.number) for entry in registered}
    assert len(found) == 2
    for version in registered:
        facts = found[version.number]
        assert facts is not None
        profile = Profile.from_json(facts)
        assert profile.answers.rows == version.metrics["rows"]
        assert profile.targets.total == version.metrics["rows"]
        assert profile.words is not None
        assert profile.words.counts["the"] > 10
    words = [Profile.from_json(facts).words for facts in found.values() if facts is not None]
    assert words[0] == words[1], "the examples are the same for both"


def test_a_service_without_champion_is_left_alone(tmp_path: Path, database_url: str) -> None:
    project = make_project(tmp_path / "untrained", TOML)
    with Workspace(load_settings(project=project, database=database_url)) as workspace:
        assert measured(workspace) == []


def test_a_measurement_is_written_when_it_says_something_new(workspace: Workspace) -> None:
    (first,) = measured(workspace)
    assert (first.version, first.rows, first.feedback) == (champion_of(workspace), 0, 0)
    assert first.figures["accuracy"] is None
    assert len(measured(workspace)) == 1, "nothing has changed"
    ids = answered(workspace, 200)
    second, *_ = measured(workspace)
    assert second.rows == 200
    assert second.figures["labels"] == {"positive": 1.0}
    assert second.figures["label_psi"] > 0.25, "training had both labels"
    assert second.figures["vocabulary_js"] > 0.3
    say(workspace, ids[:15], "positive")
    say(workspace, ids[15:20], "negative")
    third, *_ = measured(workspace)
    assert (third.rows, third.feedback, third.figures["accuracy"]) == (200, 20, 0.75)
    assert [(gate["gate"], gate["passed"]) for gate in third.figures["gates"]] == [("accuracy", True)]
    assert third.id > second.id > first.id


def test_after_ten_minutes_it_is_written_though_nothing_changed(workspace: Workspace) -> None:
    (first,) = measured(workspace)
    with workspace.database.write() as connection:
        older = now() - timedelta(minutes=11)
        connection.execute(update(schema.measurements).values(created_at=older))
    assert [entry.figures for entry in measured(workspace)] == [first.figures] * 2


def test_only_the_champions_own_and_recent_predictions_count(workspace: Workspace) -> None:
    champion = champion_of(workspace)
    other = 3 - champion
    say(workspace, answered(workspace, 30, "negative", version=other), "negative")
    answered(workspace, 40, "negative", days_ago=8)
    answered(workspace, 100)
    newest, *_ = measured(workspace)
    assert (newest.rows, newest.feedback) == (100, 0)
    assert newest.figures["labels"] == {"positive": 1.0}
    workspace.promote(SERVICE, other, force=True)
    newest, *_ = measured(workspace)
    assert (newest.version, newest.rows, newest.feedback) == (other, 30, 30)
    assert newest.figures["accuracy"] == 1.0
    assert newest.figures["drift_unknown"] == "fewer than 100 predictions of the last days"


def test_only_so_many_of_the_newest_are_looked_at(workspace: Workspace) -> None:
    answered(workspace, 1500, "negative")
    answered(workspace, 2000, "positive")
    newest, *_ = measured(workspace)
    assert newest.rows == 2000
    assert newest.figures["labels"] == {"positive": 1.0}


def test_a_version_without_profile_says_why_it_has_no_drift(workspace: Workspace) -> None:
    with workspace.database.write() as connection:
        connection.execute(schema.profiles.delete())
    answered(workspace, 150)
    newest, *_ = measured(workspace)
    assert newest.figures["label_psi"] is None
    assert newest.figures["drift_unknown"] == NO_PROFILE


def test_quality_of_a_version_is_what_people_said_since(workspace: Workspace) -> None:
    task, champion = workspace.tasks[SERVICE], champion_of(workspace)
    old = answered(workspace, 10, days_ago=30)
    new = answered(workspace, 20)
    say(workspace, old, "negative")
    say(workspace, new[:15], "positive")
    with workspace.database.read() as connection:
        assert quality_of(connection, task, SERVICE, champion) == (15, 25)
        assert quality_of(connection, task, SERVICE, champion, now() - timedelta(days=1)) == (15, 15)
        assert quality_of(connection, task, SERVICE, champion + 1) == (0, 0)


async def test_one_process_at_a_time_measures(workspace: Workspace) -> None:
    """However many wake up together, one of them does it, and nobody again within the pause."""
    crew = [Measuring(workspace, 60) for _ in range(4)]
    await asyncio.gather(*(member.do() for member in crew))
    answered(workspace, 120)
    await asyncio.gather(*(member.do() for member in crew))
    assert [entry.rows for entry in workspace.measurements(SERVICE, 10)] == [0]
    await Measuring(workspace, 0).do()
    assert [entry.rows for entry in workspace.measurements(SERVICE, 10)] == [120, 0]


def test_old_measurements_are_forgotten(workspace: Workspace) -> None:
    measured(workspace)
    (first,) = measured(workspace)
    with workspace.database.write() as connection:
        for number in range(20):
            values = replace(first, id=new_id(), rows=number)
            row = {column.name: getattr(values, column.name) for column in schema.measurements.c}
            connection.execute(insert(schema.measurements).values(**row))
        assert measurements.prune(connection, "another", 5) == 0
        assert measurements.prune(connection, SERVICE, 5) == 16
        assert measurements.prune(connection, SERVICE, 5) == 0
    assert [entry.rows for entry in workspace.measurements(SERVICE, 100)] == [19, 18, 17, 16, 15]


def test_metrics_show_what_is_known_of_the_present_champion(workspace: Workspace) -> None:
    measured(workspace)
    with workspace.database.read() as connection:
        champions = versions.champions(connection)
        assert [entry.service for entry in of_champions(connection, champions)] == [SERVICE]
        assert of_champions(connection, {SERVICE: champions[SERVICE] + 1}) == []
        assert of_champions(connection, {"another": 1}) == []


def test_reports_are_those_of_runs_that_finished(workspace: Workspace) -> None:
    train_again = run_once(workspace)
    with workspace.database.write() as connection:
        failed = runs.create(connection, SERVICE)
        runs.end(connection, failed.id, Status.FAILED, "it broke")
        without_report = runs.create(connection, SERVICE)
        runs.end(connection, without_report.id, Status.FINISHED)
    with workspace.database.read() as connection:
        found = reports.newest(connection, SERVICE, 10)
        assert len(found) == 2
        assert found[0].run == train_again.id
        assert found[0].report["run"] == train_again.id
        assert reports.newest(connection, SERVICE, 1) == found[:1]
        assert reports.newest(connection, "another", 10) == []


def test_versions_that_no_run_trained_have_no_profile(tmp_path: Path) -> None:
    project = make_project(tmp_path / "direct", TOML)
    number = train_directly(project)
    with Workspace(load_settings(project=project)) as workspace, workspace.database.read() as connection:
        assert profiles.find(connection, SERVICE, number) is None


def test_of_files_only_the_answers_are_read(workspace: Workspace) -> None:
    answered(workspace, 3)
    champion = champion_of(workspace)
    since = now() - timedelta(days=1)
    with workspace.database.read() as connection:
        found = measurements.sample(connection, SERVICE, champion, 2, since, characters=0)
        texts = measurements.sample(connection, SERVICE, champion, 2, since, characters=6).texts
    assert [answer["label"] for answer in found.answers] == ["positive"] * 2
    assert (found.texts, texts) == ([], ["a good", "a good"])
