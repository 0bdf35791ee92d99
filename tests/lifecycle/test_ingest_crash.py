"""A loading process that is killed leaves nothing that anybody sees."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from tests.lifecycle.loading import SERVICE, dataset, load
from winnow.lifecycle.ingest import discard_abandoned
from winnow.store import Database, examples
from winnow.store.schema import batches
from winnow.store.schema import examples as table

LOADER = """
import sys, time
from pathlib import Path
from winnow.lifecycle.ingest import load_file
from winnow.project import ServiceConfig
from winnow.store import Database
from winnow.tasks.text_classification import TextClassification

def tell(stage, share):
    print(share, flush=True)
    time.sleep(0.05)

task = TextClassification(ServiceConfig.model_validate({"task": "text-classification"}))
load_file(Database(sys.argv[1]), "shop", task, Path(sys.argv[2]), name="rows.csv", progress=tell)
"""


@pytest.mark.slow
def test_a_killed_loader_leaves_nothing_to_see(database_url: str, database: Database, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("text,label\n" + "".join(f"text {number},a\n" for number in range(30_000)))
    command = [sys.executable, "-c", LOADER, database_url, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as loader:
        assert loader.stdout is not None
        shares = [float(loader.stdout.readline()) for _ in range(2)]
        loader.kill()
    assert 0 < shares[-1] < 1
    with database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(table)), "it was killed while it stored rows"
    assert dataset(database) == []
    with database.read() as connection:
        assert examples.count(connection, SERVICE) == 0
    assert discard_abandoned(database, timedelta(0)) == 1
    with database.read() as connection:
        assert connection.execute(select(table.c.id)).first() is None
        assert connection.execute(select(batches.c.id)).first() is None
    assert load(database, path.read_bytes()).accepted == 30_000
