"""Alerts: conditions that a person should know of."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from winnow.api.access import EDITOR, VIEWER, AlertId, UseAudit, UseIdentity, UseWorkspace, as_answer, refusals
from winnow.api.alert_schemas import AlertsQuery
from winnow.client.live_answers import Alert, AlertsPage
from winnow.monitoring import alerts as life
from winnow.store import alerts
from winnow.store.alerts import AlertFilter

router = APIRouter(tags=["alerts"])


@router.get("/alerts", responses=refusals(422, 503), dependencies=[VIEWER])
def list_alerts(workspace: UseWorkspace, query: Annotated[AlertsQuery, Query()]) -> AlertsPage:
    """The newest alerts first, those that are open and those that were resolved.

    One that is pending has not held for long enough to open; it is there where its state is asked for.
    """
    only = AlertFilter(query.state, query.service, query.before)
    with workspace.database.read() as connection:
        found = alerts.newest(connection, query.n, only)
    return AlertsPage(tuple(as_answer(Alert, alert) for alert in found))


@router.post("/alerts/{alert_id}/acknowledge", responses=refusals(404, 409, 503), dependencies=[EDITOR])
def acknowledge(alert_id: AlertId, workspace: UseWorkspace, identity: UseIdentity, audit: UseAudit) -> Alert:
    """Say that you know of an open alert. It stays open until its condition is gone.

    One about something that happened, such as a rollback, ends with this.
    """
    with audit("acknowledge", subject=f"alert {alert_id}"):
        return as_answer(Alert, life.acknowledge(workspace.database, alert_id, identity.name))
