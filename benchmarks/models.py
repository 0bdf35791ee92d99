"""The same models as Winnow trains, as scikit-learn pipelines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.svm import LinearSVC

from winnow.lifecycle.lesson import prepare_lesson
from winnow.models.base import make_candidate
from winnow.models.linear_candidates import LinearSVM
from winnow.project import CandidateSpec
from winnow.settings import load_settings
from winnow.store import examples
from winnow.workspace import Workspace

SERVICE = "sentiment"


def training_rows(project: Path) -> tuple[list[str], list[Any]]:
    """The rows that Winnow trained on: the training side of the newest snapshot."""
    workspace = Workspace(load_settings(project=project))
    with workspace.database.read() as connection:
        snapshot = examples.latest_snapshot(connection, SERVICE)
    assert snapshot is not None
    lesson = prepare_lesson(workspace.database, SERVICE, workspace.config(SERVICE), snapshot)
    workspace.close()
    return list(lesson.train.inputs), list(lesson.train.targets)


def pipeline_of(candidate: Mapping[str, Any], rows: int) -> Pipeline:
    """Return the unfitted pipeline of a candidate as winnow.toml would name it."""
    own: Any = make_candidate(CandidateSpec.model_validate(candidate), Path(), "text-classification")
    blocks = own._feature_options().vectorisers(rows)  # noqa: SLF001  (the very vectorisers that are compiled)
    features = blocks[0][1]
    if len(blocks) > 1:  # a union of one would cost the handler a quarter of a millisecond for nothing
        weights = {name: block.weight for name, _, block in blocks}
        features = FeatureUnion([(name, vectoriser) for name, vectoriser, _ in blocks], transformer_weights=weights)
    learner: Any
    if isinstance(own, LinearSVM):
        machine = LinearSVC(C=own.strength, random_state=own.seed)
        learner = CalibratedClassifierCV(machine, method="sigmoid", cv=3, ensemble=False)
    else:
        learner = LogisticRegression(C=own.strength, max_iter=1000, random_state=own.seed)
    return Pipeline([("features", features), ("model", learner)])
