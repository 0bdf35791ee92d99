"""RQ and Celery beside Winnow: installed for themselves, one worker each, on Redis, as their guides recommend."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import redis

from servers import HERE

RIVALS = ("rq==2.12.0", "celery[redis]==5.7.0")
ALIKE = ("scikit-learn", "numpy", "scipy", "joblib")
"""What the model is made of is the same on both sides."""
HOME = HERE.parent / "build" / "rivals"


@dataclass(frozen=True, slots=True)
class Rival:
    """How its worker is started, and where Redis counts the jobs that it has finished."""

    name: str
    worker: Sequence[str]
    finished: Callable[[str], int]

    def submit(self, texts: Sequence[str], environment: Mapping[str, str]) -> None:
        """Hand one job in for each text."""
        command = [str(HOME / "bin" / "python"), str(HERE / "rival_jobs.py"), self.name.lower()]
        subprocess.run(command, input=json.dumps(texts), env=dict(environment), check=True, text=True)


def install() -> None:
    """Make their environment, once for each set of versions."""
    wanted = [*RIVALS, *(f"{name}=={version(name)}" for name in ALIKE)]
    stamp = HOME / "installed.txt"
    if stamp.exists() and stamp.read_text(encoding="utf-8").split() == wanted:
        return
    subprocess.run([sys.executable, "-m", "venv", str(HOME)], check=True)
    pip = [str(HOME / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    subprocess.run([*pip, *wanted], check=True)
    stamp.write_text("\n".join(wanted), encoding="utf-8")


def all_rivals() -> list[Rival]:
    """RQ's worker that does not fork for each job, and Celery's that does not fork at all: their fastest."""
    programs = HOME / "bin"
    rq = [str(programs / "rq"), "worker", "--worker-class", "rq.SimpleWorker", "--quiet", "default"]
    celery = [str(programs / "celery"), "-A", "rival_jobs", "worker", "--pool", "solo", "--loglevel", "error"]
    return [Rival("RQ", rq, _finished_by_rq), Rival("Celery", celery, _finished_by_celery)]


def environment(url: str, model: Path) -> dict[str, str]:
    """What their workers and submitters are told."""
    return {
        "PATH": f"{HOME / 'bin'}:/usr/bin:/bin",
        "PYTHONPATH": str(HERE),
        "BENCH_REDIS": url,
        "BENCH_MODEL": str(model),
        "RQ_REDIS_URL": url,
    }


def _finished_by_rq(url: str) -> int:
    with redis.Redis.from_url(url) as client:
        return int(client.zcard("rq:finished:default"))


def _finished_by_celery(url: str) -> int:
    with redis.Redis.from_url(f"{url.removesuffix('/0')}/1") as client:
        return int(client.dbsize())
