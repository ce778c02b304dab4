"""The record of what people did, and where they subscribed."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
# A table that it does not know, and a column that may be empty: it goes on beside newer ones.
oldest_release = "0.1.0"


def upgrade() -> None:
    """Nothing that is there is changed."""
    op.create_table(
        "audit_records",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("team_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("deed", sa.Text(), nullable=False),
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text()),
        sa.Column("app", sa.Text()),
        sa.Column("room", sa.Text()),
        sa.Column("task", sa.Text()),
        sa.Column("file", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("request_id", sa.Text()),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("audit_records_at", "audit_records", ["at"])
    op.create_index("audit_records_of_person", "audit_records", ["user_id", "at"])
    op.create_index("audit_records_of_task", "audit_records", ["room", "task", "at"])
    op.add_column("subscriptions", sa.Column("asked_in", sa.Text()))
