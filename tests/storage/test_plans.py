"""What is asked again and again is answered by an index, not by reading every row."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import event, text

from bot.notices.store import Farthest
from bot.storage.database import open_database
from testing.databases import TABLES
from testing.factories import SetClock
from testing.stores import ANN, DAY, IS_OVER, LEASE, MINUTE, REF, RUNS, Stores, stores_of


def pull_in(stores: Stores) -> Awaitable[Any]:
    return stores.due_times.pull_in(Farthest(look=MINUTE, notice=DAY, lease=LEASE))


SCANS = ("SCAN", "Seq Scan on")
QUESTIONS: dict[str, tuple[Callable[[Stores], Awaitable[Any]], str]] = {
    "due tasks": (lambda stores: stores.looks.claim_due(limit=60, lease=LEASE), "watched_tasks_due"),
    "due notices": (lambda stores: stores.notices.claim_due(limit=60, lease=LEASE), "notices_due"),
    "old tasks": (lambda stores: stores.upkeep.forget(older_than=DAY, at_most=500), "watched_tasks_closed"),
    "old requests": (lambda stores: stores.requests.forget(older_than=DAY, at_most=500), "requests_seen_at"),
    "how many tasks": (lambda stores: stores.upkeep.census(), "watched_tasks_due"),
    "the look that waits longest": (lambda stores: stores.upkeep.oldest_look(), "watched_tasks_due"),
    "how many notices": (lambda stores: stores.upkeep.census(), "notices_counted"),
    "looks too far ahead": (pull_in, "watched_tasks_due"),
    "notices too far ahead": (pull_in, "notices_due"),
    "a list": (lambda stores: stores.subscriptions.entries(ANN, limit=50), "subscriptions_of_person"),
    "a card": (lambda stores: stores.subscriptions.is_subscribed(IS_OVER.task, ANN), "watched_tasks_of_ids"),
    "news of a task": (lambda stores: stores.looks.hasten(REF), "watched_tasks_of_ids"),
    "a new subscription": (lambda stores: stores.subscribe(ANN, RUNS), "watched_tasks_of_ids"),
    "a person who leaves": (lambda stores: stores.notices.close_person(ANN, "left"), "subscriptions_of_person"),
}


@pytest.fixture
async def fresh(url: str, set_clock: SetClock) -> AsyncIterator[Stores]:
    async with open_database(url, clock=set_clock) as database:
        await database.prepare()
        yield stores_of(database, set_clock)


async def statements_of(stores: Stores, ask: Callable[[Stores], Awaitable[Any]]) -> list[tuple[str, Any]]:
    said: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        said.append((statement, parameters))

    event.listen(stores.database.engine.sync_engine, "before_cursor_execute", note)
    await ask(stores)
    event.remove(stores.database.engine.sync_engine, "before_cursor_execute", note)
    return said


async def plan_of(stores: Stores, statement: str, parameters: Any) -> list[str]:
    async with stores.database.reading() as connection:
        if connection.dialect.name == "sqlite":
            rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            return [row.detail for row in rows]
        # It reads a table that is empty as a whole, whatever indexes there are, unless there is another way.
        await connection.execute(text("SET LOCAL enable_seqscan = off"))
        rows = await connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
        return [row[0].strip(" ->") for row in rows]


@pytest.mark.parametrize("question", QUESTIONS)
async def test_an_index_answers(fresh: Stores, question: str) -> None:
    ask, index = QUESTIONS[question]
    statements = [each for each in await statements_of(fresh, ask) if not each[0].startswith("BEGIN")]
    steps = [step for each in statements for step in await plan_of(fresh, *each)]
    assert any(index in step for step in steps)
    assert not [step for step in steps if any(f"{scan} {table.name}" in step for scan in SCANS for table in TABLES)]
