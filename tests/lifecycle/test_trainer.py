"""Training in a process of its own: real processes, that end well, are cancelled, crash and are killed."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.lifecycle.room import Room, make_moods
from winnow.domain import Run, Status
from winnow.errors import Conflict, NotFound
from winnow.lifecycle.trainer import cancel_run, log_file, start_run, watch_run
from winnow.project import Project
from winnow.store import runs

SLOW = {"family": "toy-slow", "seconds": 60.0}
DEAF = {"family": "toy-deaf", "seconds": 60.0}


def ignore(_progress: Mapping[str, Any]) -> None: ...


def start(room: Room, project: Project) -> Run:
    return start_run(room.database, project, room.settings, "mood")


def wait_until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def wait_for_stage(room: Room, run: Run, stage: str) -> int:
    """Wait until the run's process is at this stage; returns its number."""
    wait_until(lambda: (room.run(run.id).progress or {}).get("stage") == stage)
    pid = room.run(run.id).pid
    assert pid is not None
    return pid


def gone(pid: int) -> bool:
    """Whether there is no such process any more, not even as a zombie."""
    return not Path(f"/proc/{pid}").exists()


def assert_can_be_trained_again(room: Room) -> None:
    run = start(room, room.configure())
    assert watch_run(room.database, "mood", run.id, ignore).status is Status.FINISHED
    assert room.folders() == [run.id]
    assert len(room.versions()) == 1


@pytest.fixture
def filled(room: Room) -> Room:
    """A project with enough examples to learn from."""
    room.add(make_moods(60))
    return room


def test_a_run_is_carried_out_in_its_own_process(filled: Room) -> None:
    project = filled.configure(candidates=[{"family": "toy-slow", "seconds": 1.0}, "toy-words"])
    run = start(filled, project)
    assert run.status is Status.QUEUED
    told: list[Mapping[str, Any]] = []
    ended = watch_run(filled.database, "mood", run.id, told.append)
    assert ended.status is Status.FINISHED, ended.error
    assert ended.pid not in (None, os.getpid())
    assert ended.report is not None
    assert ended.report["decision"]["promoted"] == filled.champion()
    assert len(told) >= 4
    assert [entry["done"] for entry in told] == sorted(entry["done"] for entry in told)
    assert {"stage", "candidate", "done", "candidates"} == set(told[0])
    assert "dawdling" in {entry["stage"] for entry in told}
    assert ended.pid is not None
    wait_until(lambda: gone(ended.pid or 0))


