"""What the deliverer does: claim notices, and write down how each attempt went."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CTE, ColumnElement, Row, Select, and_, case, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.notices.completion import Occasion
from bot.notices.notice import ClaimedNotice, MessageRef, Notice, NoticeState
from bot.notices.person import Person
from bot.notices.subscription import Phase
from bot.recording.task_ref import RtcApp, TaskRef
from bot.storage.completions import completion
from bot.storage.database import Database
from bot.storage.leases import FREE, SET_ASIDE_FOR, claim, is_held, release, set_aside
from bot.storage.rows import AppNames, whole
from bot.storage.subscription_end import IS_RUNNING, lock, one_of, owed_to, retire, subscribed_by
from bot.storage.tables import (
    IS_OPEN,
    IS_UNSETTLED,
    completions,
    notices,
    of_person,
    subscriptions,
    watched_tasks,
)

c = notices.c
first = notices.alias("first")
_IS_FOLLOWED = first.c.id == c.follows
# A value and not EXISTS, for which PostgreSQL may read all that was ever delivered.
_FOLLOWS_NOTHING_UNDELIVERED = or_(
    c.follows.is_(None),
    select(first.c.state).where(_IS_FOLLOWED).scalar_subquery() == NoticeState.DELIVERED.value,
)
# What a newer release has written is its own to tell of.
_IS_KNOWN = and_(
    c.state.in_([state.value for state in NoticeState]),
    select(completions.c.occasion)
    .where(completions.c.id == c.completion_id)
    .scalar_subquery()
    .in_([occasion.value for occasion in Occasion]),
)
_HAS_SUBSCRIBER = select(subscriptions.c.id).where(subscriptions.c.id == c.subscription_id, IS_OPEN).exists()


class SqlNotices:
    """The protocol Notices."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim_due(self, *, limit: int, lease: timedelta) -> Sequence[ClaimedNotice]:
        first_of_each = _first_of_each_person(self._database.now(), limit=limit)
        claimed = claim(
            notices,
            c.due_at,
            IS_UNSETTLED,
            c.id.in_(select(first_of_each.c.id)),
            now=self._database.now(),
            until=self._database.after(lease),
            limit=limit,
        ).returning(c.id)
        async with self._database.writing() as connection:
            ids = (await connection.execute(claimed)).scalars().all()
            if not ids:
                return []
            rows = (await connection.execute(_claimed(ids))).all()
            found = self._database.decoder.sort(rows, _delivery, of=notices.name)
            if found.left_out:
                until = self._database.after(SET_ASIDE_FOR)
                await connection.execute(set_aside(notices, c.due_at, found.left_out, until=until))
        return found.decoded

    async def begin(self, delivery: ClaimedNotice, *, lease: timedelta) -> bool:
        is_still_held = (c.lease_until > self._database.now()) & _HAS_SUBSCRIBER
        values = {
            "state": NoticeState.SENDING.value,
            "attempts": c.attempts + 1,
            "lease_until": self._database.after(lease),
        }
        async with self._database.writing() as connection:
            return await self._write(connection, delivery, values, is_still_held) is not None

    async def mark_delivered(self, delivery: ClaimedNotice, place: MessageRef) -> bool:
        delivered = {"reason": None, "channel": place.channel, "ts": place.ts}
        async with self._database.writing() as connection:
            return await self._write(connection, delivery, self._settled(NoticeState.DELIVERED, delivered)) is not None

    async def put_off(
        self, delivery: ClaimedNotice, *, after: timedelta, reason: str | None, is_doubtful: bool
    ) -> bool:
        state = NoticeState.SENDING if is_doubtful else NoticeState.PENDING
        values = {"state": state.value, "reason": reason, "due_at": self._database.after(after), **FREE}
        async with self._database.writing() as connection:
            return await self._write(connection, delivery, values) is not None

    async def give_up(self, delivery: ClaimedNotice, reason: str) -> bool:
        """As the protocol says; what would have followed this notice is given up with it."""
        dead = self._settled(NoticeState.DEAD, {"reason": reason})
        async with self._database.writing() as connection:
            given_up = await self._write(connection, delivery, dead)
            if given_up is None:
                return False
            await connection.execute(update(notices).where(c.follows == given_up, IS_UNSETTLED).values(dead))
            return True

    async def release(self, deliveries: Sequence[ClaimedNotice]) -> None:
        if not deliveries:
            return
        # One attempt more than there were at the claim: it was begun, and is given back when its lease runs out.
        held = [(each.notice.key, each.token, each.notice.attempts) for each in deliveries]
        async with self._database.writing() as connection:
            await connection.execute(release(notices, (c.key, c.lease_token, c.attempts), held))

    async def close_person(self, person: Person, reason: str) -> int:
        """As the protocol says. A task that nobody waits for any more is not looked at any more."""
        whose = of_person(person)
        async with self._database.writing() as connection:
            locked = await lock(connection, watched_tasks, subscribed_by(whose & IS_RUNNING))
            whose &= one_of(subscriptions.c.watched_task_id, locked)
            ended = await connection.execute(
                update(subscriptions).where(whose, IS_RUNNING).values(ended_at=self._database.now(), end_reason=reason)
            )
            owed = owed_to(whose & ~IS_OPEN)
            await lock(connection, notices, owed)
            dead = self._settled(NoticeState.DEAD, {"reason": reason})
            await connection.execute(update(notices).where(owed).values(dead))
            await retire(self._database, connection, one_of(watched_tasks.c.id, locked))
            return ended.rowcount

    async def _write(
        self,
        connection: AsyncConnection,
        delivery: ClaimedNotice,
        values: Mapping[str, Any],
        *conditions: ColumnElement[bool],
    ) -> int | None:
        """The notice's id, or None where the claim does not stand, and nothing is written."""
        # Nobody holds a settled one: what settles it ends the claim.
        is_standing = (c.key == delivery.notice.key) & is_held(notices, delivery.token)
        written = await connection.execute(
            update(notices).where(is_standing, *conditions).values(values).returning(c.id)
        )
        notice_id: int | None = written.scalar_one_or_none()
        return notice_id

    def _settled(self, state: NoticeState, more: Mapping[str, Any]) -> dict[str, Any]:
        return {"state": state.value, "settled_at": self._database.now(), **more, **FREE}


