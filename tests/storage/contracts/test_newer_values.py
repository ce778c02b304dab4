"""What only a newer release knows, in a row that it wrote, stands in nobody else's way."""

from typing import Any

import structlog
from sqlalchemy import Table, update

from bot.notices.completion import Occasion
from bot.notices.subscription import Subscribed
from bot.recording.task_ref import TaskRef
from bot.storage.tables import completions, notices, watched_tasks
from testing.stores import ANN, APP, BOB, LEASE, OTHER_REF, RUNS, SECOND, Stores, reading

OTHER = reading(ref=OTHER_REF)
Events = list[structlog.typing.EventDict]


async def write_newer(stores: Stores, table: Table, **values: Any) -> None:
    """Into the row that was made first."""
    async with stores.database.writing() as connection:
        await connection.execute(update(table).where(table.c.id == await first_id(stores, table)).values(values))


async def first_id(stores: Stores, table: Table) -> Any:
    return (await stores.rows())[table.name][0][0]


async def tell_two(stores: Stores) -> None:
    """Ann of the first task, then Bob of the second."""
    await stores.subscribe(ANN)
    await stores.subscribe(BOB, OTHER)
    for look in await stores.looks.claim_due(limit=2, lease=LEASE):
        await stores.conclude(look=look)


async def told(stores: Stores) -> list[str]:
    return [each.notice.person.user_id for each in await stores.claim_notices()]


class TestAPhase:
    async def test_is_left_to_who_knows_it(self, stores: Stores) -> None:
        await stores.subscribe(ANN)
        await stores.subscribe(BOB, OTHER)
        await write_newer(stores, watched_tasks, phase="resting")
        before = (await stores.rows())["watched_tasks"][0]
        assert [look.watched.ref for look in await stores.looks.claim_due(limit=1, lease=LEASE)] == [OTHER_REF]
        assert (await stores.rows())["watched_tasks"][0] == before

    async def test_leaves_the_rest_of_a_list(self, stores: Stores, logged: Events) -> None:
        await stores.subscribe(ANN)
        await stores.subscribe(ANN, OTHER)
        await write_newer(stores, watched_tasks, phase="resting")
        for _ in range(2):
            assert (await stores.watched()).ref == OTHER_REF
        named = [event for event in logged if event["event"] == "row.not_decoded"]
        assert [event["table"] for event in named] == ["watched_tasks"]
        assert "resting" in named[0]["flaw"]


class TestAnOccasion:
    async def test_stops_no_other_notice(self, stores: Stores) -> None:
        await tell_two(stores)
        await write_newer(stores, completions, occasion="quality")
        before = (await stores.rows())["notices"][0]
        assert await told(stores) == [BOB.user_id]
        assert (await stores.rows())["notices"][0] == before

    async def test_is_not_told_to_newcomers(self, stores: Stores) -> None:
        await tell_two(stores)
        await write_newer(stores, completions, occasion="quality")
        assert await stores.subscribe(BOB, RUNS) == Subscribed(is_new=True)

    async def test_leaves_the_rest_of_a_list(self, stores: Stores) -> None:
        await tell_two(stores)
        await stores.subscribe(ANN, reading(ref=TaskRef(APP, "Room1", "Task3")))
        await write_newer(stores, completions, occasion="quality")
        assert (await stores.watched()).ref.task == "Task3"


class TestAState:
    async def test_stops_no_other_notice(self, stores: Stores) -> None:
        await tell_two(stores)
        await write_newer(stores, notices, state="asked")
        assert await told(stores) == [BOB.user_id]

    async def test_is_not_claimed_though_its_turn_comes_first(self, stores: Stores) -> None:
        await tell_two(stores)
        await write_newer(stores, notices, state="asked")
        stores.clock.move(SECOND)
        (delivery,) = await stores.notices.claim_due(limit=1, lease=LEASE)
        assert (delivery.notice.person, delivery.notice.completion.occasion) == (BOB, Occasion.ENDED)
