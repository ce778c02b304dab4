"""How subscriptions end before they are done, and what becomes of the tasks that nobody waits for any more.

Whoever ends subscriptions locks their watched tasks first and ends those of the locked ones only: under the lock nobody
else adds, ends or tells one. What is subscribed to meanwhile comes after the leaving.
"""

from collections.abc import Sequence

from sqlalchemy import Column, ColumnElement, Table, and_, bindparam, delete, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.notices.subscription import Phase
from bot.storage.columns import EPOCH
from bot.storage.database import Database
from bot.storage.tables import IS_LOOKED_AT, IS_OPEN, IS_UNSETTLED, notices, subscriptions, watched_tasks

_IS_WATCHED_BY_IT = watched_tasks.c.id == subscriptions.c.watched_task_id
_IS_OF_IT = notices.c.subscription_id == subscriptions.c.id

# Of a subscription: nothing has ended it, and something is still to come of it.
IS_RUNNING = IS_OPEN & or_(
    exists().where(_IS_WATCHED_BY_IT, IS_LOOKED_AT).correlate(subscriptions),
    exists().where(_IS_OF_IT, IS_UNSETTLED).correlate(subscriptions),
)


def subscribed_by(whose: ColumnElement[bool]) -> ColumnElement[bool]:
    """The watched tasks of these subscriptions."""
    watched: Column[int] = watched_tasks.c.id
    return watched.in_(select(subscriptions.c.watched_task_id).where(whose))


def owed_to(whose: ColumnElement[bool]) -> ColumnElement[bool]:
    """The unsettled notices of these subscriptions."""
    return and_(IS_UNSETTLED, notices.c.subscription_id.in_(select(subscriptions.c.id).where(whose)))


async def lock(connection: AsyncConnection, table: Table, which: ColumnElement[bool]) -> Sequence[int]:
    """Lock these rows in the order of their ids, as all do who lock several; watched tasks before their notices.

    Their ids: what fits as well by the time that all are locked is not among them.
    """
    locked = await connection.execute(select(table.c.id).where(which).order_by(table.c.id).with_for_update())
    return locked.scalars().all()


def one_of(column: Column[int], ids: Sequence[int]) -> ColumnElement[bool]:
    """However many there are: the numbers are written out, for of parameters a statement takes only so many."""
    return column.in_(bindparam(None, ids, expanding=True, literal_execute=True))


async def retire(
    database: Database,
    connection: AsyncConnection,
    which: ColumnElement[bool],
    *,
    without: ColumnElement[bool] | None = None,
) -> None:
    """Of these watched tasks, delete those without a subscription, and close those that nobody waits for.

    `without` are subscriptions that are about to be deleted; with a deleted task they are. The tasks are locked: for
    another one this would wait, and then go by what it had seen before.
    """
    has_subscription = exists().where(_IS_WATCHED_BY_IT)
    if without is not None:
        has_subscription = has_subscription.where(~without)
    await connection.execute(delete(watched_tasks).where(which, ~has_subscription))
    await connection.execute(
        update(watched_tasks)
        .where(which, IS_LOOKED_AT, ~has_subscription.where(IS_OPEN))
        .values(phase=Phase.CLOSED.value, closed_at=database.now(), lease_until=EPOCH)
    )
