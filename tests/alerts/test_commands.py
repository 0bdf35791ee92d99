"""`winnow alerts`, and what `winnow status` says of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.alerts.making import WRONG
from tests.cli.conftest import winnow
from tests.jobs.receiver import receiving
from tests.projects import make_project, settings_of
from winnow.domain import Alert, now
from winnow.monitoring import alerts as life
from winnow.store import Database, alerts
from winnow.store.alerts import AlertFilter


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with an alert that is open, and one that was resolved."""
    folder = make_project(tmp_path / "shop")
    database = Database(settings_of(folder).database_url)
    database.migrate()
    with database.write() as connection:
        resolved = life.report(connection, "sentiment", WRONG, now())
    life.acknowledge(database, resolved.id, "ada")
    with database.write() as connection:
        life.report(connection, "sentiment", WRONG, now())
    database.close()
    return folder


def newest(project: Path) -> Alert:
    database = Database(settings_of(project).database_url)
    with database.read() as connection:
        alert = alerts.newest(connection, 1, AlertFilter())[0]
    database.close()
    return alert


def test_open_alerts_for_people_and_for_programs(project: Path) -> None:
    shown = winnow("alerts", project=project)
    assert shown.code == 0
    (line,) = [line for line in shown.out.splitlines() if "rolled-back" in line]
    assert "rolled-back on sentiment  open" in line
    assert newest(project).id in line
    (alert,) = winnow("alerts", "--json", project=project).json["alerts"]
    assert (alert["rule"], alert["state"], alert["value"]) == ("rolled-back", "open", 0.3)
    every = winnow("alerts", "--all", "--json", project=project).json["alerts"]
    assert [entry["state"] for entry in every] == ["open", "resolved"]
    assert "resolved, seen by ada" in winnow("alerts", "--all", project=project).out


def test_acknowledging_is_kept_with_who_did(project: Path) -> None:
    alert = newest(project)
    done = winnow("alerts", "--acknowledge", alert.id, project=project)
    assert (done.code, done.out) == (0, "acknowledged: rolled-back on sentiment\n")
    assert (newest(project).acknowledged_by or "").startswith("cli:")
    assert winnow("alerts", project=project).out == "no alert is open\n"
    again = winnow("alerts", "--acknowledge", alert.id, project=project)
    assert again.code == 4
    assert "only an open one can be acknowledged" in again.err
    assert winnow("alerts", "--acknowledge", "nothing", project=project).code == 3


def test_status_names_what_is_open(project: Path) -> None:
    assert "Open alerts: rolled-back on sentiment. See `winnow alerts`." in winnow("status", project=project).out
    assert len(winnow("status", "--json", project=project).json["alerts"]) == 1


def test_a_project_without_alerts_says_so(tmp_path: Path) -> None:
    project = make_project(tmp_path / "shop")
    assert winnow("alerts", project=project).out == "no alert is open\n"
    assert winnow("alerts", "--all", project=project).out == "there was no alert yet\n"
    assert "Open alerts" not in winnow("status", project=project).out


@pytest.mark.slow
def test_a_test_message_says_who_took_it(tmp_path: Path) -> None:
    project = make_project(tmp_path / "shop")
    with receiving(204) as receiver, receiving(500) as broken:
        good, bad = f"discord+{receiver.url}/secret", f"discord+{broken.url}/secret"
        told = winnow("alerts", "--test", project=project, more={"WINNOW_NOTIFY": good})
        assert (told.code, told.out) == (0, "all were told: 1\n")
        failed = winnow("alerts", "--test", project=project, more={"WINNOW_NOTIFY": f"{good} {bad}"})
        assert failed.code == 7
        assert "1 of 2 were told; address 2: the service did not take it" in failed.err
        assert len(receiver.received) == 2
    nobody = winnow("alerts", "--test", project=project)
    assert (nobody.code, nobody.err.startswith("error: nobody is to be told")) == (2, True)
    wrong = winnow("alerts", "--test", project=project, more={"WINNOW_NOTIFY": "secret"})
    assert wrong.code == 2
    assert not any("secret" in ended.out + ended.err for ended in (told, failed, nobody, wrong))
    assert winnow("alerts", "--test", "--acknowledge", "x", project=project).code == 2


def test_the_doctor_reads_the_addresses(tmp_path: Path) -> None:
    project = make_project(tmp_path / "shop")
    good = winnow("doctor", "--json", project=project, more={"WINNOW_NOTIFY": "discord://1/secret"})
    bad = winnow("doctor", "--json", project=project, more={"WINNOW_NOTIFY": "discord://1/secret discord://secret"})
    for ended, state in ((good, "ok"), (bad, "failed")):
        (check,) = [check for check in ended.json["checks"] if check["name"] == "notify"]
        assert check["state"] == state
        assert "secret" not in ended.out
