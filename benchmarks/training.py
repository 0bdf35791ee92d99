"""Training: three candidates fitted, evaluated and gated on the 17,203 French reviews of the real data."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from winnow.domain import Status
from winnow.lifecycle import trainer
from winnow.settings import load_settings
from winnow.workspace import Workspace

FILES = ("data_MAJ.csv", "new_data_test_1.csv", "new_data_test_2.csv")
PROJECT = """\
[project]
name = "benchmark"

[services.satisfaction]
task = "text-classification"
input = "Commentaire"
label = "star"
labels = { negative = ["1", "2"], positive = ["3", "4", "5"] }
candidates = ["linear-svm", "gradient-boosting", "neural-net"]

[services.satisfaction.gates]
accuracy = ">= 0.80"
f1_macro = ">= 0.80"
latency_p95_ms = "<= 50"
regression = "<= 0.005"
"""


def data_folder() -> Path | None:
    """Where the real data is; None where it is not."""
    beside = Path(__file__).parent.parent.parent / "shared" / "data"
    folder = Path(os.environ.get("WINNOW_REAL_DATA", beside)) / "satisfaction"
    return folder if folder.is_dir() else None


def train_all(project: Path, data: Path) -> dict[str, Any]:
    """Load the three files, train once on all of them, and say what it took."""
    project.mkdir(parents=True)
    (project / "winnow.toml").write_text(PROJECT, encoding="utf-8")
    workspace = Workspace(load_settings(project=project))
    workspace.open()
    started = time.perf_counter()
    rows = sum(workspace.load("satisfaction", data / name, name=name, keep_good=True).rows for name in FILES)
    loaded = time.perf_counter()
    run = workspace.start_run("satisfaction")
    run = trainer.watch_run(workspace.database, "satisfaction", run.id, lambda _progress: None)
    trained = time.perf_counter()
    workspace.close()
    assert run.status is Status.FINISHED, run.error
    assert run.report is not None
    return {
        "rows": rows,
        "load_seconds": loaded - started,
        "train_seconds": trained - loaded,
        "candidates": [
            {
                "name": candidate["name"],
                "accuracy": candidate["metrics"]["accuracy"],
                "f1_macro": candidate["metrics"]["f1_macro"],
                "fit_seconds": candidate["fit_seconds"],
            }
            for candidate in run.report["candidates"]
        ],
    }
