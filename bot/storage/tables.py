"""The tables. What changes here needs a migration; a test compares the two."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    and_,
    literal_column,
    text,
)
from sqlalchemy.sql import ColumnElement

from bot.notices.person import Person
from bot.notices.subscription import Phase
from bot.recording.task_ref import TaskRef
from bot.storage.columns import Moment, ReadingText, Start, Words

metadata = MetaData()


def _id() -> Column[Any]:
    return Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True)


def _owner(name: str) -> Column[Any]:
    return Column(name, BigInteger, ForeignKey(f"{name.removesuffix('_id')}s.id", ondelete="CASCADE"), nullable=False)


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))


# One row; Alembic's own table says the revision too, and needs Alembic to be read.
schema_release = Table(
    "schema_release",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("revision", Text, nullable=False),
    Column("oldest_release", Text, nullable=False),
)

# SQLite would give the id of a deleted row to the next one, and a stale holder would write to that.
NO_ID_REUSE = True

watched_tasks = Table(
    "watched_tasks",
    metadata,
    _id(),
    Column("app_id", Text, nullable=False),
    Column("app_name", Words, nullable=False),
    Column("room", Text, nullable=False),
    Column("task", Text, nullable=False),
    Column("started", Start, nullable=False),
    Column("phase", Text, nullable=False),
    Column("watched_since", Moment, nullable=False),
    Column("next_look_at", Moment, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("last_error", Words),
    Column("seen", ReadingText),
    Column("waiting_since", Moment),
    Column("lease_until", Moment, nullable=False),
    Column("lease_token", BigInteger, nullable=False),
    Column("closed_at", Moment),
    Index("watched_tasks_of_ids", "app_id", "room", "task", "started"),
    _partial("watched_tasks_watching", "app_id", "room", "task", "started", where="phase = 'watching'", unique=True),
    _partial("watched_tasks_due", "next_look_at", where="phase <> 'closed'"),
    _partial("watched_tasks_closed", "closed_at", where="phase = 'closed'"),
    sqlite_autoincrement=NO_ID_REUSE,
)

subscriptions = Table(
    "subscriptions",
    metadata,
    _id(),
    _owner("watched_task_id"),
    Column("team_id", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("subscribed_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("end_reason", Words),
    Column("asked_in", Text),
    UniqueConstraint("watched_task_id", "team_id", "user_id", name="subscriptions_once"),
    Index("subscriptions_of_person", "team_id", "user_id", "subscribed_at"),
    sqlite_autoincrement=NO_ID_REUSE,
)

completions = Table(
    "completions",
    metadata,
    _id(),
    _owner("watched_task_id"),
    Column("occasion", Text, nullable=False),
    Column("noticed_at", Moment, nullable=False),
    Column("reading", ReadingText),
    Column("newer", ReadingText),
    UniqueConstraint("watched_task_id", "occasion", name="completions_once"),
    sqlite_autoincrement=NO_ID_REUSE,
)

# `follows` is the notice of the end, for one about files that arrived later.
notices = Table(
    "notices",
    metadata,
    _id(),
    _owner("subscription_id"),
    _owner("completion_id"),
    Column("follows", BigInteger, ForeignKey("notices.id", ondelete="CASCADE")),
    Column("key", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Words),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("queued_at", Moment, nullable=False),
    Column("lease_until", Moment, nullable=False),
    Column("lease_token", BigInteger, nullable=False),
    Column("settled_at", Moment),
    Column("channel", Text),
    Column("ts", Text),
    UniqueConstraint("subscription_id", "completion_id", name="notices_once"),
    UniqueConstraint("key", name="notices_key"),
    Index("notices_of_completion", "completion_id"),
    # Not the other way round: SQLite would search it for what is due, where all have one of two states.
    Index("notices_counted", "queued_at", "state"),
    _partial("notices_following", "follows", where="follows IS NOT NULL"),
    _partial("notices_due", "due_at", where="settled_at IS NULL"),
    sqlite_autoincrement=NO_ID_REUSE,
)

homes = Table(
    "homes",
    metadata,
    Column("team_id", Text, primary_key=True),
    Column("user_id", Text, primary_key=True),
)

# What Slack has sent already, by a hash of what tells it from all else.
requests = Table(
    "requests",
    metadata,
    Column("key", Text, primary_key=True),
    Column("seen_at", Moment, nullable=False),
    Index("requests_seen_at", "seen_at"),
)

# Slack sends each event to one replica; the others look here.
profile_changes = Table(
    "profile_changes",
    metadata,
    Column("team_id", Text, primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("changed_at", Moment, nullable=False),
    Index("profile_changes_at", "team_id", "changed_at"),
)

# Of no other table's rows: the record outlives what it is about.
audit_records = Table(
    "audit_records",
    metadata,
    Column("id", Text, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("team_id", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("deed", Text, nullable=False),
    Column("door", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("channel", Text),
    Column("app", Text),
    Column("room", Text),
    Column("task", Text),
    Column("file", Words),
    Column("reason", Words),
    Column("request_id", Words),
    Index("audit_records_at", "at"),
    Index("audit_records_of_person", "user_id", "at"),
    Index("audit_records_of_task", "room", "task", "at"),
)


def of_ids(ref: TaskRef) -> ColumnElement[bool]:
    """Watched tasks of these ids, whichever start they have; the app's name is only what people call it."""
    c = watched_tasks.c
    return and_(c.app_id == ref.app.app_id, c.room == ref.room, c.task == ref.task)


def of_person(person: Person) -> ColumnElement[bool]:
    """The person's subscriptions."""
    return and_(subscriptions.c.team_id == person.team_id, subscriptions.c.user_id == person.user_id)


# The conditions of the partial indexes, written out, for a database does not recognise them by a parameter.
IS_WATCHING = watched_tasks.c.phase == literal_column(f"'{Phase.WATCHING}'")
IS_LOOKED_AT = watched_tasks.c.phase != literal_column(f"'{Phase.CLOSED}'")
IS_CLOSED = watched_tasks.c.phase == literal_column(f"'{Phase.CLOSED}'")
IS_OPEN = subscriptions.c.ended_at.is_(None)
IS_UNSETTLED = notices.c.settled_at.is_(None)
