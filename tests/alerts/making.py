"""Facts and alerts for tests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from winnow.domain import Alert, AlertState, Measurement, Run, Status, new_id
from winnow.monitoring import alerts as life
from winnow.monitoring.rules import Finding
from winnow.project import ServiceConfig
from winnow.store import Database, alerts

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
WRONG = Finding(0.3, "<= 0.25", "the labels are not what they were")


def config(**given: Any) -> ServiceConfig:
    return ServiceConfig.model_validate({"task": "text-classification", **given})


def measurement(figures: Mapping[str, Any], *, feedback: int = 100, rows: int = 500) -> Measurement:
    return Measurement(new_id(), "sentiment", 3, rows, feedback, figures, START)


def run(status: Status = Status.FINISHED, *, error: str | None = None, **report: Any) -> Run:
    whole = {"primary_metric": "f1_macro", "candidates": [], **report} if status is Status.FINISHED else None
    return Run(new_id(), "sentiment", status, START, report=whole, error=error)


def candidate(name: str, f1: float, *missed: str) -> dict[str, Any]:
    gates = [gate("f1_macro", f1, passed=True), *(gate(entry, 0.5, passed=False) for entry in missed)]
    return {"name": name, "status": "fitted", "metrics": {"f1_macro": f1}, "gates": gates}


def gate(name: str, figure: float, *, passed: bool) -> dict[str, Any]:
    reason = f"{name} {figure} {'meets' if passed else 'misses'} >= 0.9"
    return {"gate": name, "requirement": ">= 0.9", "figure": figure, "passed": passed, "reason": reason}


def settle(
    database: Database, minutes: float, *keys: tuple[str, str], hold: float = 2.0, finding: Finding = WRONG
) -> list[Alert]:
    """A round so many minutes after the start, in which this is wrong."""
    with database.write() as connection:
        database.lock(connection, life.LOCK)
        return life.settle(
            connection, dict.fromkeys(keys, finding), START + timedelta(minutes=minutes), timedelta(minutes=hold)
        )


def all_alerts(database: Database) -> list[Alert]:
    """Every alert, pending ones too, oldest first."""
    with database.read() as connection:
        found = [
            alert for state in AlertState for alert in alerts.newest(connection, 1000, alerts.AlertFilter(state))
        ]
    return sorted(found, key=lambda alert: alert.id)
