"""The tables. Ids are UUIDv7 as text, so that they sort by time; times are UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC: a `timestamptz` in PostgreSQL, text without a zone in SQLite, which has none."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse moments without a zone; they mean another moment on every machine."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give back a moment in UTC whatever the session's own zone is."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData()


def _id(name: str = "id", *args: Any, **kwargs: Any) -> Column[str]:
    return Column(name, String(36), *args, **kwargs)


def _service() -> Column[str]:
    return Column("service", String(63), nullable=False)


batches = Table(
    "batches",
    metadata,
    _id(primary_key=True),
    _service(),
    Column("number", Integer, unique=True, comment="Order of acceptance; null while rows are still arriving."),
    Column("source", Text, nullable=False, comment="upload:<file>, api or feedback."),
    Column("rows", Integer, nullable=False, server_default="0"),
    Column("account", Text, comment="Who added it."),
    Column("created_at", UtcDateTime, nullable=False),
    comment="One act of adding examples. A snapshot is the dataset up to one batch.",
)

examples = Table(
    "examples",
    metadata,
    _id(primary_key=True),
    _service(),
    _id("batch_id", ForeignKey("batches.id", ondelete="CASCADE"), nullable=False),
    Column("line", BigInteger, comment="Line of the file that it came from."),
    Column("input", Text, nullable=False),
    Column("target", JSON, nullable=False),
    Column("digest", String(32), nullable=False, comment="Of the input: equal inputs have equal digests."),
    Index("examples_by_digest", "service", "digest"),
    Index("examples_by_batch", "batch_id"),
)

runs = Table(
    "runs",
    metadata,
    _id(primary_key=True),
    _service(),
    Column("status", String(16), nullable=False),
    Column("snapshot", Integer),
    Column("promote", String(16), comment="automatic or manual, where this run was told; else winnow.toml says."),
    Column("pid", Integer),
    Column("progress", JSON),
    Column("report", JSON),
    Column("error", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("heartbeat_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Index("runs_by_service", "service", "id"),
)
Index(
    "one_active_run_per_service",
    runs.c.service,
    unique=True,
    sqlite_where=text("status IN ('queued', 'started')"),
    postgresql_where=text("status IN ('queued', 'started')"),
)

versions = Table(
    "versions",
    metadata,
    Column("service", String(63), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    _id("run_id", ForeignKey("runs.id"), nullable=False),
    Column("candidate", Text, nullable=False),
    Column("parameters", JSON, nullable=False),
    Column("metrics", JSON, nullable=False),
    Column("gates", JSON, nullable=False),
    Column("path", Text, nullable=False, comment="Of the bundle, relative to the folder of models."),
    Column("sha256", String(64), nullable=False, comment="Of the bundle's bundle.json."),
    Column("size_bytes", BigInteger, nullable=False),
    Column("champion", Boolean, nullable=False, server_default=text("false")),
    Column("created_at", UtcDateTime, nullable=False),
)
Index(
    "one_champion_per_service",
    versions.c.service,
    unique=True,
    sqlite_where=text("champion"),
    postgresql_where=text("champion"),
)

promotions = Table(
    "promotions",
    metadata,
    _id(primary_key=True),
    _service(),
    Column("version", Integer, nullable=False),
    Column("previous", Integer, comment="The version that it took over from."),
    Column("kind", String(16), nullable=False, comment="promote or rollback."),
    Column("reasons", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index("promotions_by_service", "service", "id"),
)

predictions = Table(
    "predictions",
    metadata,
    _id(primary_key=True),
    _service(),
    Column("version", Integer, nullable=False),
    Column("input", Text, nullable=False),
    Column("answer", JSON, nullable=False),
    Column("latency_ms", Float, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column("ticket", String(36)),
    Column("created_at", UtcDateTime, nullable=False),
    Index("predictions_by_service", "service", "id"),
)

feedback = Table(
    "feedback",
    metadata,
    _id("prediction_id", ForeignKey("predictions.id", ondelete="CASCADE"), primary_key=True),
    _id("example_id", ForeignKey("examples.id"), nullable=False),
    Column("target", JSON, nullable=False),
    Column("account", Text, comment="Who said so."),
    Column("created_at", UtcDateTime, nullable=False),
    Index("feedback_by_example", "example_id"),  # or else forgetting an example would look through all feedback
)

blobs = Table(
    "blobs",
    metadata,
    Column("digest", String(71), primary_key=True, comment="sha256:<64 hexadecimal digits> of the content."),
    Column("content", LargeBinary, nullable=False),
    Column(
        "kept_at", UtcDateTime, comment="When it was last handed in or let go; null once it is known to be used."
    ),
    comment="Images: what examples, predictions and jobs name as their input.",
)
Index(
    "blobs_to_sweep",
    blobs.c.kept_at,
    sqlite_where=text("kept_at IS NOT NULL"),
    postgresql_where=text("kept_at IS NOT NULL"),
)

blob_uses = Table(
    "blob_uses",
    metadata,
    Column("digest", String(71), ForeignKey("blobs.digest"), primary_key=True),
    _id("used_by", primary_key=True, comment="Id of an example, a prediction or a job."),
    Index("blob_uses_by_user", "used_by"),
    comment="Who needs which blob. One that nobody needs is swept away.",
)

jobs = Table(
    "jobs",
    metadata,
    _id(primary_key=True),
    _service(),
    Column("kind", String(16), nullable=False, comment="predict, file or train."),
    Column("status", String(16), nullable=False),
    Column("payload", JSON(none_as_null=True), comment="What is to be done; null once it is pruned."),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("token", Integer, nullable=False, server_default="0", comment="Fences off who lost the lease."),
    Column("worker", Text, comment="Who has or had the lease."),
    Column("lease_until", UtcDateTime),
    Column("due_at", UtcDateTime, nullable=False, comment="Not to be started before."),
    Column("idempotency_key", Text),
    Column("digest", String(32), nullable=False, comment="Of what was asked: one key cannot mean two things."),
    Column("progress", JSON(none_as_null=True)),
    Column("result", JSON(none_as_null=True), comment="Null until it is finished, and once it is pruned."),
    Column("error", JSON(none_as_null=True)),
    Column("webhook", Text, comment="The address to be told of the end."),
    Column("request_id", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("expires_at", UtcDateTime),
    Index("jobs_by_service", "service", "id"),
)
Index(
    "jobs_queued",
    jobs.c.id,
    jobs.c.kind,
    jobs.c.service,
    jobs.c.due_at,
    jobs.c.status,  # all but the first are there so that waiting jobs are looked past without reading their rows
    sqlite_where=text("status = 'queued'"),
    postgresql_where=text("status = 'queued'"),
)
Index(
    "jobs_started",
    jobs.c.id,
    jobs.c.lease_until,
    sqlite_where=text("status = 'started'"),
    postgresql_where=text("status = 'started'"),
)
Index(
    "jobs_failed",
    jobs.c.id,
    sqlite_where=text("status = 'failed'"),
    postgresql_where=text("status = 'failed'"),
)
Index(
    "jobs_cancelled",
    jobs.c.id,
    sqlite_where=text("status = 'cancelled'"),
    postgresql_where=text("status = 'cancelled'"),
)
Index(
    "jobs_by_end",
    jobs.c.finished_at,
    sqlite_where=text("finished_at IS NOT NULL"),
    postgresql_where=text("finished_at IS NOT NULL"),
)
Index(
    "jobs_to_prune",
    jobs.c.expires_at,
    sqlite_where=text("expires_at IS NOT NULL AND payload IS NOT NULL"),
    postgresql_where=text("expires_at IS NOT NULL AND payload IS NOT NULL"),
)
Index(
    "jobs_to_forget",
    jobs.c.expires_at,
    sqlite_where=text("payload IS NULL"),
    postgresql_where=text("payload IS NULL"),
)
Index(
    "one_job_per_idempotency_key",
    jobs.c.service,
    jobs.c.idempotency_key,
    unique=True,
    sqlite_where=text("idempotency_key IS NOT NULL"),
    postgresql_where=text("idempotency_key IS NOT NULL"),
)

job_files = Table(
    "job_files",
    metadata,
    _id("job_id", primary_key=True),
    Column("name", String(16), primary_key=True, comment="input or result."),
    Column("number", Integer, primary_key=True, autoincrement=False, comment="Order of the parts."),
    Column("content", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index("job_files_by_age", "created_at", "number", "job_id"),
    comment="Files of jobs in parts. Parts of an input arrive before their job does.",
)

webhooks = Table(
    "webhooks",
    metadata,
    _id("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("due_at", UtcDateTime, comment="When it is to be sent next; null once it is delivered or given up."),
    Column("delivered_at", UtcDateTime),
    Column("error", Text, comment="Why the last attempt failed."),
    Index("webhooks_due", "due_at"),
    comment="Ends of jobs that somebody is to be told of.",
)

uploads = Table(
    "uploads",
    metadata,
    _id("batch_id", ForeignKey("batches.id", ondelete="CASCADE"), primary_key=True),
    _service(),
    Column("name", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False, comment="Bytes; 0 once all of it was erased."),
    Column("sha256", String(64), nullable=False, comment="Of the file as it was sent."),
    Column("erased_at", UtcDateTime, comment="When rows of it were erased on request: no longer as it was sent."),
    comment="Files of examples as they were sent, kept so that each example can be traced.",
)

upload_parts = Table(
    "upload_parts",
    metadata,
    _id("batch_id", ForeignKey("batches.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False, comment="Order of the parts."),
    Column("content", LargeBinary, nullable=False),
    comment="Uploaded files in parts.",
)

accounts = Table(
    "accounts",
    metadata,
    Column("name", String(63), primary_key=True),
    Column("role", String(16), nullable=False, comment="viewer, editor or admin."),
    Column("password", Text, nullable=False, comment="Its argon2 hash."),
    Column("one_time", Boolean, nullable=False, comment="Whether it has to be replaced at the next sign-in."),
    Column("generation", Integer, nullable=False, server_default="0", comment="Older sessions are void."),
    Column("created_at", UtcDateTime, nullable=False),
    comment="People who may sign in.",
)

tokens = Table(
    "tokens",
    metadata,
    _id(primary_key=True),
    Column("name", String(63), nullable=False),
    Column("role", String(16), nullable=False),
    Column("digest", String(64), nullable=False, unique=True, comment="SHA-256 of the token."),
    Column("account", String(63), ForeignKey("accounts.name", ondelete="CASCADE"), comment="Whose it is."),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_used_at", UtcDateTime),
    Column("expires_at", UtcDateTime),
    Index("tokens_by_account", "account"),
    comment="What programs sign in with.",
)

keys = Table(
    "keys",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("secret", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    comment="What sessions are signed with, made at the first need.",
)

events = Table(
    "events",
    metadata,
    _id(primary_key=True),
    Column("actor", Text, nullable=False, comment="An account, token:<name>, anonymous or cli:<user>."),
    Column("action", String(32), nullable=False),
    Column("service", String(63)),
    Column("subject", Text, comment="What it was done to: a version, a run, an account."),
    Column("details", JSON, nullable=False),
    Column("outcome", String(32), comment="done, or the kind of the error; null where the process died first."),
    Column("request_id", Text),
    Column("created_at", UtcDateTime, nullable=False),
    comment="The audit trail.",
)

profiles = Table(
    "profiles",
    metadata,
    Column("service", String(63), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("profile", JSON, nullable=False, comment="Labels, confidence and words on the test rows."),
    ForeignKeyConstraint(["service", "number"], ["versions.service", "versions.number"], ondelete="CASCADE"),
    comment="What a version's inputs and answers looked like at training: what drift is measured against.",
)

traffic = Table(
    "traffic",
    metadata,
    Column("minute", UtcDateTime, primary_key=True),
    Column("service", String(63), primary_key=True),
    Column("process", String(64), primary_key=True),
    Column("answered", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("overloaded", Integer, nullable=False),
    Column("late", Integer, nullable=False),
    Column("latency", JSON, nullable=False, comment="Answers by bucket of milliseconds."),
    comment="What each process answered in each minute.",
)

measurements = Table(
    "measurements",
    metadata,
    _id(primary_key=True),
    _service(),
    Column("version", Integer, nullable=False),
    Column("rows", Integer, nullable=False, comment="Predictions that were looked at."),
    Column("feedback", Integer, nullable=False, comment="Predictions that people spoke on."),
    Column("figures", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index("measurements_by_service", "service", "id"),
    comment="Live quality and drift over time.",
)

turns = Table(
    "turns",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("taken_at", UtcDateTime, nullable=False),
    comment="When what one process does for all was done last.",
)

workers = Table(
    "workers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("services", JSON, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    comment="Who works on jobs. One that ends in order takes its row away.",
)

alerts = Table(
    "alerts",
    metadata,
    _id(primary_key=True),
    Column("rule", String(32), nullable=False),
    Column("service", String(63), nullable=False, comment="Empty for what concerns the whole project."),
    Column("state", String(16), nullable=False, comment="pending, open or resolved."),
    Column("detail", Text, nullable=False),
    Column("value", Float),
    Column("requirement", Text, nullable=False),
    Column("since", UtcDateTime, nullable=False, comment="Since when the condition has held."),
    Column("clear_since", UtcDateTime, comment="Since when it has not held any more."),
    Column("opened_at", UtcDateTime),
    Column("resolved_at", UtcDateTime),
    Column("acknowledged_at", UtcDateTime),
    Column("acknowledged_by", Text),
    Index("alerts_by_end", "resolved_at"),
    comment="Conditions that a person should know of.",
)
Index(
    "one_active_alert_per_rule",
    alerts.c.rule,
    alerts.c.service,
    unique=True,
    sqlite_where=text("state <> 'resolved'"),
    postgresql_where=text("state <> 'resolved'"),
)

notifications = Table(
    "notifications",
    metadata,
    _id(primary_key=True),
    _id("alert_id", ForeignKey("alerts.id", ondelete="CASCADE"), nullable=False),
    Column("occasion", String(16), nullable=False, comment="opened or resolved."),
    Column("target", String(64), nullable=False, comment="SHA-256 of the address, which is a secret."),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("due_at", UtcDateTime, comment="When it is to be sent next; null once it is delivered or given up."),
    Column("delivered_at", UtcDateTime),
    Column("error", Text, comment="Why the last attempt failed."),
    Index("notifications_due", "due_at"),
    Index("one_notification_per_occasion", "alert_id", "target", "occasion", unique=True),
    comment="Who is to be told of alerts.",
)