def _first_of_each_person(now: ColumnElement[datetime], *, limit: int) -> CTE:
    """Of each person the notice that is due longest, unless somebody holds one of theirs: one at a time.

    What is held was due when it was claimed. Rows cannot be locked where they are numbered: the claim does that, and
    leaves what another claim has locked to it.
    """
    moment = select(now).scalar_subquery()
    number = func.row_number().over(
        partition_by=(subscriptions.c.team_id, subscriptions.c.user_id),
        order_by=(case((c.lease_until > moment, 0), else_=1), c.due_at, c.id),
    )
    due = (
        select(c.id, c.due_at, c.lease_until, number.label("number"))
        .join(subscriptions, subscriptions.c.id == c.subscription_id)
        .where(IS_UNSETTLED, c.due_at <= moment, _FOLLOWS_NOTHING_UNDELIVERED, _IS_KNOWN)
        .subquery("due")
    )
    is_free = and_(due.c.number == 1, due.c.lease_until <= moment)
    return select(due.c.id).where(is_free).order_by(due.c.due_at, due.c.id).limit(limit).cte("first_of_each")


def _claimed(ids: Sequence[int]) -> Select[Any]:
    return (
        select(
            c.id,
            c.key,
            c.state,
            c.attempts,
            c.queued_at,
            c.lease_token,
            subscriptions.c.team_id,
            subscriptions.c.user_id,
            subscriptions.c.subscribed_at,
            subscriptions.c.asked_in,
            completions.c.occasion,
            completions.c.noticed_at,
            completions.c.reading,
            completions.c.newer,
            watched_tasks.c.app_id,
            watched_tasks.c.app_name,
            watched_tasks.c.room,
            watched_tasks.c.task,
            watched_tasks.c.phase,
            first.c.channel.label("first_channel"),
            first.c.ts.label("first_ts"),
        )
        .join(subscriptions, subscriptions.c.id == c.subscription_id)
        .join(completions, completions.c.id == c.completion_id)
        .join(watched_tasks, watched_tasks.c.id == completions.c.watched_task_id)
        .outerjoin(first, _IS_FOLLOWED)
        .where(c.id.in_(ids))
        .order_by(c.due_at, c.id)
    )


def _delivery(row: Row[Any], names: AppNames) -> ClaimedNotice:
    notice = Notice(
        key=row.key,
        person=Person(row.team_id, row.user_id),
        ref=names.ref(TaskRef(RtcApp(row.app_name, row.app_id), row.room, row.task)),
        completion=completion(row, names),
        subscribed_at=row.subscribed_at,
        queued_at=row.queued_at,
        attempts=whole(row.attempts),
        asked_in=row.asked_in,
        goes_on=row.phase != Phase.CLOSED.value,
        original=None if None in (row.first_channel, row.first_ts) else MessageRef(row.first_channel, row.first_ts),
    )
    return ClaimedNotice(notice, whole(row.lease_token), is_doubtful=row.state == NoticeState.SENDING)
