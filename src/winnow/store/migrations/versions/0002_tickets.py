"""Tickets: jobs with their files and webhooks; and blobs, which images live in."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "blobs",
        sa.Column(
            "digest",
            sa.String(length=71),
            nullable=False,
            comment="sha256:<64 hexadecimal digits> of the content.",
        ),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column(
            "kept_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When it was last handed in or let go; null once it is known to be used.",
        ),
        sa.PrimaryKeyConstraint("digest"),
        comment="Images: what examples, predictions and jobs name as their input.",
    )
    op.create_index(
        "blobs_to_sweep",
        "blobs",
        ["kept_at"],
        unique=False,
        sqlite_where=sa.text("kept_at IS NOT NULL"),
        postgresql_where=sa.text("kept_at IS NOT NULL"),
    )
    op.create_table(
        "blob_uses",
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column(
            "used_by", sa.String(length=36), nullable=False, comment="Id of an example, a prediction or a job."
        ),
        sa.ForeignKeyConstraint(["digest"], ["blobs.digest"]),
        sa.PrimaryKeyConstraint("digest", "used_by"),
        comment="Who needs which blob. One that nobody needs is swept away.",
    )
    op.create_index("blob_uses_by_user", "blob_uses", ["used_by"], unique=False)
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("service", sa.String(length=63), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False, comment="predict, file or train."),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=True, comment="What is to be done; null once it is pruned."),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "token", sa.Integer(), server_default="0", nullable=False, comment="Fences off who lost the lease."
        ),
        sa.Column("worker", sa.Text(), nullable=True, comment="Who has or had the lease."),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False, comment="Not to be started before."),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column(
            "digest",
            sa.String(length=32),
            nullable=False,
            comment="Of what was asked: one key cannot mean two things.",
        ),
        sa.Column("progress", sa.JSON(), nullable=True),
        sa.Column("result", sa.JSON(), nullable=True, comment="Null until it is finished, and once it is pruned."),
        sa.Column("error", sa.JSON(), nullable=True),
        sa.Column("webhook", sa.Text(), nullable=True, comment="The address to be told of the end."),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("jobs_by_service", "jobs", ["service", "id"], unique=False)
    op.create_index(
        "jobs_failed",
        "jobs",
        ["id"],
        unique=False,
        sqlite_where=sa.text("status = 'failed'"),
        postgresql_where=sa.text("status = 'failed'"),
    )
    op.create_index(
        "jobs_cancelled",
        "jobs",
        ["id"],
        unique=False,
        sqlite_where=sa.text("status = 'cancelled'"),
        postgresql_where=sa.text("status = 'cancelled'"),
    )
    op.create_index(
        "jobs_by_end",
        "jobs",
        ["finished_at"],
        unique=False,
        sqlite_where=sa.text("finished_at IS NOT NULL"),
        postgresql_where=sa.text("finished_at IS NOT NULL"),
    )
    op.create_index(
        "jobs_to_prune",
        "jobs",
        ["expires_at"],
        unique=False,
        sqlite_where=sa.text("expires_at IS NOT NULL AND payload IS NOT NULL"),
        postgresql_where=sa.text("expires_at IS NOT NULL AND payload IS NOT NULL"),
    )
    op.create_index(
        "jobs_to_forget",
        "jobs",
        ["expires_at"],
        unique=False,
        sqlite_where=sa.text("payload IS NULL"),
        postgresql_where=sa.text("payload IS NULL"),
    )
    op.create_index(
        "jobs_queued",
        "jobs",
        ["id", "kind", "service", "due_at", "status"],
        unique=False,
        sqlite_where=sa.text("status = 'queued'"),
        postgresql_where=sa.text("status = 'queued'"),
    )
    op.create_index(
        "jobs_started",
        "jobs",
        ["id", "lease_until"],
        unique=False,
        sqlite_where=sa.text("status = 'started'"),
        postgresql_where=sa.text("status = 'started'"),
    )
    op.create_index(
        "one_job_per_idempotency_key",
        "jobs",
        ["service", "idempotency_key"],
        unique=True,
        sqlite_where=sa.text("idempotency_key IS NOT NULL"),
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )
    op.create_table(
        "job_files",
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=16), nullable=False, comment="input or result."),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False, comment="Order of the parts."),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "name", "number"),
        comment="Files of jobs in parts. Parts of an input arrive before their job does.",
    )
    op.create_index("job_files_by_age", "job_files", ["created_at", "number", "job_id"], unique=False)
    op.create_table(
        "webhooks",
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "due_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When it is to be sent next; null once it is delivered or given up.",
        ),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True, comment="Why the last attempt failed."),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id"),
        comment="Ends of jobs that somebody is to be told of.",
    )
    op.create_index("webhooks_due", "webhooks", ["due_at"], unique=False)


def downgrade() -> None:
    op.drop_table("webhooks")
    op.drop_table("job_files")
    op.drop_table("jobs")
    op.drop_table("blob_uses")
    op.drop_table("blobs")
