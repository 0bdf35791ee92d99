"""The foundation: examples, runs, versions, promotions, predictions and feedback."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "batches",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("service", sa.String(length=63), nullable=False),
        sa.Column(
            "number",
            sa.Integer(),
            nullable=True,
            comment="Order of acceptance; null while rows are still arriving.",
        ),
        sa.Column("source", sa.Text(), nullable=False, comment="upload:<file>, api or feedback."),
        sa.Column("rows", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number"),
        comment="One act of adding examples. A snapshot is the dataset up to one batch.",
    )
    op.create_table(
        "predictions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("service", sa.String(length=63), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("input", sa.Text(), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.Column("latency_ms", sa.Float(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("ticket", sa.String(length=36), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("predictions_by_service", "predictions", ["service", "id"], unique=False)
    op.create_table(
        "promotions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("service", sa.String(length=63), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("previous", sa.Integer(), nullable=True, comment="The version that it took over from."),
        sa.Column("kind", sa.String(length=16), nullable=False, comment="promote or rollback."),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("promotions_by_service", "promotions", ["service", "id"], unique=False)
    op.create_table(
        "runs",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("service", sa.String(length=63), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("snapshot", sa.Integer(), nullable=True),
        sa.Column("pid", sa.Integer(), nullable=True),
        sa.Column("progress", sa.JSON(), nullable=True),
        sa.Column("report", sa.JSON(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "one_active_run_per_service",
        "runs",
        ["service"],
        unique=True,
        sqlite_where=sa.text("status IN ('queued', 'started')"),
        postgresql_where=sa.text("status IN ('queued', 'started')"),
    )
    op.create_index("runs_by_service", "runs", ["service", "id"], unique=False)
    op.create_table(
        "examples",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("service", sa.String(length=63), nullable=False),
        sa.Column("batch_id", sa.String(length=36), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=True, comment="Line of the file that it came from."),
        sa.Column("input", sa.Text(), nullable=False),
        sa.Column("target", sa.JSON(), nullable=False),
        sa.Column(
            "digest", sa.String(length=32), nullable=False, comment="Of the input: equal inputs have equal digests."
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("examples_by_batch", "examples", ["batch_id"], unique=False)
    op.create_index("examples_by_digest", "examples", ["service", "digest"], unique=False)
    op.create_table(
        "versions",
        sa.Column("service", sa.String(length=63), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("candidate", sa.Text(), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("metrics", sa.JSON(), nullable=False),
        sa.Column("gates", sa.JSON(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False, comment="Of the bundle, relative to the folder of models."),
        sa.Column("sha256", sa.String(length=64), nullable=False, comment="Of the bundle's bundle.json."),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("champion", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["runs.id"],
        ),
        sa.PrimaryKeyConstraint("service", "number"),
    )
    op.create_index(
        "one_champion_per_service",
        "versions",
        ["service"],
        unique=True,
        sqlite_where=sa.text("champion"),
        postgresql_where=sa.text("champion"),
    )
    op.create_table(
        "feedback",
        sa.Column("prediction_id", sa.String(length=36), nullable=False),
        sa.Column("example_id", sa.String(length=36), nullable=False),
        sa.Column("target", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["example_id"],
            ["examples.id"],
        ),
        sa.ForeignKeyConstraint(["prediction_id"], ["predictions.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("prediction_id"),
    )
    op.create_index("feedback_by_example", "feedback", ["example_id"], unique=False)


def downgrade() -> None:
    op.drop_index("feedback_by_example", table_name="feedback")
    op.drop_table("feedback")
    op.drop_index(
        "one_champion_per_service",
        table_name="versions",
        sqlite_where=sa.text("champion"),
        postgresql_where=sa.text("champion"),
    )
    op.drop_table("versions")
    op.drop_index("examples_by_digest", table_name="examples")
    op.drop_index("examples_by_batch", table_name="examples")
    op.drop_table("examples")
    op.drop_index("runs_by_service", table_name="runs")
    op.drop_index(
        "one_active_run_per_service",
        table_name="runs",
        sqlite_where=sa.text("status IN ('queued', 'started')"),
        postgresql_where=sa.text("status IN ('queued', 'started')"),
    )
    op.drop_table("runs")
    op.drop_index("promotions_by_service", table_name="promotions")
    op.drop_table("promotions")
    op.drop_index("predictions_by_service", table_name="predictions")
    op.drop_table("predictions")
    op.drop_table("batches")
