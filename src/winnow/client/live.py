"""The client's methods for a service in use: traffic, live quality and drift, comparison, reports."""

from __future__ import annotations

from typing import overload

from winnow.client import live_answers as answers
from winnow.client.paths import service_path
from winnow.client.transport import Transport


class LiveMethods:
    """What `Client` asks about a service in use."""

    _api: Transport

    def traffic(self, service: str, *, hours: float = 24.0, buckets: int = 48) -> list[answers.TrafficBucket]:
        """What was asked in the last hours, in equal stretches of whole minutes, oldest first, without gaps."""
        path = service_path(service, "traffic")
        return list(self._api.get(answers.TrafficPage, path, hours=hours, buckets=buckets).buckets)

    @overload
    def live(self) -> bool: ...
    @overload
    def live(self, service: str, n: int = 100) -> answers.LivePage: ...
    def live(self, service: str | None = None, n: int = 100) -> bool | answers.LivePage:
        """How the champion of a service does in use: the newest measurement, and the newest `n` of all.

        Without a service: whether the process answers.
        """
        if service is None:
            return self._api.answers("/health/live")
        return self._api.get(answers.LivePage, service_path(service, "live"), n=n)

    def compare(self, service: str, first: int, second: int) -> answers.Comparison:
        """Put the same held-out rows to two versions. `NotFound` where there is no such version."""
        return self._api.get(answers.Comparison, service_path(service, "compare"), first=first, second=second)

    def reports(self, service: str, n: int = 20) -> list[answers.RunReport]:
        """The newest reports of finished runs first."""
        return list(self._api.get(answers.ReportsPage, service_path(service, "reports"), n=n).reports)
