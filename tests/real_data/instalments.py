"""Real data of a service's life: reviews in three instalments, and the project that learns from them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("WINNOW_REAL_DATA") or Path(__file__).parents[3] / "shared" / "data") / "satisfaction"
INSTALMENTS = {"data_MAJ.csv": 7_900, "new_data_test_1.csv": 7_803, "new_data_test_2.csv": 1_500}
"""File → rows."""

CANDIDATES = ("linear-svm", "gradient-boosting", "neural-net")
PROJECT = """
[project]
name = "shop"

[services.satisfaction]
task = "text-classification"
description = "Is this customer satisfied?"
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

NEEDS_DATA = [
    pytest.mark.real_data,
    pytest.mark.slow,
    pytest.mark.skipif(
        not DATA.is_dir(), reason=f"no real data in {DATA}: name its folder in WINNOW_REAL_DATA to run these"
    ),
]
