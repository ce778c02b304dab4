"""What keeps the store in order: old rows deleted, people and workspaces purged, home tabs remembered."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, ScalarSelect, Table, and_, delete, exists, func, or_, select

from bot.notices.notice import NoticeState
from bot.notices.person import Person
from bot.notices.store import OVERDUE_AFTER, StoreStats
from bot.notices.subscription import Phase
from bot.storage.columns import EPOCH, NEVER
from bot.storage.database import Database
from bot.storage.subscription_end import lock, one_of, owed_to, retire, subscribed_by
from bot.storage.tables import (
    IS_CLOSED,
    IS_LOOKED_AT,
    homes,
    notices,
    of_person,
    profile_changes,
    subscriptions,
    watched_tasks,
)

# A row a person, with the same key.
_ABOUT_PEOPLE = (homes, profile_changes)
# Of those that this release looks at, and whose time can be read.
_OLDEST_LOOK = (
    select(func.min(watched_tasks.c.next_look_at))
    .where(IS_LOOKED_AT, watched_tasks.c.next_look_at > EPOCH, watched_tasks.c.next_look_at < NEVER)
    .where(watched_tasks.c.phase.in_([phase.value for phase in Phase]))
    .scalar_subquery()
    .label("oldest_look")
)


class SqlUpkeep:
    """The protocol Upkeep."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ping(self) -> None:
        await self._database.prove()

    async def oldest_look(self) -> timedelta:
        async with self._database.reading() as connection:
            found = (await connection.execute(select(self._database.now().label("now"), _OLDEST_LOOK))).one()
        return _waiting_since(found.oldest_look, now=found.now)

    async def census(self) -> StoreStats:
        # Answered once, so that an index can be searched by it; and by both sides of it, which an index counts.
        due_before = select(self._database.after(-OVERDUE_AFTER)).scalar_subquery()
        looks = select(
            self._database.now().label("now"),
            _looked_at(watched_tasks.c.next_look_at <= due_before).label("overdue"),
            _looked_at(watched_tasks.c.next_look_at > due_before).label("in_time"),
            _OLDEST_LOOK,
        )
        counted = (
            select(notices.c.state, func.count().label("notices"), func.min(notices.c.queued_at).label("oldest"))
            # Of every row that can be read, and so the index is searched and no row is read.
            .where(notices.c.queued_at > EPOCH, notices.c.queued_at < NEVER)
            .group_by(notices.c.state)
        )
        async with self._database.reading() as connection:
            found = (await connection.execute(looks)).one()
            by_state = {row.state: row for row in await connection.execute(counted)}
        return StoreStats(
            watched=found.overdue + found.in_time,
            overdue=found.overdue,
            notices={state: by_state[state].notices if state in by_state else 0 for state in NoticeState},
            oldest_waiting=_oldest_waiting(by_state, now=found.now),
            oldest_look=_waiting_since(found.oldest_look, now=found.now),
        )

    async def forget(self, *, older_than: timedelta, at_most: int) -> int:
        before = select(self._database.after(-older_than)).scalar_subquery()
        is_recent = or_(notices.c.settled_at.is_(None), notices.c.settled_at > before)
        old = (
            select(watched_tasks.c.id)
            .where(IS_CLOSED, watched_tasks.c.closed_at <= before, ~_has_notice(is_recent))
            .order_by(watched_tasks.c.closed_at)
            .limit(at_most)
            .with_for_update(skip_locked=True, of=watched_tasks)
            .cte("old")
        )
        async with self._database.writing() as connection:
            forgotten = await connection.execute(
                delete(watched_tasks).where(watched_tasks.c.id.in_(select(old.c.id))).returning(watched_tasks.c.id)
            )
            # SQLite's driver does not count what a statement with a WITH has changed.
            return len(forgotten.all())

    async def workspaces_of(self, user_id: str) -> Sequence[str]:
        subscribed = select(subscriptions.c.team_id).where(subscriptions.c.user_id == user_id)
        at_home = select(homes.c.team_id).where(homes.c.user_id == user_id)
        changed = select(profile_changes.c.team_id).where(profile_changes.c.user_id == user_id)
        async with self._database.reading() as connection:
            return sorted((await connection.execute(subscribed.union(at_home, changed))).scalars())

    async def purge_person(self, person: Person) -> int:
        return await self._purge(of_person(person), *(_is_theirs(table, person) for table in _ABOUT_PEOPLE))

    async def purge_workspace(self, team_id: str) -> int:
        return await self._purge(
            subscriptions.c.team_id == team_id, *(table.c.team_id == team_id for table in _ABOUT_PEOPLE)
        )

    async def _purge(self, whose: ColumnElement[bool], *rows: ColumnElement[bool]) -> int:
        """`rows` are those of the tables _ABOUT_PEOPLE, in their order."""
        async with self._database.writing() as connection:
            for table, is_theirs in zip(_ABOUT_PEOPLE, rows, strict=True):
                await connection.execute(delete(table).where(is_theirs))
            locked = await lock(connection, watched_tasks, subscribed_by(whose))
            whose &= one_of(subscriptions.c.watched_task_id, locked)
            await lock(connection, notices, owed_to(whose))
            counted = await connection.execute(select(func.count()).select_from(subscriptions).where(whose))
            await retire(self._database, connection, one_of(watched_tasks.c.id, locked), without=whose)
            await connection.execute(delete(subscriptions).where(whose))
            return int(counted.scalar_one())

    async def note_home(self, person: Person) -> None:
        opened = self._database.insert(homes).values(team_id=person.team_id, user_id=person.user_id)
        async with self._database.writing() as connection:
            await connection.execute(opened.on_conflict_do_nothing())

    async def has_home(self, person: Person) -> bool:
        async with self._database.reading() as connection:
            found = await connection.execute(select(homes.c.team_id).where(_is_theirs(homes, person)))
            return found.first() is not None


def _is_theirs(table: Table, person: Person) -> ColumnElement[bool]:
    return and_(table.c.team_id == person.team_id, table.c.user_id == person.user_id)


def _has_notice(which: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(
        subscriptions.c.watched_task_id == watched_tasks.c.id, notices.c.subscription_id == subscriptions.c.id, which
    )


def _looked_at(which: ColumnElement[bool]) -> ScalarSelect[int]:
    return select(func.count()).select_from(watched_tasks).where(IS_LOOKED_AT, which).scalar_subquery()


def _waiting_since(due_at: datetime | None, *, now: datetime) -> timedelta:
    return timedelta() if due_at is None else max(now - due_at, timedelta())


def _oldest_waiting(by_state: Mapping[str, Row[Any]], *, now: datetime) -> timedelta | None:
    queued = [by_state[state].oldest for state in (NoticeState.PENDING, NoticeState.SENDING) if state in by_state]
    return max(now - min(queued), timedelta()) if queued else None
