"""Training in a process of its own, so that serving stays quick and a crash stays there.

    python -m winnow.lifecycle.trainer RUN SERVICE

carries out a queued run; `start_run` starts that and `watch_run` follows it. How a run ends is said in the store.
The process exits with 0 when it has said so, and with anything else when it could not. What it logs is in
`runs/<run>.log` in the project's home.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

from loguru import logger

from winnow.domain import PromoteMode, Run, Status
from winnow.errors import Cancelled, Conflict, StoreFailed, WinnowError
from winnow.lifecycle.folders import models_folder, staging_folder
from winnow.lifecycle.pulse import Pulse
from winnow.lifecycle.training import train
from winnow.monitoring.logs import configure_logging
from winnow.project import Project, load_project
from winnow.settings import Settings, load_settings, to_environment
from winnow.store import Database, runs

SILENT_FOR = timedelta(seconds=30)
"""A run whose process has not been heard of for so long has died. A pulse beats every two seconds."""

_NICENESS = 10
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_LAST_WORDS_BYTES = 4096


def start_run(
    database: Database, project: Project, settings: Settings, service: str, promote: PromoteMode | None = None
) -> Run:
    """Start training a service in a process of its own; returns the queued run at once.

    `promote` is for this run; winnow.toml says otherwise.
    `NotFound` for an unknown service, `Conflict` where it is being trained already. The process outlives this one.
    """
    project.service(service)
    with database.write() as connection:
        runs.fail_silent(connection, SILENT_FOR)
        run = runs.create(connection, service, promote)
    try:
        process = _spawn(project, settings, run)
    except OSError as error:
        _end(database, run.id, Status.FAILED, f"its process could not be started: {error}")
        raise StoreFailed(f"the training of '{service}' could not be started: {error}") from error
    Thread(target=_attend, args=(database, run.id, process, log_file(settings, run.id)), daemon=True).start()
    return run


def cancel_run(database: Database, service: str, run_id: str) -> Run:
    """Cancel a run that is queued or started; `Conflict` where it has ended, `NotFound` where there is none.

    Once this returns nothing of the run will be kept. Its process ends by itself within a few seconds, wherever it
    is, and at once where it is on this machine and can be told.
    """
    with database.write() as connection:
        run = runs.get(connection, service, run_id)
        if not runs.end(connection, run_id, Status.CANCELLED, "cancelled by a person"):
            raise Conflict(f"run '{run_id}' of '{service}' has ended already: it is {run.status}")
        cancelled = runs.get(connection, service, run_id)
    if run.pid is not None and _is_trainer(run.pid, run_id):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(run.pid, signal.SIGTERM)
    return cancelled


def watch_run(
    database: Database,
    service: str,
    run_id: str,
    on_progress: Callable[[Mapping[str, Any]], None],
    poll: float = 0.1,
) -> Run:
    """Follow a run until it has ended, and return it. `poll` is in seconds; a run that fell silent is failed."""
    told: Mapping[str, Any] | None = None
    looked_for_silence = 0.0
    while True:
        if time.monotonic() - looked_for_silence > 1:
            with database.write() as connection:
                runs.fail_silent(connection, SILENT_FOR)
            looked_for_silence = time.monotonic()
        with database.read() as connection:
            run = runs.get(connection, service, run_id)
        if run.progress is not None and run.progress != told:
            told = run.progress
            on_progress(told)
        if run.status.final:
            return run
        time.sleep(poll)


def log_file(settings: Settings, run_id: str) -> Path:
    """Where the process of a run logs."""
    return settings.folder / "runs" / f"{run_id}.log"


def carry_out(database: Database, project: Project, models: Path, service: str, run_id: str) -> None:
    """Train, and say in the store how it ended. Call it in the main thread of a process that does nothing else."""
    try:
        with Pulse(database, run_id, staging_folder(models, service, run_id)) as pulse:
            train(database, project, service, run_id, models, pulse.tell)
    except Cancelled as error:
        logger.info("cancelled: {}", error)
        _end(database, run_id, Status.CANCELLED, str(error))
    except WinnowError as error:
        logger.opt(exception=error).error("failed: {}", error)
        _end(database, run_id, Status.FAILED, str(error))
    except Exception as error:  # noqa: BLE001  (the run's end must be said whatever it was)
        logger.opt(exception=error).error("failed unexpectedly")
        _end(database, run_id, Status.FAILED, f"{type(error).__name__}: {error}")


def main() -> None:
    """Carry out the run that the command line names, with the settings of the environment."""
    run_id, service = sys.argv[1:]
    os.nice(_NICENESS)
    settings = load_settings()
    configure_logging(settings)
    database = Database(settings.database_url)
    project = load_project(settings.project)
    carry_out(database, project, models_folder(settings), service, run_id)
    database.close()


def _spawn(project: Project, settings: Settings, run: Run) -> subprocess.Popen[bytes]:
    log = log_file(settings, run.id)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603  (our own module, with an id and a checked name)
            [sys.executable, "-m", "winnow.lifecycle.trainer", run.id, run.service],
            env=_environment(project, settings),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C in the terminal is not for it
        )


def _environment(project: Project, settings: Settings) -> dict[str, str]:
    """The process's own settings; and one processor is left to those who serve, unless the user says otherwise."""
    threads = str(max(1, len(os.sched_getaffinity(0)) - 1 if hasattr(os, "sched_getaffinity") else 1))
    own = to_environment(settings) | {"WINNOW_PROJECT": str(project.folder), "WINNOW_HOME": str(settings.folder)}
    return dict.fromkeys(_THREADS, threads) | dict(os.environ) | own


def _attend(database: Database, run_id: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait for the child, so that it leaves no zombie, and say it in the store where it died without a word."""
    code = process.wait()
    if code == 0:
        return
    with suppress(StoreFailed):  # then its silence will tell
        _end(database, run_id, Status.FAILED, _cause_of_death(code, log))


def _cause_of_death(code: int, log: Path) -> str:
    if code == -signal.SIGKILL:
        return "its process was killed by SIGKILL: perhaps the machine ran out of memory"
    if code < 0:
        return f"its process was killed by {signal.Signals(-code).name}"
    return f"its process ended with exit code {code}{_last_words(log)}"


def _last_words(log: Path) -> str:
    try:
        lines = log.read_bytes()[-_LAST_WORDS_BYTES:].decode(errors="replace").split("\n")
    except OSError:
        return ""
    words = [line.strip() for line in lines if line.strip()]
    return f": {words[-1]}" if words else ""


def _end(database: Database, run_id: str, status: Status, error: str) -> None:
    with database.write() as connection:
        runs.end(connection, run_id, status, error)


def _is_trainer(pid: int, run_id: str) -> bool:
    """Whether this is the process of that run, on this machine. The number alone could be anybody's by now."""
    try:
        return run_id.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # elsewhere, ended, or a system without /proc: its own pulse will notice
        return False


if __name__ == "__main__":
    main()
