"""Watched tasks, subscriptions, completions, notices and homes."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
oldest_release = "0.1.0"


def upgrade() -> None:
    """From an empty database."""
    _create_schema_release()
    _create_watched_tasks()
    _create_subscriptions()
    _create_completions()
    _create_notices()
    op.create_table(
        "homes",
        sa.Column("team_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("team_id", "user_id"),
    )


def _create_schema_release() -> None:
    op.create_table(
        "schema_release",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.Text(), nullable=False),
        sa.Column("oldest_release", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def _create_watched_tasks() -> None:
    op.create_table(
        "watched_tasks",
        _id(),
        sa.Column("app_id", sa.Text(), nullable=False),
        sa.Column("app_name", sa.Text(), nullable=False),
        sa.Column("room", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("started", sa.BigInteger(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("watched_since", sa.BigInteger(), nullable=False),
        sa.Column("next_look_at", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text()),
        sa.Column("seen", sa.Text()),
        sa.Column("waiting_since", sa.BigInteger()),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.Column("lease_token", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger()),
        sqlite_autoincrement=True,
    )
    ids = ["app_id", "room", "task", "started"]
    op.create_index("watched_tasks_of_ids", "watched_tasks", ids)
    _create_partial_index("watched_tasks_watching", "watched_tasks", ids, where="phase = 'watching'", unique=True)
    _create_partial_index("watched_tasks_due", "watched_tasks", ["next_look_at"], where="phase <> 'closed'")
    _create_partial_index("watched_tasks_closed", "watched_tasks", ["closed_at"], where="phase = 'closed'")


def _create_subscriptions() -> None:
    op.create_table(
        "subscriptions",
        _id(),
        sa.Column("watched_task_id", sa.BigInteger(), nullable=False),
        sa.Column("team_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("subscribed_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("end_reason", sa.Text()),
        sa.UniqueConstraint("watched_task_id", "team_id", "user_id", name="subscriptions_once"),
        sa.ForeignKeyConstraint(["watched_task_id"], ["watched_tasks.id"], ondelete="CASCADE"),
        sqlite_autoincrement=True,
    )
    op.create_index("subscriptions_of_person", "subscriptions", ["team_id", "user_id", "subscribed_at"])


def _create_completions() -> None:
    op.create_table(
        "completions",
        _id(),
        sa.Column("watched_task_id", sa.BigInteger(), nullable=False),
        sa.Column("occasion", sa.Text(), nullable=False),
        sa.Column("noticed_at", sa.BigInteger(), nullable=False),
        sa.Column("reading", sa.Text()),
        sa.Column("newer", sa.Text()),
        sa.UniqueConstraint("watched_task_id", "occasion", name="completions_once"),
        sa.ForeignKeyConstraint(["watched_task_id"], ["watched_tasks.id"], ondelete="CASCADE"),
        sqlite_autoincrement=True,
    )


def _create_notices() -> None:
    op.create_table(
        "notices",
        _id(),
        sa.Column("subscription_id", sa.BigInteger(), nullable=False),
        sa.Column("completion_id", sa.BigInteger(), nullable=False),
        sa.Column("follows", sa.BigInteger()),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("queued_at", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.Column("lease_token", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger()),
        sa.Column("channel", sa.Text()),
        sa.Column("ts", sa.Text()),
        sa.UniqueConstraint("subscription_id", "completion_id", name="notices_once"),
        sa.UniqueConstraint("key", name="notices_key"),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscriptions.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["completion_id"], ["completions.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["follows"], ["notices.id"], ondelete="CASCADE"),
        sqlite_autoincrement=True,
    )
    op.create_index("notices_of_completion", "notices", ["completion_id"])
    _create_partial_index("notices_following", "notices", ["follows"], where="follows IS NOT NULL")
    _create_partial_index("notices_due", "notices", ["due_at"], where="settled_at IS NULL")


def _id() -> sa.Column[int]:
    # SQLite counts rows in a column of exactly this type only.
    return sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True)


def _create_partial_index(name: str, table: str, columns: list[str], *, where: str, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)
