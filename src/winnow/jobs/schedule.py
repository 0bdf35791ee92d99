"""The schedule: services are trained again when enough examples were added, or when their hour has come.

A chore of every process that serves or works; they take turns. What is due becomes one job of the kind `train`,
whose idempotency key says what made it due: however many processes find that out, there is one such job.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from cronsim import CronSim
from loguru import logger

from winnow.domain import new_id, now
from winnow.errors import Conflict, Overloaded
from winnow.jobs.desk import Desk, Order
from winnow.project import Retrain, ServiceConfig
from winnow.store import Database, retraining, turns
from winnow.store.retraining import Situation

CLIENT = "schedule"
"""Who hands these jobs in."""
_TURN = "retrain"


def due(retrain: Retrain, situation: Situation, moment: datetime) -> list[str]:
    """What makes training due at this moment, each cause as a key; none where nothing does.

    The same cause has the same key. A key stays used up: where its job failed or was cancelled, the next cause is
    as many examples again, or the next time of `cron`.
    """
    if situation.under_way or not situation.added:
        return []
    causes = []
    if retrain.new_examples is not None and (times := situation.added // retrain.new_examples):
        causes.append(f"retrain:examples:{situation.snapshot}:{times}")
    if retrain.cron is not None and (time := _missed(retrain.cron, situation, moment)) is not None:
        causes.append(f"retrain:cron:{time.isoformat()}")
    return causes


def _missed(cron: str, situation: Situation, moment: datetime) -> datetime | None:
    """The newest of these times that is over, where examples waited for it then and no run was begun since.

    However many times were missed while nothing ran, that is one.
    """
    newest = next(CronSim(cron, moment.astimezone(UTC), reverse=True), None)
    waiting = situation.added_since
    if newest is None or waiting is None or waiting > newest:
        return None
    return None if situation.trained_at is not None and situation.trained_at >= newest else newest


class Schedule:
    """The chore. Of `services`, those of winnow.toml, it looks at those that say when to be trained."""

    def __init__(
        self, database: Database, desk: Desk, services: Mapping[str, ServiceConfig], seconds: float
    ) -> None:
        self._database = database
        self._desk = desk
        self._every = timedelta(seconds=seconds)
        self._retrains = {
            name: config.retrain
            for name, config in services.items()
            if config.retrain.new_examples is not None or config.retrain.cron is not None
        }

    async def do(self) -> None:
        """Look once at each service."""
        if self._retrains:
            await asyncio.to_thread(self._look)

    def _look(self) -> None:
        with self._database.write() as connection:
            mine = turns.take(connection, _TURN, self._every)
        if mine:
            for service, retrain in self._retrains.items():
                self._look_at(service, retrain)

    def _look_at(self, service: str, retrain: Retrain) -> None:
        with self._database.read() as connection:
            situation = retraining.situation(connection, service)
        causes = due(retrain, situation, now())
        if not causes:
            logger.debug("{} need not be trained: {} examples are new", service, situation.added)
        try:
            for cause in causes:
                if self._hand_in(service, cause):
                    return
        except Overloaded as error:
            logger.warning("{} should be trained, and that has to wait: {}", service, error)

    def _hand_in(self, service: str, cause: str) -> bool:
        """Whether a job of this cause is on its way now. One that has ended already has used the cause up."""
        order = Order(request_id=new_id(), client=CLIENT, idempotency_key=cause)
        new = self._desk.train(service, order=order)
        (put,) = self._desk.put([new])
        if isinstance(put, Conflict):
            logger.warning("{} should be trained, and cannot be: {}", service, put)
            return False
        if put.id == new.id:
            logger.info("{} is to be trained again ({}): the ticket is {}", service, cause, put.id)
        elif put.status.final:
            logger.debug("{} is not trained again: job {} ({}) is {}", service, put.id, cause, put.status)
        return not put.status.final
