"""The service that Winnow is measured against: FastAPI with the model called in the handler.

It is what most teams write first: the scikit-learn pipeline of the same candidate, fitted on the same rows, and
`predict_proba` inside the request. It keeps no history, checks no bounds and batches nothing.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from models import pipeline_of, training_rows


class Request(BaseModel):
    """One input."""

    input: str


def create_app() -> FastAPI:
    """Fit the pipeline that BENCH_CANDIDATE describes on the rows of BENCH_PROJECT's snapshot, and serve it."""
    inputs, targets = training_rows(Path(os.environ["BENCH_PROJECT"]))
    model = pipeline_of(json.loads(os.environ["BENCH_CANDIDATE"]), len(inputs)).fit(inputs, targets)
    labels = [str(label) for label in model.classes_]
    app = FastAPI()

    @app.post("/predict")
    async def predict(request: Request) -> dict[str, Any]:
        probabilities = model.predict_proba([request.input])[0]
        scores = dict(zip(labels, map(float, probabilities), strict=True))
        return {"label": labels[int(probabilities.argmax())], "scores": scores}

    return app
