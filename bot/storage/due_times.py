"""Due times and leases that a clock which was wrong has set too far ahead."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, ScalarSelect, Table, and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.notices.store import Farthest
from bot.storage.database import Database
from bot.storage.tables import IS_LOOKED_AT, IS_UNSETTLED, notices, watched_tasks

look, notice = watched_tasks.c, notices.c


class SqlDueTimes:
    """The protocol DueTimes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def moment(self) -> datetime:
        async with self._database.reading() as connection:
            now: datetime = (await connection.execute(select(self._database.now().label("now")))).scalar_one()
            return now

    async def pull_in(self, farthest: Farthest) -> int:
        now, a_lease = self._after(timedelta()), self._after(farthest.lease)
        # Nobody is told of anything before it has happened.
        is_too_far = or_(notice.due_at > self._after(farthest.notice), notice.queued_at > a_lease)
        is_late_notice = and_(notice.due_at > now, is_too_far)
        # A row is claimed when it is due: the index finds it by that.
        is_held_look = and_(look.next_look_at <= now, look.lease_until > self._after(2 * farthest.lease))
        is_held_notice = and_(notice.due_at <= now, notice.lease_until > self._after(2 * farthest.lease))
        changes = (
            (IS_LOOKED_AT, look.next_look_at, look.next_look_at > self._after(farthest.look), {"next_look_at": now}),
            (IS_LOOKED_AT, look.next_look_at, is_held_look, {"lease_until": a_lease}),
            (IS_UNSETTLED, notice.due_at, is_late_notice, {"due_at": now}),
            (IS_UNSETTLED, notice.due_at, is_held_notice, {"lease_until": a_lease}),
        )
        async with self._database.writing() as connection:
            return sum([await _change(connection, *change) for change in changes])

    def _after(self, span: timedelta) -> ScalarSelect[datetime]:
        """Answered once, so that an index can be searched by it."""
        return select(self._database.after(span)).scalar_subquery()


async def _change(
    connection: AsyncConnection,
    is_open: ColumnElement[bool],
    due_at: Column[Any],
    which: ColumnElement[bool],
    values: Mapping[str, Any],
) -> int:
    """How many rows that was; those that somebody changes at the moment are left for the next time."""
    table = due_at.table
    assert isinstance(table, Table)
    chosen = (
        select(table.c.id)
        .where(is_open, which)
        .order_by(due_at)
        .with_for_update(skip_locked=True, key_share=True)
        .cte("chosen")
    )
    changed = update(table).where(table.c.id.in_(select(chosen.c.id))).values(values).returning(table.c.id)
    return len((await connection.execute(changed)).all())
