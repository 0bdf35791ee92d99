"""`make bench`: measure, and write a Markdown table, a chart and the raw figures to benchmarks/results/."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import chart
import files
import serving
import tickets
import training
from serving import Row

FLATTERED = (
    "Figures are of rows that no candidate learned from. But the candidates' defaults were chosen by "
    "cross-validation on reviews of this collection, about six in ten of these rows among them, so the "
    "figures flatter."
)
RESULTS = Path(__file__).parent / "results"
PLAIN = "Words, as scikit-learn's defaults read them (logistic-regression)"
MODELS: Mapping[str, Mapping[str, Any]] = {
    PLAIN: {
        "family": "logistic-regression", "name": "plain",
        "words": "long", "strip_accents": False, "sublinear": False,
    },
    "Words and signs (logistic-regression)": {"family": "logistic-regression", "name": "words"},
    "Words, signs and characters (linear-svm)": {"family": "linear-svm", "name": "characters"},
}  # fmt: skip


def main() -> None:
    """Measure all that this machine allows."""
    arguments = _arguments()
    for tool in ("wrk", "taskset", "redis-server"):
        if shutil.which(tool) is None:
            sys.exit(f"{tool} is needed: on Debian, apt-get install wrk util-linux redis-server postgresql")
    if len(os.sched_getaffinity(0)) < 2:
        sys.exit("two cores are needed: one for the server, one for the load generator")
    with tempfile.TemporaryDirectory(prefix="winnow-bench-") as name:
        folder = Path(name)
        if arguments.only is not None:
            print(_one(arguments.only, folder, arguments))
            return
        groups = _serving(folder, arguments.rounds, arguments.seconds)
        jobs = _tickets(folder, arguments)
        file = _file(folder, arguments)
        trained = _training(folder)
    _write(groups, jobs, file, trained, arguments)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each server is measured")
    parser.add_argument("--seconds", type=int, default=6, help="seconds of load at 64 connections in each round")
    parser.add_argument("--jobs", type=int, default=30_000, help="jobs that a worker is given in each round")
    parser.add_argument("--rows", type=int, default=100_000, help="rows of the file that is scored as one job")
    parser.add_argument("--only", choices=("tickets", "files"), help="measure these, and write nothing")
    return parser.parse_args()


def _one(what: str, folder: Path, arguments: argparse.Namespace) -> str:
    if what == "tickets":
        return tickets.table(_tickets(folder, arguments))
    return files.table(_file(folder, arguments))


def _tickets(folder: Path, arguments: argparse.Namespace) -> tickets.Figures:
    return tickets.measure_all(
        folder / "tickets", MODELS[PLAIN], arguments.rounds, arguments.seconds, arguments.jobs
    )


def _file(folder: Path, arguments: argparse.Namespace) -> list[files.Figures]:
    return files.measure_files(folder / "file", MODELS, arguments.rounds, arguments.rows)


def _serving(folder: Path, rounds: int, seconds: int) -> dict[str, Sequence[Row]]:
    groups: dict[str, Sequence[Row]] = {}
    for title, candidate in MODELS.items():
        project = serving.make_project(folder / candidate["name"], candidate)
        groups[title] = serving.compare(project, candidate, rounds, seconds, log=False)
    logged = serving.compare(folder / "plain", MODELS[PLAIN], rounds, seconds, log=True)
    groups[f"{PLAIN}, each request logged by both"] = logged
    return groups


def _training(folder: Path) -> dict[str, Any] | None:
    data = training.data_folder()
    return None if data is None else training.train_all(folder / "training", data)


def _write(
    groups: dict[str, Sequence[Row]],
    jobs: tickets.Figures,
    file: Sequence[files.Figures],
    trained: dict[str, Any] | None,
    arguments: argparse.Namespace,
) -> None:
    RESULTS.mkdir(exist_ok=True)
    conditions = _conditions(arguments)
    raw = {
        "conditions": conditions,
        "serving": {t: serving.as_json(r) for t, r in groups.items()},
        "tickets": jobs.as_json(),
        "file": [figures.as_json() for figures in file],
        "training": trained,
    }
    (RESULTS / "results.json").write_text(json.dumps(raw, indent=1) + "\n", encoding="utf-8")
    chart.draw(groups, RESULTS / "serving.svg")
    served = [_table(*group) for group in groups.items()]
    parts = ["# Figures", conditions, *served, tickets.table(jobs), files.table(file), _trained(trained)]
    text = "\n\n".join(parts)
    (RESULTS / "README.md").write_text(text + "\n", encoding="utf-8")
    print(text)


def _conditions(arguments: argparse.Namespace) -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("fastapi", "uvicorn", "scikit-learn", "winnow"))
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d} with `make bench`: {_processor()}, Python "
        f"{platform.python_version()}, {packages}. The server is pinned to one core and wrk to another. Medians of "
        f"{arguments.rounds} rounds in which every server is measured once, {arguments.seconds} s at 64 "
        f"connections and {max(1, arguments.seconds // 2)} s at one. Both sides answer the same 200 texts with the "
        "same model (scores equal to 1e-9). Memory is resident memory after the load. Absolute figures are this "
        "machine's; the ratios travel better."
    )


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    return f"{name}, {os.cpu_count()} cores"


def _table(title: str, rows: Sequence[Row]) -> str:
    head = (
        f"## {title}\n\n"
        "| server | req/s, 64 conn. | × handler | p50 ms | p99 ms | req/s, 1 conn. | p50 ms | p99 ms | MB "
        "| ready s | errors |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
    )
    lines = [
        f"| {row.server} | {row.many.per_second:,.0f} | {row.ratio:.1f} | {row.many.p50_ms:.1f} | "
        f"{row.many.p99_ms:.1f} | {row.one.per_second:,.0f} | {row.one.p50_ms:.2f} | {row.one.p99_ms:.2f} | "
        f"{row.memory_mb:.0f} | {row.seconds_to_ready:.1f} | {row.many.errors + row.one.errors} |"
        for row in rows
    ]
    return "\n".join([head, *lines])


def _trained(trained: dict[str, Any] | None) -> str:
    if trained is None:
        return "## Training\n\nNot measured: the real data is not beside this checkout."
    rows = [
        f"| {candidate['name']} | {candidate['accuracy']:.4f} | {candidate['f1_macro']:.4f} | "
        f"{candidate['fit_seconds']:.1f} |"
        for candidate in trained["candidates"]
    ]
    summary = (
        f"{trained['rows']:,} French reviews loaded in {trained['load_seconds']:.1f} s; three candidates trained, "
        f"evaluated and gated in {trained['train_seconds']:.1f} s. {FLATTERED}"
    )
    head = "| candidate | accuracy | F1 macro | fit s |\n|---|--:|--:|--:|"
    return "\n".join(["## Training", "", summary, "", head, *rows])


if __name__ == "__main__":
    main()
