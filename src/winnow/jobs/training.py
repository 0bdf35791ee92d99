"""Jobs of the kind `train`: start a run, follow it, and tell what came of it.

The run is a process of its own, which outlives the worker: whoever takes the job over follows the same run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from winnow.domain import Json, Run, Status
from winnow.errors import Cancelled, Conflict, TrainingFailed
from winnow.jobs.worker import Done, LeaseLost, failed_attempt
from winnow.lifecycle.trainer import SILENT_FOR
from winnow.settings import Settings
from winnow.store import jobs, runs
from winnow.store.jobs import Ending, Lease
from winnow.workspace import Workspace

LOOK_SECONDS = 0.5
"""How often a run is looked at."""


@dataclass(frozen=True, slots=True)
class Training:
    """Trains one service at a time. A job's progress is its run's, and `run`, that one's id."""

    workspace: Workspace
    settings: Settings
    resumes: bool = True

    def at_once(self, _leases: Sequence[Lease]) -> int:
        """One."""
        return 1

    async def do(self, leases: Sequence[Lease]) -> Done:
        """Train, or go on following. A run that failed, or fell silent, is a failed attempt."""
        (lease,) = leases
        run = await self._follow(lease, await self._run_of(lease))
        return Done([await asyncio.to_thread(self._ending, lease, run)])

    async def _run_of(self, lease: Lease) -> str:
        """The run that an earlier worker started for this job, or one that is started now."""
        if lease.progress is not None and "run" in lease.progress:
            return str(lease.progress["run"])
        while True:
            try:
                return await asyncio.to_thread(self._start, lease)
            except Conflict:  # another run of this service is under way: it is this one's turn afterwards
                await asyncio.to_thread(self._tell, lease, {"stage": "waiting for another run", "done": 0.0})
                await asyncio.sleep(LOOK_SECONDS)

    def _start(self, lease: Lease) -> str:
        run = self.workspace.start_run(lease.service, lease.payload.get("promote"))
        try:
            self._tell(lease, {"run": run.id})
        except LeaseLost:  # nobody else knows of it
            with suppress(Conflict):
                self.workspace.cancel_run(lease.service, run.id)
            raise
        return run.id

    async def _follow(self, lease: Lease, run_id: str) -> Run:
        while True:
            run = await asyncio.to_thread(self._look, lease, run_id)
            if run.status.final:
                return run
            await asyncio.sleep(LOOK_SECONDS)

    def _look(self, lease: Lease, run_id: str) -> Run:
        """The run as it stands, which becomes the job's progress. One that fell silent has failed."""
        with self.workspace.database.write() as connection:
            runs.fail_silent(connection, SILENT_FOR)
            run = runs.get(connection, lease.service, run_id)
            if not jobs.tell(connection, lease, {**(run.progress or {}), "run": run_id}):
                raise LeaseLost
        return run

    def _tell(self, lease: Lease, progress: dict[str, Any]) -> None:
        with self.workspace.database.write() as connection:
            if not jobs.tell(connection, lease, progress):
                raise LeaseLost

    def _ending(self, lease: Lease, run: Run) -> Ending:
        if run.status is Status.FINISHED:
            return Ending(lease, Status.FINISHED, result=_result(run))
        if run.status is Status.CANCELLED:
            return failed_attempt(lease, Cancelled(f"run '{run.id}' was cancelled"), self.settings)
        self._tell(lease, {})  # the next attempt is another run
        return failed_attempt(lease, TrainingFailed(f"run '{run.id}' failed: {run.error}"), self.settings)


def _result(run: Run) -> Json:
    decision = (run.report or {}).get("decision", {})
    told = {key: decision.get(key) for key in ("promoted", "chosen")}
    return {"run": run.id, **told, "reasons": decision.get("reasons", [])}
