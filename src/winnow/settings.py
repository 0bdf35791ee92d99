"""Everything about a process. Each setting is declared once: here, with its default and one line of help.

From that line come the environment variable `WINNOW_…`, the option of `winnow up` and the reference page.
Command-line options beat environment variables, which beat defaults.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from winnow.domain import History
from winnow.errors import ProjectError, nearest
from winnow.mistakes import what_is_right

PREFIX = "WINNOW_"


class Settings(BaseSettings):
    """A process's settings. Read them with `load_settings`, which words their errors."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    project: Path = Field(Path(), description="Folder that holds winnow.toml.")
    home: Path | None = Field(None, description="Folder for database and models; .winnow in the project if unset.")
    database: SecretStr | None = Field(
        None, description="URL of the database, such as postgresql://user@host/name; a SQLite file if unset."
    )
    host: str = Field(
        "127.0.0.1",
        description="Address to listen on; one that is not loopback is served only where there are accounts.",
    )
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    workers: int = Field(1, ge=1, le=256, description="Serving processes that share the port.")
    history: History = Field(
        History.DURABLE,
        description="What an answer waits for: durable (its commit), relaxed (nothing), off (kept nowhere).",
    )
    max_body_mb: float = Field(10.0, gt=0, description="Megabytes that the body of a request may have.")
    max_upload_mb: float = Field(1024.0, gt=0, description="Megabytes that an uploaded file of examples may have.")
    concurrency: int = Field(
        2,
        ge=0,
        le=256,
        description="Jobs that a process works on at the same time; 0 leaves them to winnow worker.",
    )
    redis: SecretStr | None = Field(
        None, description="URL of Redis, such as redis://host:6379/0, to hand out jobs; the database does if unset."
    )
    lease_seconds: float = Field(
        30.0, ge=0.1, le=86_400, description="Seconds after which the jobs of a silent worker are taken over."
    )
    attempts: int = Field(3, ge=1, le=100, description="How often a job is tried before it has failed.")
    retry_seconds: float = Field(
        1.0, ge=0, le=3600, description="Seconds before a job is tried again; doubled after each attempt."
    )
    max_queued: int = Field(100_000, ge=1, description="Jobs that may wait; beyond them, new ones are refused.")
    keep_results_hours: float = Field(168.0, gt=0, description="Hours for which results of jobs are kept.")
    webhook_secret: SecretStr | None = Field(
        None, description="What webhooks are signed with; without it, none may be asked for."
    )
    webhook_private: bool = Field(
        default=False, description="Whether webhooks may go to loopback and private addresses."
    )
    page: bool = Field(default=True, description="Whether the page for people is served, at /ui.")
    anonymous: Literal["auto", "nobody", "viewer", "editor", "admin"] = Field(
        "auto",
        description="What callers without credentials may do, on loopback addresses only; auto lets them ask and "
        "read until somebody has signed in.",
    )
    session_hours: float = Field(12.0, gt=0, le=8760, description="Hours after which a page asks to sign in again.")
    monitor_seconds: float = Field(
        60.0,
        ge=0.05,
        le=86_400,
        description="Seconds between two looks at live quality, drift, alerts and whether to train again.",
    )
    notify: SecretStr | None = Field(
        None,
        description="Who is told of alerts: addresses as apprise has them, such as discord://id/token, with spaces "
        "between them.",
    )
    public_url: str | None = Field(
        None,
        description="Address under which people reach Winnow, such as https://winnow.example.org, for messages.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info",
        description="Least severe message that is logged; inputs and outputs are logged at debug only.",
    )
    log_format: Literal["auto", "human", "json"] = Field(
        "auto", description="Shape of log lines: auto is human on a terminal and json elsewhere."
    )

    @field_validator("public_url")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"https?://[^\s/]+\S*", value):
            raise ValueError("should be an address such as https://winnow.example.org")
        return value

    @property
    def folder(self) -> Path:
        """Where this project's database and models live; absolute."""
        return (self.home or self.project / ".winnow").resolve()

    @property
    def database_url(self) -> str:
        """The database, as SQLAlchemy names it."""
        if self.database is not None:
            return self.database.get_secret_value()
        return f"sqlite:///{self.folder / 'winnow.db'}"


def load_settings(**given: Any) -> Settings:
    """Settings from what is given (None counts as not given), then the environment, then the defaults.

    `ProjectError` names the setting, its variable and what would be right.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise ProjectError("\n".join(_sentence(entry) for entry in error.errors())) from error


def to_environment(settings: Settings) -> dict[str, str]:
    """The same settings as environment variables, for a process that is started with them."""
    values = {}
    for name, value in settings:
        if isinstance(value, SecretStr):
            values[f"{PREFIX}{name.upper()}"] = value.get_secret_value()
        elif value is not None:
            values[f"{PREFIX}{name.upper()}"] = str(value.resolve() if isinstance(value, Path) else value)
    return values


def _sentence(entry: Any) -> str:
    name = str(entry["loc"][0])
    if entry["type"] == "extra_forbidden":
        return f"unknown setting '{name}'.{nearest(name, Settings.model_fields)}"
    return f"setting '{name}' ({PREFIX}{name.upper()}) {what_is_right(entry)}"
