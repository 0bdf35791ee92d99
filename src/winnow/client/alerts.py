"""The client's methods for alerts."""

from __future__ import annotations

from winnow.client import live_answers as answers
from winnow.client.paths import quoted
from winnow.client.transport import Transport
from winnow.domain import AlertState


class AlertMethods:
    """What `Client` does with alerts."""

    _api: Transport

    def alerts(
        self,
        *,
        state: AlertState | str | None = None,
        service: str | None = None,
        n: int = 100,
        before: str | None = None,
    ) -> list[answers.Alert]:
        """The newest `n` alerts (at most 1,000) first: those that are open and those that were resolved.

        Those of the whole project have the empty `service`. `before` is the last id of the page before.
        """
        wanted = None if state is None else str(state)
        page = self._api.get(answers.AlertsPage, "/alerts", n=n, before=before, state=wanted, service=service)
        return list(page.alerts)

    def acknowledge(self, alert_id: str) -> answers.Alert:
        """Say that one knows of an open alert; `Conflict` where it is not open any more."""
        return self._api.post(answers.Alert, f"/alerts/{quoted(alert_id)}/acknowledge")
