"""The typed Python client of Winnow's API.

from winnow.client import Client

with Client("http://127.0.0.1:8000") as client:
    prediction = client.predict("sentiment", "It broke after two days.")
    client.feedback(prediction.id, "negative")

Answers are the frozen dataclasses of `winnow.client.answers`, from which the API's documentation is made too.
Errors are those of `winnow.errors`: what the service raises is what its caller catches.
"""

from winnow.client.account_answers import Account, Event, Identity, NewAccount, NewToken, Session, Token
from winnow.client.accounts import EventFilters
from winnow.client.answers import (
    AddedExample,
    ExamplesPage,
    HistoryEntry,
    Job,
    LoadReport,
    Prediction,
    Promotion,
    Refusal,
    RowError,
    Run,
    Service,
    ServicesPage,
    StoredExample,
    TrainingResult,
    Version,
    VersionsPage,
)
from winnow.client.client import Client
from winnow.client.data import ExampleFilters
from winnow.client.data_answers import (
    Disagreement,
    DisagreementsPage,
    Erasure,
    ExampleCount,
    ExampleCounts,
    Opinion,
    Snapshot,
)
from winnow.client.jobs import JobFilters, Submission
from winnow.client.live_answers import Alert
from winnow.client.values import HistoryFilters, Value
from winnow.client.webhooks import verify_webhook

__all__ = [
    "Account",
    "AddedExample",
    "Alert",
    "Client",
    "Disagreement",
    "DisagreementsPage",
    "Erasure",
    "Event",
    "EventFilters",
    "ExampleCount",
    "ExampleCounts",
    "ExampleFilters",
    "ExamplesPage",
    "HistoryEntry",
    "HistoryFilters",
    "Identity",
    "Job",
    "JobFilters",
    "LoadReport",
    "NewAccount",
    "NewToken",
    "Opinion",
    "Prediction",
    "Promotion",
    "Refusal",
    "RowError",
    "Run",
    "Service",
    "ServicesPage",
    "Session",
    "Snapshot",
    "StoredExample",
    "Submission",
    "Token",
    "TrainingResult",
    "Value",
    "Version",
    "VersionsPage",
    "verify_webhook",
]
