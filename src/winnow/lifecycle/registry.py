"""The registry: which version answers users. It changes in one transaction, which keeps the reasons."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection

from winnow.domain import Promotion, Version
from winnow.errors import Conflict, GateRefused
from winnow.lifecycle.gates import check_gates, failed
from winnow.models.base import Model
from winnow.models.bundle import load_bundle
from winnow.project import ServiceConfig
from winnow.store import Database, versions


def promote(
    database: Database, config: ServiceConfig, service: str, number: int, *, force: bool = False
) -> Promotion:
    """Make a version champion.

    The gates of winnow.toml as it is now are put to the figures that the version's run measured. So `regression`
    is against the champion of that run, on that run's test rows. `GateRefused` says which gates it does not meet
    and by how much, unless `force`; `Conflict` where it is champion already, `NotFound` where there is none such.
    """
    with database.write() as connection:
        database.lock(connection, service)
        version = versions.get(connection, service, number)
        if version.champion:
            raise Conflict(f"version {number} of '{service}' is the champion already")
        return versions.promote(connection, service, number, reasons=_reasons(version, config, force=force))


def rollback(database: Database, service: str) -> Promotion:
    """Give the place back to the version that the champion took over from; `Conflict` where there is none.

    Gates are not asked: the version has answered users before. One rollback after another goes further back.
    """
    with database.write() as connection:
        database.lock(connection, service)
        return give_back(connection, service)


def give_back(connection: Connection, service: str, why: Sequence[str] = ()) -> Promotion:
    """Roll back in the caller's transaction, for these further reasons. Call it under the service's lock."""
    number = versions.predecessor(connection, service)
    current = versions.champion(connection, service)
    reasons = [f"rolled back from version {current.number}"] if current else []
    return versions.promote(connection, service, number, reasons=[*reasons, *why], kind="rollback")


def load_version(database: Database, models: Path, service: str, number: int) -> Model:
    """Load a version, checked against what the registry holds of it; `BundleRefused` where it cannot be used."""
    with database.read() as connection:
        version = versions.get(connection, service, number)
    return load_bundle(models / version.path, version.sha256)


def _reasons(version: Version, config: ServiceConfig, *, force: bool) -> list[str]:
    results = check_gates(config.gates, version.metrics)
    failures = failed(results)
    if failures and not force:
        raise GateRefused(
            f"version {version.number} of '{version.service}' does not meet its gates: "
            + "; ".join(result.reason for result in failures),
            [result.to_json() for result in failures],
        )
    chosen = "forced by a person although it does not meet its gates" if failures else "chosen by a person"
    return [chosen, *(result.reason for result in results)]
