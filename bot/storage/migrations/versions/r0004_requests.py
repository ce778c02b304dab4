"""What Slack has sent already, so that it has no effect a second time."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
# It knows nothing of the table, and goes on beside newer ones; what is sent again to it has its effect again.
oldest_release = "0.1.0"


def upgrade() -> None:
    """Nothing that is there is changed."""
    op.create_table(
        "requests",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("requests_seen_at", "requests", ["seen_at"])