def test_its_process_is_nice_and_leaves_a_processor_to_serving(
    filled: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("MKL_NUM_THREADS", "7")
    run = start(filled, filled.configure(candidates=[SLOW]))
    pid = wait_for_stage(filled, run, "dawdling")
    assert os.getpriority(os.PRIO_PROCESS, pid) == os.getpriority(os.PRIO_PROCESS, 0) + 10
    environment = dict(
        entry.partition("=")[::2] for entry in Path(f"/proc/{pid}/environ").read_text().split("\0") if entry
    )
    assert environment["OMP_NUM_THREADS"] == str(max(1, len(os.sched_getaffinity(0)) - 1))
    assert environment["MKL_NUM_THREADS"] == "7"
    assert environment["WINNOW_PROJECT"] == str(filled.folder)
    assert os.getsid(pid) == pid
    cancel_run(filled.database, "mood", run.id)
    wait_until(lambda: gone(pid))


def test_a_service_is_trained_once_at_a_time(filled: Room) -> None:
    project = filled.configure(candidates=[SLOW])
    run = start(filled, project)
    with pytest.raises(Conflict, match="is being trained already"):
        start(filled, project)
    pid = wait_for_stage(filled, run, "dawdling")
    cancel_run(filled.database, "mood", run.id)
    wait_until(lambda: gone(pid))


def test_an_unknown_service_is_refused_before_anything_is_stored(filled: Room) -> None:
    with pytest.raises(NotFound, match="Did you mean 'mood'"):
        start_run(filled.database, filled.configure(), filled.settings, "moood")
    assert not (filled.settings.folder / "runs").exists()


def test_a_run_that_cannot_learn_fails_with_a_sentence(room: Room) -> None:
    run = start(room, room.configure())
    ended = watch_run(room.database, "mood", run.id, ignore)
    assert ended.status is Status.FAILED
    assert ended.error == "service 'mood' has no examples to learn from: add some first"


def test_an_unexpected_failure_keeps_its_traceback_in_the_log(filled: Room) -> None:
    (filled.settings.folder / "models").write_text("not a folder")
    run = start(filled, filled.configure())
    ended = watch_run(filled.database, "mood", run.id, ignore)
    assert ended.status is Status.FAILED
    assert str(ended.error).startswith("NotADirectoryError: ")
    assert "Traceback" in log_file(filled.settings, run.id).read_text()


def test_a_cancelled_run_stops_soon_and_leaves_nothing(filled: Room) -> None:
    run = start(filled, filled.configure(candidates=["toy-words", SLOW]))
    pid = wait_for_stage(filled, run, "dawdling")
    assert filled.folders() == [f".staging-{run.id}"]
    began = time.monotonic()
    assert cancel_run(filled.database, "mood", run.id).status is Status.CANCELLED
    wait_until(lambda: gone(pid))
    assert time.monotonic() - began < 10
    assert filled.folders() == []
    assert filled.versions() == []
    assert filled.run(run.id).error == "cancelled by a person"
    with pytest.raises(Conflict, match="has ended already: it is cancelled"):
        cancel_run(filled.database, "mood", run.id)
    assert_can_be_trained_again(filled)


def test_a_run_deep_in_compiled_code_is_stopped_all_the_same(filled: Room) -> None:
    run = start(filled, filled.configure(candidates=["toy-words", DEAF]))
    pid = wait_for_stage(filled, run, "dawdling")
    cancel_run(filled.database, "mood", run.id)
    wait_until(lambda: gone(pid), 8)
    assert filled.folders() == []
    assert_can_be_trained_again(filled)


def test_a_run_cancelled_from_elsewhere_stops_without_a_signal(filled: Room) -> None:
    run = start(filled, filled.configure(candidates=[SLOW]))
    pid = wait_for_stage(filled, run, "dawdling")
    with filled.database.write() as connection:
        runs.end(connection, run.id, Status.CANCELLED)
    wait_until(lambda: gone(pid), 8)
    assert filled.folders() == []


def test_a_run_cancelled_before_it_began_does_not_begin(filled: Room) -> None:
    run = start(filled, filled.configure(candidates=[SLOW]))
    cancel_run(filled.database, "mood", run.id)
    ended = watch_run(filled.database, "mood", run.id, ignore)
    assert ended.status is Status.CANCELLED
    assert ended.started_at is None
    assert_can_be_trained_again(filled)


@pytest.mark.parametrize("candidate", [SLOW, DEAF])
def test_asked_to_end_by_the_machine_it_says_so(filled: Room, candidate: Mapping[str, Any]) -> None:
    run = start(filled, filled.configure(candidates=[candidate]))
    pid = wait_for_stage(filled, run, "dawdling")
    os.kill(pid, signal.SIGTERM)
    ended = watch_run(filled.database, "mood", run.id, ignore)
    assert ended.status is Status.CANCELLED
    assert ended.error == "its process was asked to end"
    wait_until(lambda: gone(pid), 8)
    assert filled.folders() == []


def test_a_process_that_dies_is_noticed_at_once(filled: Room) -> None:
    run = start(filled, filled.configure(candidates=["toy-words", "toy-dying"]))
    began = time.monotonic()
    ended = watch_run(filled.database, "mood", run.id, ignore)
    assert time.monotonic() - began < 20
    assert ended.status is Status.FAILED
    assert ended.error == "its process was killed by SIGKILL: perhaps the machine ran out of memory"
    assert filled.folders() == [f".staging-{run.id}"]
    assert_can_be_trained_again(filled)


def test_a_process_that_cannot_even_begin_is_noticed_at_once(filled: Room) -> None:
    project = filled.configure()
    (filled.folder / "winnow.toml").write_text("[project")
    run = start(filled, project)
    ended = watch_run(filled.database, "mood", run.id, ignore)
    assert ended.status is Status.FAILED
    assert "its process ended with exit code 1: winnow.errors.ProjectError:" in str(ended.error)
    assert "is not TOML" in str(ended.error)


def test_a_run_whose_process_fell_silent_is_failed_by_whoever_watches(filled: Room) -> None:
    run = filled.queue()  # as another machine's process would, that died
    with filled.database.write() as connection:
        long_ago = run.created_at - timedelta(seconds=31)
        connection.exec_driver_sql(
            "UPDATE runs SET heartbeat_at = ?", (long_ago.replace(tzinfo=None).isoformat(" "),)
        )
    ended = watch_run(filled.database, "mood", run.id, ignore)
    assert ended.status is Status.FAILED
    assert ended.error == "its process died"
    assert_can_be_trained_again(filled)


@pytest.mark.slow
def test_killed_at_any_moment_it_leaves_everything_or_nothing(filled: Room) -> None:
    chance = random.Random(0)
    for _ in range(12):
        project = filled.configure(candidates=[{"family": "toy-slow", "seconds": 0.3}, "linear-svm"])
        before = len(filled.versions())
        run = start(filled, project)
        wait_until(lambda run=run: filled.run(run.id).pid is not None)  # type: ignore[misc]
        time.sleep(chance.uniform(0, 1.2))
        pid = filled.run(run.id).pid
        assert pid is not None
        if not gone(pid):
            os.kill(pid, signal.SIGKILL)
        ended = watch_run(filled.database, "mood", run.id, ignore)
        kept = len(filled.versions()) - before
        if ended.status is Status.FINISHED:
            assert kept == 2
            assert ended.report is not None
            assert filled.champion() == ended.report["decision"]["promoted"]
        else:
            assert ended.status is Status.FAILED
            assert kept == 0
    final = start(filled, filled.configure())
    assert watch_run(filled.database, "mood", final.id, ignore).status is Status.FINISHED
    assert filled.folders() == sorted({version.run_id for version in filled.versions()})
