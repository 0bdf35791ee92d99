"""Comparing two versions of a service that is at work: its users' requests come in between."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from winnow.domain import Classification, Input, Prediction
from winnow.errors import InvalidInput, WinnowError
from winnow.lifecycle.comparison import Ask, Comparison, compare, held_out
from winnow.serving.service import Caller, Options, Service
from winnow.store import Database


async def compare_versions(
    service: Service, database: Database, first: int, second: int, caller: Caller
) -> Comparison:
    """Put the same held-out rows to two versions. Nothing of it is kept or counted.

    `InvalidInput` where they are one and the same, `NotFound` for a version that there is not, else as
    `winnow.lifecycle.comparison.held_out`.
    """
    if first == second:
        raise InvalidInput(f"first and second are both version {first}: name two different ones")
    for version in (first, second):
        await service.chosen(Options(version))
    rows = await asyncio.to_thread(held_out, database, service.name, service.config)
    return await compare(
        service.reader.task, rows, _asking(service, first, caller), _asking(service, second, caller)
    )


def _asking(service: Service, version: int, caller: Caller) -> Ask:
    async def ask(inputs: Sequence[Input]) -> list[Classification | WinnowError]:
        outcomes = await service.rehearse(inputs, caller, Options(version))
        return [outcome.answer if isinstance(outcome, Prediction) else outcome for outcome in outcomes]

    return ask
