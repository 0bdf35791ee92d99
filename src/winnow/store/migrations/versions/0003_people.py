"""People and machines that watch: accounts, kept uploads, live quality, alerts and who works."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False, comment="viewer, editor or admin."),
        sa.Column("password", sa.Text(), nullable=False, comment="Its argon2 hash."),
        sa.Column(
            "one_time", sa.Boolean(), nullable=False, comment="Whether it has to be replaced at the next sign-in."
        ),
        sa.Column(
            "generation", sa.Integer(), server_default="0", nullable=False, comment="Older sessions are void."
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        comment="People who may sign in.",
    )
    op.create_table(
        "alerts",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("rule", sa.String(length=32), nullable=False),
        sa.Column(
            "service", sa.String(length=63), nullable=False, comment="Empty for what concerns the whole project."
        ),
        sa.Column("state", sa.String(length=16), nullable=False, comment="pending, open or resolved."),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("requirement", sa.Text(), nullable=False),
        sa.Column(
            "since", sa.DateTime(timezone=True), nullable=False, comment="Since when the condition has held."
        ),
        sa.Column(
            "clear_since", sa.DateTime(timezone=True), nullable=True, comment="Since when it has not held any more."
        ),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        comment="Conditions that a person should know of.",
    )
    op.create_index("alerts_by_end", "alerts", ["resolved_at"], unique=False)
    op.create_index(
        "one_active_alert_per_rule",
        "alerts",
        ["rule", "service"],
        unique=True,
        sqlite_where=sa.text("state <> 'resolved'"),
        postgresql_where=sa.text("state <> 'resolved'"),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False, comment="An account, token:<name>, anonymous or cli:<user>."),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("service", sa.String(length=63), nullable=True),
        sa.Column(
            "subject", sa.Text(), nullable=True, comment="What it was done to: a version, a run, an account."
        ),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column(
            "outcome",
            sa.String(length=32),
            nullable=True,
            comment="done, or the kind of the error; null where the process died first.",
        ),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        comment="The audit trail.",
    )
    op.create_table(
        "keys",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        comment="What sessions are signed with, made at the first need.",
    )
    op.create_table(
        "measurements",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("service", sa.String(length=63), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False, comment="Predictions that were looked at."),
        sa.Column("feedback", sa.Integer(), nullable=False, comment="Predictions that people spoke on."),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        comment="Live quality and drift over time.",
    )
    op.create_index("measurements_by_service", "measurements", ["service", "id"], unique=False)
    op.create_table(
        "traffic",
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("service", sa.String(length=63), nullable=False),
        sa.Column("process", sa.String(length=64), nullable=False),
        sa.Column("answered", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("overloaded", sa.Integer(), nullable=False),
        sa.Column("late", sa.Integer(), nullable=False),
        sa.Column("latency", sa.JSON(), nullable=False, comment="Answers by bucket of milliseconds."),
        sa.PrimaryKeyConstraint("minute", "service", "process"),
        comment="What each process answered in each minute.",
    )
    op.create_table(
        "turns",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        comment="When what one process does for all was done last.",
    )
    op.create_table(
        "workers",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("services", sa.JSON(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        comment="Who works on jobs. One that ends in order takes its row away.",
    )
    op.create_table(
        "notifications",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("alert_id", sa.String(length=36), nullable=False),
        sa.Column("occasion", sa.String(length=16), nullable=False, comment="opened or resolved."),
        sa.Column(
            "target", sa.String(length=64), nullable=False, comment="SHA-256 of the address, which is a secret."
        ),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "due_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When it is to be sent next; null once it is delivered or given up.",
        ),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True, comment="Why the last attempt failed."),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        comment="Who is to be told of alerts.",
    )
    op.create_index(
        "one_notification_per_occasion", "notifications", ["alert_id", "target", "occasion"], unique=True
    )
    op.create_index("notifications_due", "notifications", ["due_at"], unique=False)
    op.create_table(
        "tokens",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False, comment="SHA-256 of the token."),
        sa.Column("account", sa.String(length=63), nullable=True, comment="Whose it is."),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account"], ["accounts.name"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest"),
        comment="What programs sign in with.",
    )
    op.create_index("tokens_by_account", "tokens", ["account"], unique=False)
    op.create_table(
        "upload_parts",
        sa.Column("batch_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False, comment="Order of the parts."),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("batch_id", "number"),
        comment="Uploaded files in parts.",
    )
    op.create_table(
        "uploads",
        sa.Column("batch_id", sa.String(length=36), nullable=False),
        sa.Column("service", sa.String(length=63), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False, comment="Bytes; 0 once all of it was erased."),
        sa.Column("sha256", sa.String(length=64), nullable=False, comment="Of the file as it was sent."),
        sa.Column(
            "erased_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When rows of it were erased on request: no longer as it was sent.",
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("batch_id"),
        comment="Files of examples as they were sent, kept so that each example can be traced.",
    )
    op.create_table(
        "profiles",
        sa.Column("service", sa.String(length=63), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("profile", sa.JSON(), nullable=False, comment="Labels, confidence and words on the test rows."),
        sa.ForeignKeyConstraint(["service", "number"], ["versions.service", "versions.number"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("service", "number"),
        comment="What a version's inputs and answers looked like at training: what drift is measured against.",
    )
    op.add_column("batches", sa.Column("account", sa.Text(), nullable=True, comment="Who added it."))
    op.add_column("feedback", sa.Column("account", sa.Text(), nullable=True, comment="Who said so."))
    op.add_column(
        "runs",
        sa.Column(
            "promote",
            sa.String(length=16),
            nullable=True,
            comment="automatic or manual, where this run was told; else winnow.toml says.",
        ),
    )


def downgrade() -> None:
    op.drop_table("notifications")
    op.drop_table("alerts")
    op.drop_table("workers")
    op.drop_table("turns")
    op.drop_table("measurements")
    op.drop_table("traffic")
    op.drop_table("profiles")
    op.drop_table("events")
    op.drop_table("keys")
    op.drop_table("tokens")
    op.drop_table("accounts")
    op.drop_table("upload_parts")
    op.drop_table("uploads")
    with op.batch_alter_table("runs") as runs:
        runs.drop_column("promote")
    with op.batch_alter_table("feedback") as feedback:
        feedback.drop_column("account")
    with op.batch_alter_table("batches") as batches:
        batches.drop_column("account")
