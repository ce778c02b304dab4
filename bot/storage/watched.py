"""Watched tasks as rows: which of them a reading's task is, and what a row says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Row, Select, and_, case, exists, literal, or_, select
from sqlalchemy.sql import ColumnElement

from bot.recording.reading import Reading
from bot.recording.task import NOT_STARTED, SAME_START_WITHIN, RecordTask, RtcApp, TaskRef, is_same_start
from bot.storage.columns import Start, Unreadable
from bot.storage.decoding import whole
from bot.storage.naming import AppNames
from bot.storage.tables import IS_WATCHING, of_ids, watched_tasks
from bot.subscriptions.subscription import Phase, WatchedTask, known_start

c = watched_tasks.c
other = watched_tasks.alias("other")


def watched_task(
    row: Row[Any], names: AppNames, *, read: Callable[[Any], Reading | Unreadable | None] = lambda seen: seen
) -> WatchedTask:
    """The row, whose columns have the table's names. Raises ValueError, for a phase of a newer release too.

    `read` makes a reading of what stands in its column `seen`, where that was not fetched as one.
    """
    return WatchedTask(
        id=row.id,
        ref=names.ref(TaskRef(RtcApp(row.app_name, row.app_id), row.room, row.task)),
        started_at=row.started,
        phase=Phase(row.phase),
        watched_since=row.watched_since,
        next_look_at=row.next_look_at,
        failures=whole(row.failures),
        last_error=row.last_error,
        seen=names.reading(read(row.seen)),
        waiting_since=row.waiting_since,
    )


def candidates(ref: TaskRef, start: datetime | None) -> Select[Any]:
    """The rows that may be of the task of these ids and this start, the oldest first."""
    return select(watched_tasks).where(of_ids(ref), or_(IS_WATCHING, _is_start(c.started, start))).order_by(c.id)


def _is_start(column: ColumnElement[Any], start: datetime | None) -> ColumnElement[bool]:
    if start is None:
        return column == None  # noqa: E711
    return column.between(start - SAME_START_WITHIN, start + SAME_START_WITHIN)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A watched task that may be the one of a reading."""

    id: int
    started_at: datetime | None
    is_watching: bool
    seen: Reading | None


def candidate(row: Row[Any], names: AppNames) -> Candidate:
    """The row of `candidates`. Raises ValueError for one that is watched and could not be looked at."""
    is_watching = row.phase == Phase.WATCHING
    if is_watching:
        watched_task(row, names)
    return Candidate(row.id, row.started, is_watching, names.reading(row.seen))


def likeliest_first(
    found: Sequence[Candidate], task: RecordTask, *, read_at: datetime | None = None
) -> list[Candidate]:
    """The candidates in the order in which they are this task, among equals the newest first.

    With a start: what is watched by that start, what was told of that start, what is watched and has not shown its
    start yet. Without: what is watched, for RTC tells of the newest task of some ids only; then what was told without.
    What has not begun, read later than what has (without `read_at` it was), is another task: none goes back.
    """
    start = known_start(task)

    def may_be(each: Candidate) -> bool:
        if task.status == NOT_STARTED and each.started_at is not None:
            return read_at is not None and each.seen is not None and read_at <= each.seen.read_at
        return start is None or each.started_at is None or is_same_start(each.started_at, start)

    def rank(each: Candidate) -> tuple[bool, bool, int]:
        is_another = start is not None and each.started_at is None
        return is_another, not each.is_watching, -each.id

    return sorted(filter(may_be, found), key=rank)


def start_filled_in(reading: Reading) -> ColumnElement[datetime | None]:
    """What to set a watched task's start to, now that this was read of it.

    Where another row of the same start is watched, both stay as they are: each has its subscribers, and all are told.
    """
    start = known_start(reading.task)
    started: Column[datetime | None] = c.started
    if start is None:
        return started
    is_taken = exists().where(
        other.c.app_id == c.app_id,
        other.c.room == c.room,
        other.c.task == c.task,
        _is_start(other.c.started, start),
        other.c.phase == Phase.WATCHING.value,
    )
    is_open = and_(started == None, IS_WATCHING, ~is_taken.correlate(watched_tasks))  # noqa: E711
    return case((is_open, literal(start, Start())), else_=started)
