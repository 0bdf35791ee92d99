"""The jobs of RQ's and Celery's workers: the same model, loaded once for each worker.

It runs where those are installed: see `rivals.py`. BENCH_REDIS and BENCH_MODEL say where Redis and the model are.

    echo '["A text.", "Another."]' | python rival_jobs.py rq     # hand a job in for each text
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import joblib
from celery import Celery
from redis import Redis
from rq import Queue

REDIS = os.environ["BENCH_REDIS"].removesuffix("/0")
app = Celery("rival_jobs", broker=f"{REDIS}/0", backend=f"{REDIS}/1")
app.conf.worker_prefetch_multiplier = 64  # what its guide advises for many short tasks


@cache
def _model() -> Any:
    return joblib.load(Path(os.environ["BENCH_MODEL"]))


@app.task  # type: ignore[untyped-decorator]
def predict(text: str) -> dict[str, Any]:
    """Answer one text as the plain handler does."""
    model = _model()
    probabilities = model.predict_proba([text])[0]
    labels = [str(label) for label in model.classes_]
    scores = dict(zip(labels, map(float, probabilities), strict=True))
    return {"label": labels[int(probabilities.argmax())], "scores": scores}


def submit_to_rq(texts: Sequence[str]) -> None:
    """All in one round trip, as its documentation advises for many."""
    queue = Queue(connection=Redis.from_url(f"{REDIS}/0"))
    queue.enqueue_many([Queue.prepare_data("rival_jobs.predict", (text,)) for text in texts])


def submit_to_celery(texts: Sequence[str]) -> None:
    """One by one: it has no other way."""
    with app.producer_pool.acquire(block=True) as producer:
        for text in texts:
            predict.apply_async((text,), producer=producer)


if __name__ == "__main__":
    given = json.load(sys.stdin)
    {"rq": submit_to_rq, "celery": submit_to_celery}[sys.argv[1]](given)
