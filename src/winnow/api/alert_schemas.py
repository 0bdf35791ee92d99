"""What requests for alerts carry."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from winnow.api.schemas import STORABLE, Page
from winnow.domain import AlertState


class AlertsQuery(Page):
    """Which alerts to answer with; filters narrow each other."""

    state: Annotated[
        AlertState | None,
        Field(None, description="Only alerts that stand like this; without it, those that are or were open."),
    ]
    service: Annotated[
        str | None,
        Field(
            None,
            pattern=STORABLE,
            description="Only alerts of this service; empty for those of the whole project.",
        ),
    ]
