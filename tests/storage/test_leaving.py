"""Whoever leaves on PostgreSQL takes nothing along that came while the leaving waited for a row."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import select, text

from bot.notices.subscription import Phase
from bot.storage.columns import MICROSECOND
from bot.storage.database import Database, open_database
from bot.storage.tables import subscriptions, watched_tasks
from testing.factories import SetClock
from testing.stores import ANN, BOB, LATER_START, NOON, REF, Stores, reading, stores_of

LATER = reading(start=LATER_START)
WAYS: dict[str, Callable[[Stores], Awaitable[Any]]] = {
    "unsubscribe": lambda stores: stores.subscriptions.unsubscribe(REF, ANN),
    "close_person": lambda stores: stores.notices.close_person(ANN, "left"),
    "purge_person": lambda stores: stores.upkeep.purge_person(ANN),
    "purge_workspace": lambda stores: stores.upkeep.purge_workspace(ANN.team_id),
}


@pytest.fixture
async def opened(postgres_url: str, set_clock: SetClock) -> AsyncIterator[Stores]:
    async with open_database(postgres_url, clock=set_clock) as database:
        yield stores_of(database, set_clock)


async def waits_or_is_done(database: Database, work: asyncio.Task[Any]) -> None:
    """Until the work cannot go on without somebody else's commit, or has come to its end."""
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    while not work.done():
        async with database.reading() as connection:
            if (await connection.execute(waiting)).scalar_one():
                return
        await asyncio.sleep(0.01)


async def subscribe_bob(connection: Any) -> None:
    """As subscribing does, before its commit."""
    later = watched_tasks.c.started == LATER_START
    watched = await connection.execute(select(watched_tasks.c.id).where(later).with_for_update())
    row = {"watched_task_id": watched.scalar_one(), "team_id": BOB.team_id, "user_id": BOB.user_id}
    await connection.execute(subscriptions.insert().values(**row, subscribed_at=NOON + MICROSECOND))


@pytest.mark.parametrize("way", WAYS)
async def test_a_newcomers_subscription_stays(opened: Stores, way: str) -> None:
    """A newer task is subscribed to while the leaving waits for the older one."""
    await opened.subscribe(ANN)
    await opened.conclude(phase=Phase.AWAITING_FILES)
    database = opened.database
    async with database.engine.connect() as newcomer:
        async with database.writing() as older:
            await older.execute(select(watched_tasks.c.id).with_for_update())
            leaving = asyncio.ensure_future(WAYS[way](opened))
            await waits_or_is_done(database, leaving)
            await opened.subscribe(ANN, LATER)
            await subscribe_bob(newcomer)
        await waits_or_is_done(database, leaving)
        await newcomer.commit()
    await leaving
    assert await opened.subscriptions.is_subscribed(LATER.task, BOB)
    assert await opened.subscriptions.is_subscribed(LATER.task, ANN)
    assert (await opened.watched(BOB)).phase is Phase.WATCHING
