"""What people do: subscribe, unsubscribe, and look at their list."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Text, and_, case, delete, exists, func, or_, select, type_coerce, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.notices.completion import Completion, Occasion
from bot.notices.notice import NoticeState
from bot.notices.person import Person
from bot.notices.store import DatabaseUnavailable
from bot.notices.subscription import Entry, Phase, Subscribed, WatchedTask, known_start
from bot.recording.reading import Reading
from bot.recording.serialization import NotDecodable, decode_summary
from bot.recording.task import RecordTask, is_same_start
from bot.recording.task_ref import TaskRef
from bot.storage.columns import EPOCH, Unreadable, UnreadableReading
from bot.storage.completions import completion, most_telling
from bot.storage.database import Database
from bot.storage.rows import AppNames
from bot.storage.subscription_end import IS_RUNNING, lock, one_of, owed_to, retire, subscribed_by
from bot.storage.tables import (
    IS_LOOKED_AT,
    IS_OPEN,
    IS_UNSETTLED,
    completions,
    notices,
    of_ids,
    of_person,
    subscriptions,
    watched_tasks,
)
from bot.storage.watched_tasks import Candidate, candidate, candidates, likeliest_first, start_filled_in, watched_task


class SqlSubscriptions:
    """The protocol Subscriptions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def subscribe(
        self, reading: Reading, person: Person, *, next_look: timedelta, asked_in: str | None = None
    ) -> Subscribed:
        """As the protocol says.

        Whoever comes after a task's end gets its most telling completion. The task is watched anew, as another one,
        where this reading was made after that and shows it going on, and the start was not known (then this is another
        task of the same ids) or RTC had lost it (then it has come back). Those who were told before are not told again.
        """
        task = reading.task
        async with self._database.writing() as connection:
            await self._database.queue_up(connection, repr((task.ref.app.app_id, task.ref.room, task.ref.task)))
            rows = (await connection.execute(candidates(task.ref, known_start(task)).with_for_update())).all()
            for each in likeliest_first(self._readable(rows, task), task, read_at=reading.read_at):
                if each.is_watching:
                    return await self._join(connection, each.id, reading, person, asked_in)
                told = await most_telling(connection, each.id, self._database.decoder)
                if told is not None and not _is_outdated(told, reading):
                    return Subscribed(is_new=False, completion=told)
            return await self._begin(connection, reading, person, asked_in, next_look=next_look)

    def _readable(self, rows: Sequence[Row[Any]], task: RecordTask) -> list[Candidate]:
        """Without those that cannot be decoded. Raises DatabaseUnavailable where one of them takes the task's place.

        Nobody looks at that one, so whoever joined it would wait in vain, and another one beside it cannot be stored.
        """
        found = self._database.decoder.sort(rows, candidate, of=watched_tasks.name)
        for row in rows:
            if row.id in found.left_out and row.phase == Phase.WATCHING and _may_be(row.started, known_start(task)):
                raise DatabaseUnavailable(f"The stored row of this task cannot be read: watched_tasks, id {row.id}.")
        return found.decoded

    async def _begin(
        self,
        connection: AsyncConnection,
        reading: Reading,
        person: Person,
        asked_in: str | None,
        *,
        next_look: timedelta,
    ) -> Subscribed:
        ref = reading.task.ref
        made = await connection.execute(
            self._database.insert(watched_tasks)
            .values(
                app_id=ref.app.app_id,
                app_name=ref.app.name,
                room=ref.room,
                task=ref.task,
                started=known_start(reading.task),
                phase=Phase.WATCHING.value,
                watched_since=self._database.now(),
                next_look_at=self._database.after(next_look),
                failures=0,
                seen=reading,
                lease_until=EPOCH,
                lease_token=0,
            )
            .returning(watched_tasks.c.id)
        )
        return await self._add(connection, made.scalar_one(), person, asked_in)

    async def _join(
        self, connection: AsyncConnection, watched_id: int, reading: Reading, person: Person, asked_in: str | None
    ) -> Subscribed:
        row = update(watched_tasks).where(watched_tasks.c.id == watched_id)
        await connection.execute(row.values(started=start_filled_in(reading)))
        return await self._add(connection, watched_id, person, asked_in)

    async def _add(
        self, connection: AsyncConnection, watched_id: int, person: Person, asked_in: str | None
    ) -> Subscribed:
        """New, or open again; nothing where it is open."""
        insert = self._database.insert(subscriptions).values(
            watched_task_id=watched_id,
            team_id=person.team_id,
            user_id=person.user_id,
            subscribed_at=self._database.now(),
            asked_in=asked_in,
        )
        added = await connection.execute(
            insert.on_conflict_do_update(
                index_elements=["watched_task_id", "team_id", "user_id"],
                set_={
                    "subscribed_at": insert.excluded.subscribed_at,
                    "asked_in": insert.excluded.asked_in,
                    "ended_at": None,
                    "end_reason": None,
                },
                where=~IS_OPEN,
            ).returning(subscriptions.c.id)
        )
        return Subscribed(is_new=added.first() is not None)

    async def unsubscribe(self, ref: TaskRef, person: Person) -> bool:
        """As the protocol says. A task that nobody waits for any more is not looked at any more."""
        whose = of_person(person)
        async with self._database.writing() as connection:
            locked = await lock(connection, watched_tasks, of_ids(ref) & subscribed_by(whose & IS_RUNNING))
            whose &= one_of(subscriptions.c.watched_task_id, locked)
            ended = await connection.execute(
                update(subscriptions).where(whose, IS_RUNNING).values(ended_at=self._database.now())
            )
            if not ended.rowcount:
                return False
            # What was closed with a reason stays in the list.
            by_choice = whose & ~IS_OPEN & subscriptions.c.end_reason.is_(None)
            await lock(connection, notices, owed_to(by_choice))
            await connection.execute(delete(notices).where(owed_to(by_choice)))
            await connection.execute(delete(subscriptions).where(by_choice, _HAS_NOTHING_TO_SHOW))
            await retire(self._database, connection, one_of(watched_tasks.c.id, locked))
            return True

    async def clear(self, person: Person) -> int:
        owes_nothing = ~exists().where(notices.c.subscription_id == subscriptions.c.id, IS_UNSETTLED)
        is_done = of_person(person) & ~IS_RUNNING & owes_nothing
        async with self._database.writing() as connection:
            locked = await lock(connection, watched_tasks, subscribed_by(is_done))
            is_done &= one_of(subscriptions.c.watched_task_id, locked)
            cleared = await connection.execute(delete(subscriptions).where(is_done))
            await retire(self._database, connection, one_of(watched_tasks.c.id, locked))
            return int(cleared.rowcount)

    async def is_subscribed(self, task: RecordTask, person: Person) -> bool:
        is_theirs = exists().where(subscriptions.c.watched_task_id == watched_tasks.c.id, of_person(person), IS_RUNNING)
        async with self._database.reading() as connection:
            found = await connection.execute(
                candidates(task.ref, known_start(task)).add_columns(is_theirs.label("is_theirs"))
            )
            rows = found.all()
        readable = self._database.decoder.decode(rows, candidate, of=watched_tasks.name)
        theirs = {row.id for row in rows if row.is_theirs}
        return any(each.id in theirs for each in likeliest_first(readable, task)[:1])

    async def count_running(self, person: Person) -> int:
        running = select(func.count()).select_from(subscriptions).where(of_person(person), IS_RUNNING)
        async with self._database.reading() as connection:
            return int((await connection.execute(running)).scalar_one())

    async def entries(self, person: Person, *, limit: int) -> Sequence[Entry]:
        async with self._database.reading() as connection:
            rows = (await connection.execute(_entries_of(person).limit(limit))).all()
        return self._database.decoder.decode(rows, _entry, of=watched_tasks.name)

    async def listed(self, person: Person, *, limit: int) -> Sequence[Entry]:
        """Decoded beside the loop, for a long list takes its time."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(_listed_of(person).limit(limit))).all()
        return await asyncio.to_thread(self._database.decoder.decode, rows, _listed, of=watched_tasks.name)


# Of an ended subscription.
_HAS_NOTHING_TO_SHOW = or_(
    exists().where(
        watched_tasks.c.id == subscriptions.c.watched_task_id, watched_tasks.c.phase == Phase.WATCHING.value
    ),
    ~exists().where(notices.c.subscription_id == subscriptions.c.id),
)


def _may_be(stored: datetime | None, start: datetime | None) -> bool:
    return stored == start if stored is None or start is None else is_same_start(stored, start)


def _is_outdated(told: Completion, reading: Reading) -> bool:
    """Whether the reading shows that there is something to watch after all."""
    is_final = told.occasion in {Occasion.ENDED, Occasion.FILES} and known_start(reading.task) is not None
    return not is_final and not reading.task.is_over and reading.read_at > told.noticed_at


def _entries_of(person: Person) -> Any:
    return _rows_of(person, watched_tasks, completions.c.reading, completions.c.newer)


# The text itself: decoding is what takes its time, and happens where rows are fetched, which is on the loop.
_WITHOUT_READING = [column for column in watched_tasks.c if column is not watched_tasks.c.seen]
_READING_AS_TEXT = type_coerce(watched_tasks.c.seen, Text).label("seen")


def _listed_of(person: Person) -> Any:
    return _rows_of(person, *_WITHOUT_READING, _READING_AS_TEXT)


def _rows_of(person: Person, *columns: Any) -> Any:
    newest = select(func.max(notices.c.id)).where(notices.c.subscription_id == subscriptions.c.id)
    is_under_way = case((and_(IS_LOOKED_AT, IS_OPEN), 0), else_=1)
    return (
        select(
            *columns,
            subscriptions.c.subscribed_at,
            subscriptions.c.ended_at,
            subscriptions.c.end_reason,
            notices.c.state,
            notices.c.reason,
            notices.c.settled_at,
            completions.c.occasion,
            completions.c.noticed_at,
        )
        .join_from(subscriptions, watched_tasks, watched_tasks.c.id == subscriptions.c.watched_task_id)
        .outerjoin(notices, notices.c.id == newest.correlate(subscriptions).scalar_subquery())
        .outerjoin(completions, completions.c.id == notices.c.completion_id)
        .where(of_person(person))
        .order_by(is_under_way, subscriptions.c.subscribed_at.desc(), subscriptions.c.id.desc())
    )


def _entry(row: Row[Any], names: AppNames) -> Entry:
    told = None if row.state is None else completion(row, names)
    return _entry_of(row, watched_task(row, names), told)


def _listed(row: Row[Any], names: AppNames) -> Entry:
    told = None if row.state is None else Completion(Occasion(row.occasion), row.noticed_at, None)
    return _entry_of(row, watched_task(row, names, read=_summary), told)


def _summary(seen: str | None) -> Reading | Unreadable | None:
    try:
        return None if seen is None else decode_summary(seen)
    except NotDecodable as flaw:
        return UnreadableReading(str(flaw))


def _entry_of(row: Row[Any], watched: WatchedTask, told: Completion | None) -> Entry:
    is_told = row.state is not None
    return Entry(
        watched=watched,
        subscribed_at=row.subscribed_at,
        completion=told,
        notice_state=NoticeState(row.state) if is_told else None,
        reason=row.reason if is_told else row.end_reason,
        settled_at=row.settled_at,
        has_left=row.ended_at is not None,
    )
