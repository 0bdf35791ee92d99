"""The typed Python client of Winnow's API.

from winnow.client import Client

with Client("http://127.0.0.1:8000") as client:
    prediction = client.predict("sentiment", "It broke after two days.")
    client.feedback(prediction.id, "negative")

Answers are the frozen dataclasses of `winnow.client.answers`, from which the API's documentation is made too.
Errors are those of `winnow.errors`: what the service raises is what its caller catches.
"""

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
from winnow.client.client import Client, HistoryFilters
from winnow.client.jobs import JobFilters, Submission
from winnow.client.values import Value
from winnow.client.webhooks import verify_webhook

__all__ = [
    "AddedExample",
    "Client",
    "ExamplesPage",
    "HistoryEntry",
    "HistoryFilters",
    "Job",
    "JobFilters",
    "LoadReport",
    "Prediction",
    "Promotion",
    "Refusal",
    "RowError",
    "Run",
    "Service",
    "ServicesPage",
    "StoredExample",
    "Submission",
    "TrainingResult",
    "Value",
    "Version",
    "VersionsPage",
    "verify_webhook",
]
