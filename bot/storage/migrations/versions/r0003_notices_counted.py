"""An index by which notices are counted, and the oldest found."""

from alembic import op

revision = "0003"
down_revision = "0002"
# It knows nothing of the index, and keeps it like any other one: it goes on beside newer ones.
oldest_release = "0.1.0"


def upgrade() -> None:
    """Nothing that is there is changed."""
    op.create_index("notices_counted", "notices", ["queued_at", "state"])
