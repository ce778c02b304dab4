"""How subscriptions end before they are done, and what becomes of the tasks that nobody waits for any more."""

from typing import Any

from sqlalchemy import Column, ColumnElement, and_, delete, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.columns import EPOCH
from bot.storage.database import Database
from bot.storage.tables import IS_LOOKED_AT, IS_OPEN, IS_UNSETTLED, notices, subscriptions, watched_tasks
from bot.subscriptions.subscription import Phase

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


async def lock(connection: AsyncConnection, table: Any, which: ColumnElement[bool]) -> None:
    """Lock these rows in the order of their ids, as all do who lock several; watched tasks before their notices."""
    await connection.execute(select(table.c.id).where(which).order_by(table.c.id).with_for_update())


async def retire(
    database: Database,
    connection: AsyncConnection,
    which: ColumnElement[bool],
    *,
    without: ColumnElement[bool] | None = None,
) -> None:
    """Of these watched tasks, delete those without a subscription, and close those that nobody waits for.

    `without` are subscriptions that are about to be deleted; with a deleted task they are.
    What this finds is locked already: but for the transaction that ends the last one, no task that is looked at is ever
    seen without an open subscription. So no newcomer's subscription, not yet visible here, is closed or deleted.
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
