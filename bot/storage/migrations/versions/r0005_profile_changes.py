"""Whose profile changed of late, for all replicas to hear."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
# A table that it does not know: it goes on beside newer ones, and hears of changes as late as it always did.
oldest_release = "0.1.0"


def upgrade() -> None:
    """Nothing that is there is changed."""
    op.create_table(
        "profile_changes",
        sa.Column("team_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("team_id", "user_id"),
    )
    op.create_index("profile_changes_at", "profile_changes", ["team_id", "changed_at"])
