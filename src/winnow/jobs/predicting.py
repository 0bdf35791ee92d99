"""Jobs of the kind `predict`: some inputs, answered as a request would be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from typing import Any

from winnow.domain import History, Input, Json, Prediction, Status
from winnow.errors import WinnowError
from winnow.jobs.worker import Done, failed_attempt
from winnow.serving.service import Caller, Options, Service
from winnow.settings import Settings
from winnow.store import Database, blobs
from winnow.store.jobs import Ending, Lease

MOST_ROWS = 256
"""Inputs that are answered and saved together, unless one job has more."""

Words = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Predicting:
    """Answers the inputs of many jobs together: a model is given them in batches, whoever asked."""

    database: Database
    service: Callable[[str], Service]
    settings: Settings
    resumes: bool = False

    def at_once(self, leases: Sequence[Lease]) -> int:
        """As many as ask no more rows together than so many light jobs would."""
        rows = accumulate(len(lease.payload["inputs"]) for lease in leases)
        return max(1, sum(total <= MOST_ROWS for total in rows))

    async def do(self, leases: Sequence[Lease]) -> Done:
        """Answer all of them. One whose only input cannot be answered is a failed attempt, and no other is."""
        by_question = sorted(leases, key=_question)
        parts = [await self._answer(list(alike)) for _, alike in groupby(by_question, key=_question)]
        return Done(
            [ending for part in parts for ending in part.endings],
            [prediction for part in parts for prediction in part.predictions],
        )

    async def _answer(self, leases: Sequence[Lease]) -> Done:
        """Jobs of one service, to be answered alike."""
        service = self.service(leases[0].service)
        options = Options(leases[0].payload["version"], leases[0].payload["top_k"])
        try:
            inputs = await self._inputs(leases, service)
            outcomes = iter(await service.predict(inputs, Caller(leases[0].request_id, leases[0].client), options))
        except WinnowError as error:
            return Done([failed_attempt(lease, error, self.settings) for lease in leases])
        endings, kept = [], []
        for lease in leases:
            rows = [given if isinstance(given, dict) else next(outcomes) for given in lease.payload["inputs"]]
            endings.append(self._ending(lease, rows))
            kept += [_of_job(row, lease) for row in rows if isinstance(row, Prediction)]
        return Done(endings, kept if self.settings.history is not History.OFF else [])

    async def _inputs(self, leases: Sequence[Lease], service: Service) -> list[Input]:
        stored = [given for lease in leases for given in lease.payload["inputs"] if isinstance(given, str)]
        if not service.reader.files:
            return stored
        return await asyncio.to_thread(self._read_blobs, stored)

    def _read_blobs(self, references: Sequence[str]) -> list[bytes]:
        with self.database.read() as connection:
            return [blobs.get(connection, reference) for reference in references]

    def _ending(self, lease: Lease, rows: Sequence[Prediction | WinnowError | Words]) -> Ending:
        if lease.payload["several"]:
            return Ending(lease, Status.FINISHED, result={"predictions": [_words(row) for row in rows]})
        (row,) = rows
        if isinstance(row, WinnowError):
            return failed_attempt(lease, row, self.settings)
        return Ending(lease, Status.FINISHED, result=_words(row))


def _question(lease: Lease) -> tuple[str, str, str]:
    return lease.service, repr(lease.payload["version"]), repr(lease.payload["top_k"])


def _of_job(prediction: Prediction, lease: Lease) -> Prediction:
    """Put down whose it is: jobs are answered together, and each has its own caller and ticket."""
    prediction.ticket = lease.id
    prediction.request_id = lease.request_id
    prediction.client = lease.client
    return prediction


def _words(row: Prediction | WinnowError | Words) -> Json:
    """A row of the result, as a request's answer has it; errors as `WinnowError.to_json` words them."""
    if isinstance(row, Prediction):
        return {"id": row.id, **row.answer, "version": row.version}
    return {"error": row.to_json()} if isinstance(row, WinnowError) else row
