"""Promise P5: promotion is one transaction. A crash between any two steps leaves the whole of it, or nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lifecycle.room import TOYS, Room, make_moods

CRASHING = Path(__file__).parent / "crashing.py"


@pytest.mark.parametrize("stride", [50, pytest.param(1, marks=pytest.mark.slow)])
def test_a_crash_between_any_two_steps_leaves_everything_or_nothing(
    room: Room, tmp_path: Path, stride: int
) -> None:
    room.add(make_moods(30))
    room.train(room.configure())
    room.configure(candidates=["toy-words", {"family": "toy-words", "name": "inverted", "inverted": True}])
    room.database.close()
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    done = subprocess.run(
        [sys.executable, str(CRASHING), str(room.folder), str(scratch), str(stride)],
        env={**os.environ, "PYTHONPATH": str(TOYS), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    ended = json.loads(done.stdout)
    assert ended["nothing"] > 20
    assert ended["everything"] > 0
    assert ended["unharmed"] > 0
