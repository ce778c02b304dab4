"""The rows of watched tasks: claimed for a look, written after it, and found again for a reading."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Row, Select, and_, case, exists, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.notices.completion import Completion
from bot.notices.subscription import ClaimedTask, Phase, WatchedTask, known_start
from bot.recording.reading import Reading
from bot.recording.task import NOT_STARTED, SAME_START_WITHIN, RecordTask, is_same_start
from bot.recording.task_ref import RtcApp, TaskRef
from bot.storage.columns import EPOCH, Start, Unreadable
from bot.storage.completions import queue_notices, store
from bot.storage.database import Database
from bot.storage.leases import FREE, SET_ASIDE_FOR, claim, is_held, release, set_aside
from bot.storage.rows import AppNames, whole
from bot.storage.tables import IS_LOOKED_AT, IS_WATCHING, of_ids, watched_tasks

c = watched_tasks.c
# What a newer release has brought into another phase is its own to look at.
_IS_KNOWN = c.phase.in_([phase.value for phase in Phase])
_ALL_IS_WELL = {"failures": 0, "last_error": None}


class SqlLooks:
    """The protocol Looks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim_due(self, *, limit: int, lease: timedelta) -> Sequence[ClaimedTask]:
        claimed = claim(
            watched_tasks,
            c.next_look_at,
            IS_LOOKED_AT,
            _IS_KNOWN,
            now=self._database.now(),
            until=self._database.after(lease),
            limit=limit,
        ).returning(*c)
        async with self._database.writing() as connection:
            rows = (await connection.execute(claimed)).all()
            found = self._database.decoder.sort(rows, _look, of=watched_tasks.name)
            if found.left_out:
                until = self._database.after(SET_ASIDE_FOR)
                await connection.execute(set_aside(watched_tasks, c.next_look_at, found.left_out, until=until))
        return sorted(found.decoded, key=lambda look: (look.watched.next_look_at, look.watched.id))

    async def note(
        self, look: ClaimedTask, reading: Reading, *, next_look: timedelta, waiting_since: datetime | None
    ) -> bool:
        async with self._database.writing() as connection:
            return await self._write(
                connection,
                look,
                {
                    **_ALL_IS_WELL,
                    **_seen(reading),
                    "waiting_since": waiting_since,
                    "next_look_at": self._due_after(look, next_look),
                },
            )

    async def note_failure(self, look: ClaimedTask, error: str, *, next_look: timedelta) -> bool:
        failed = {"failures": c.failures + 1, "last_error": error, "next_look_at": self._due_after(look, next_look)}
        async with self._database.writing() as connection:
            return await self._write(connection, look, failed)

    async def conclude(self, look: ClaimedTask, completion: Completion, *, phase: Phase, next_look: timedelta) -> bool:
        watched_id = look.watched.id
        concluded = {**_ALL_IS_WELL, **_seen(completion.reading), **self._entering(look, phase, next_look)}
        async with self._database.writing() as connection:
            # The token first: whoever subscribes at this moment waits for the lock, or is among those who are told.
            if not await self._write(connection, look, concluded):
                return False
            completion_id = await store(self._database, connection, watched_id, completion)
            await queue_notices(
                self._database, connection, watched_id, completion_id=completion_id, occasion=completion.occasion
            )
            return True

    async def close(self, look: ClaimedTask) -> bool:
        async with self._database.writing() as connection:
            return await self._write(connection, look, self._entering(look, Phase.CLOSED, timedelta()))

    async def release(self, looks: Sequence[ClaimedTask]) -> None:
        if not looks:
            return
        held = [(look.watched.id, look.token) for look in looks]
        async with self._database.writing() as connection:
            await connection.execute(release(watched_tasks, (c.id, c.lease_token), held))

    async def hasten(self, ref: TaskRef) -> None:
        await self._hasten(of_ids(ref))

    async def hasten_failed(self) -> None:
        await self._hasten(c.failures > 0)

    async def _hasten(self, which: ColumnElement[bool]) -> None:
        now = self._database.now()
        # One that is being looked at now is due anew, which `_due_after` minds; one that waits to be keeps its place.
        late = (
            select(c.id)
            .where(which, IS_LOOKED_AT, or_(c.next_look_at > now, c.lease_until != EPOCH))
            .order_by(c.id)
            .with_for_update(key_share=True)
            .cte("late")
        )
        async with self._database.writing() as connection:
            await connection.execute(update(watched_tasks).where(c.id.in_(select(late.c.id))).values(next_look_at=now))

    async def _write(self, connection: AsyncConnection, look: ClaimedTask, values: Mapping[str, Any]) -> bool:
        """Write, and end the claim, if it stands."""
        is_standing = (c.id == look.watched.id) & is_held(watched_tasks, look.token)
        written = await connection.execute(update(watched_tasks).where(is_standing).values({**values, **FREE}))
        return written.rowcount == 1

    def _entering(self, look: ClaimedTask, phase: Phase, next_look: timedelta) -> dict[str, Any]:
        closed_at = self._database.now() if phase is Phase.CLOSED else None
        return {"phase": phase.value, "closed_at": closed_at, "next_look_at": self._due_after(look, next_look)}

    def _due_after(self, look: ClaimedTask, span: timedelta) -> ColumnElement[datetime]:
        """After the span; but what was hastened during the look stays due, for the look may have come too early."""
        is_as_claimed = c.next_look_at == look.watched.next_look_at
        return case((is_as_claimed, self._database.after(span)), else_=c.next_look_at)


def _look(row: Row[Any], names: AppNames) -> ClaimedTask:
    return ClaimedTask(watched_task(row, names), whole(row.lease_token))


def _seen(reading: Reading | None) -> dict[str, Any]:
    return {} if reading is None else {"seen": reading, "started": start_filled_in(reading)}


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
    start yet. Without: what is watched, for RTC returns only the newest task of reused ids; then what was told without.
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
