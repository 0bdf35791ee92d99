"""The DAG for Airflow, carried out by a real Airflow in an environment of its own, against a real Winnow."""

from __future__ import annotations

import csv
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pytest

from tests.lifecycle.conftest import room, toys
from tests.lifecycle.room import Room, make_moods
from tests.projects import Server
from winnow.accounts.tokens import Tokens
from winnow.client import Client
from winnow.domain import Role, Status

__all__ = ["room", "toys"]

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "build" / "airflow" / "bin" / "airflow"
DAG_FILE = ROOT / "integrations" / "airflow" / "winnow_airflow.py"
SECONDS = 240.0
"""How long one command may take on a busy machine."""

_AGAIN = """
import sys
from datetime import datetime
sys.path.insert(0, sys.argv[1])
from mine import dag
logical_date, run_after = map(datetime.fromisoformat, sys.argv[2:])
dag.test(logical_date=logical_date, run_after=run_after)
"""


@dataclass(frozen=True)
class CarriedOut:
    """A run of a DAG: the state of each task (`candidate[0]` of a mapped one), and the log."""

    run: str
    states: Mapping[str, str]
    log: str


@dataclass(frozen=True)
class Airflow:
    """An Airflow with a folder of DAGs, in which the factory lies as a user would put it."""

    home: Path

    def migrate(self) -> None:
        self._run([PROGRAM, "db", "migrate"])

    def write(self, call: str) -> None:
        """A file that makes a DAG, as the documentation shows it."""
        (self.home / "dags" / "mine.py").write_text(f"from winnow_airflow import winnow_dag\n\ndag = {call}\n")

    def carry_out(self, dag: str, day: str, **environment: str) -> CarriedOut:
        """Carry a DAG out for a day."""
        log = self._run([PROGRAM, "dags", "test", dag, day], environment)
        return self._found(dag, day, log)

    def try_again(self, dag: str, day: str, **environment: str) -> CarriedOut:
        """Carry every task of that run out once more, as if none of them had come to its end."""
        run_after = self._found(dag, day, "").run.partition("__")[2]
        arguments = str(self.home / "dags"), f"{day}T00:00:00+00:00", run_after
        log = self._run([PROGRAM.with_name("python"), "-c", _AGAIN, *arguments], environment)
        return self._found(dag, day, log)

    def _found(self, dag: str, day: str, log: str) -> CarriedOut:
        with closing(sqlite3.connect(self.home / "airflow.db")) as connection:
            rows = connection.execute(
                "SELECT run_id, task_id, map_index, task_instance.state FROM task_instance JOIN dag_run "
                "USING (dag_id, run_id) WHERE dag_id = ? AND logical_date LIKE ?",
                (dag, f"{day}%"),
            ).fetchall()
        (run,) = {row[0] for row in rows} or {log}
        states = {task if index < 0 else f"{task}[{index}]": state for _, task, index, state in rows}
        return CarriedOut(run, states, log)

    def _run(self, command: Sequence[str | Path], environment: Mapping[str, str] = MappingProxyType({})) -> str:
        mine = ("WINNOW_", "AIRFLOW_", "PYTHON", "PROMETHEUS_")
        clean = {key: value for key, value in os.environ.items() if not key.startswith(mine)}
        own = {
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.home / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "false",
        }
        done = subprocess.run(
            command,
            env={**clean, **own, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return done.stdout


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Airflow:
    if not PROGRAM.exists():
        pytest.skip("Airflow is not installed in build/airflow: `make airflow` does it")
    home = tmp_path_factory.mktemp("airflow")
    (home / "dags").mkdir()
    shutil.copy(DAG_FILE, home / "dags")
    made = Airflow(home)
    made.migrate()
    return made


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A file of examples, with a name that a form has to quote."""
    path = tmp_path / 'été "2".csv'
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *make_moods(80)])
    return path


@pytest.fixture
def token(room: Room) -> str:
    """What Airflow signs in with."""
    return Tokens(room.database).add("airflow", Role.ADMIN)[1]


@pytest.fixture
def serving(room: Room) -> Iterator[Server]:
    """A server of the room, which nobody may use without a token. Its project is written by the test first."""
    server = Server(room.folder, anonymous="nobody")
    yield server
    server.stop()


def dag_of(server: Server, **options: object) -> str:
    given = {"url": server.url, "default_args": {"retries": 0}, **options}
    return f"winnow_dag('mood', {', '.join(f'{key}={value!r}' for key, value in given.items())})"


@pytest.mark.slow
def test_the_best_candidate_is_promoted_and_one_that_fails_fails_alone(
    airflow: Airflow, room: Room, serving: Server, token: str, data: Path
) -> None:
    room.configure(candidates=["toy-words", "toy-refusing"])
    serving.start()
    airflow.write(dag_of(serving, data=str(data)))
    first = airflow.carry_out("winnow_mood", "2026-11-20", WINNOW_TOKEN=token)
    succeeded = dict.fromkeys(
        ("load", "train", "candidates", "candidate[0]", "report", "gate", "promote"), "success"
    )
    assert first.states == {**succeeded, "candidate[1]": "failed"}, first.log
    assert "80 rows added, 0 were there" in first.log
    assert "toy-refusing could not learn: these examples are too dull" in first.log
    assert "version 1 answers users now" in first.log
    assert token not in first.log
    with Client(serving.url, token=token) as client:
        (run,) = client.runs("mood")
        assert (run.status, run.promote) == (Status.FINISHED, "manual")
        assert [version.champion for version in client.versions("mood").versions] == [True]

        again = airflow.try_again("winnow_mood", "2026-11-20", WINNOW_TOKEN=token)
        assert (again.run, again.states) == (first.run, first.states), again.log
        assert "0 rows added, 80 were there" in again.log
        assert "version 1 is the champion already" in again.log
        assert [same.id for same in client.runs("mood")] == [run.id], "what is tried again trains nothing again"
        assert len(client.versions("mood").promotions) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("missed", "gate", "promote"), [("fail", "failed", "upstream_failed"), ("skip", "skipped", "skipped")]
)
def test_a_gate_that_nobody_meets_promotes_nothing(
    airflow: Airflow, room: Room, serving: Server, token: str, missed: str, gate: str, promote: str
) -> None:
    room.configure(more='gates = { accuracy = "> 1" }')
    room.add(make_moods(60))
    serving.start()
    airflow.write(dag_of(serving, dag_id=f"moods_{missed}", missed_gates=missed))
    done = airflow.carry_out(f"moods_{missed}", "2026-11-21", WINNOW_TOKEN=token)
    succeeded = dict.fromkeys(("train", "candidates", "candidate[0]", "report"), "success")
    assert done.states == {**succeeded, "gate": gate, "promote": promote}, done.log
    assert "no candidate meets its gates; toy-words: accuracy" in done.log
    assert room.champion() is None
    assert len(room.versions()) == 1


@pytest.mark.slow
def test_a_refusal_stands_in_the_log(airflow: Airflow, room: Room, serving: Server) -> None:
    room.configure()
    serving.start()
    airflow.write(dag_of(serving, dag_id="moods_without_token"))
    done = airflow.carry_out("moods_without_token", "2026-11-22")
    assert done.states["train"] == done.states["candidates"] == done.states["report"] == "failed", done.log
    assert done.states["gate"] == done.states["promote"] == "upstream_failed"
    assert "was answered with 401: sign in first" in done.log
    assert "there is no training to report on: see the task train" in done.log
